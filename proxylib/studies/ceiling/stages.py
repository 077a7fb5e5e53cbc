"""What the study of the ceiling runs: students of teachers of known quality, and where their curves end."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from proxylib.errors import UserError
from proxylib.runs.step import Declaration, Request, Resources, Step, Study
from proxylib.studies.ceiling.settings import CeilingsSettings, FewNotesSettings, FewSettings, Section, StudentSettings

study = Study("ceiling", Section)
TOKENS = 150  # of a dialogue with its note, about
WRITING = 0.02  # minutes for the notes of a student of one number of examples


def _minutes(settings: StudentSettings) -> Resources:
    training = settings.training.model_copy(update={"tokens": max(settings.examples) * TOKENS})
    return Resources(minutes=training.minutes(settings.model) + WRITING * len(settings.examples))


@study.stage(version=1, builder="proxylib.studies.ceiling.student:build", resources=_minutes)
def student(d: Declaration, teacher: str, width: int, seed: int | None = None) -> Request:
    """How well does a base write once it has learnt from this teacher's notes, at every number of them?"""
    seed = d.profile.ceiling.seeds[0] if seed is None else seed
    base, settings = _student(d, teacher, width, seed)
    given = {"teacher": teacher, "width": width, "seed": seed}
    return Request(settings, {"base": base}, name=f"student/{teacher}-{width}-seed{seed}", parameters=given)


@study.stage(version=1, builder="proxylib.studies.ceiling.student:build", resources=_minutes)
def student_of_few(d: Declaration, teacher: str, width: int, notes: int, seed: int | None = None) -> Request:
    """How well does a base write that reads few of this teacher's notes again and again?"""
    chosen = d.profile.ceiling
    seed = chosen.seeds[0] if seed is None else seed
    _refuse_unknown("notes", notes, chosen.few.notes)
    base, settings = _student(d, teacher, width, seed)
    given = {"teacher": teacher, "width": width, "notes": notes, "seed": seed}
    name = f"student_of_few/{teacher}-{width}-{notes}-seed{seed}"
    return Request(FewSettings(**dict(settings), notes=notes), {"base": base}, name=name, parameters=given)


def _student(d: Declaration, teacher: str, width: int, seed: int) -> tuple[Step, StudentSettings]:
    """The base, and what its student is made from."""
    chosen = d.profile.ceiling
    by_name = {one.name: one for one in chosen.teachers}
    _refuse_unknown("teacher", teacher, by_name)
    _refuse_unknown("width", width, chosen.widths)
    base = d.step("base", width=width)
    settings = StudentSettings(
        model=base.settings.model,
        training=base.settings.training.model_copy(update={"batch_tokens": chosen.batch_tokens}),
        teacher=by_name[teacher],
        examples=chosen.examples,
        peak=chosen.peak,
        tests=chosen.tests,
        test_seed=d.profile.scribe.seed,
        max_new_tokens=d.profile.scribe.max_new_tokens,
        seed=seed,
    )
    return base, settings


def _refuse_unknown(what: str, value: object, known: Iterable[object]) -> None:
    known = list(known)
    if value not in known:
        raise UserError(f"parameter {what}: this profile has no {value}; it has {', '.join(map(str, known))}")


@study.stage(version=1, builder="proxylib.studies.ceiling.ceilings:build", resources=Resources(minutes=0.5), whole=False)
def ceilings(d: Declaration) -> Request:
    """Does a student reach, stop below or pass its teacher, at how many examples, and what does loss say of it?"""
    chosen = d.profile.ceiling
    settings = CeilingsSettings(
        widths=chosen.widths, teachers=chosen.teachers, seeds=chosen.seeds, bootstrap=d.profile.bootstrap
    )
    students = [
        d.step("student", teacher=teacher.name, width=width, seed=seed)
        for teacher in chosen.teachers
        for width in chosen.widths
        for seed in chosen.seeds
    ]
    return Request(settings, {step.name: step for step in students})


@study.stage(version=1, builder="proxylib.studies.ceiling.few:build", resources=Resources(minutes=0.3), whole=False)
def few_notes(d: Declaration) -> Request:
    """What do few notes that are read again and again lack of many that are read once?"""
    chosen = d.profile.ceiling
    teachers = tuple(one for one in chosen.teachers if one.name in chosen.few.teachers)
    settings = FewNotesSettings(
        widths=chosen.widths, teachers=teachers, notes=chosen.few.notes, seeds=chosen.seeds, bootstrap=d.profile.bootstrap
    )
    students = []
    for teacher, width, seed in product(teachers, chosen.widths, chosen.seeds):
        known = {"teacher": teacher.name, "width": width, "seed": seed}
        students += [
            d.step("student", **known),
            *(d.step("student_of_few", notes=count, **known) for count in chosen.few.notes),
        ]
    return Request(settings, {step.name: step for step in students})


@study.page("the_ceiling")
def the_ceiling(d: Declaration) -> Request:
    """What the page the_ceiling reads."""
    return Request(None, {"ceilings": d.step("ceilings"), "few_notes": d.step("few_notes")})
