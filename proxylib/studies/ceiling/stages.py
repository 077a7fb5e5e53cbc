"""What the study of the ceiling runs: students of teachers of known quality, and where their curves end."""

from __future__ import annotations

from proxylib.errors import UserError
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.ceiling.settings import CeilingsSettings, Section, StudentSettings

study = Study("ceiling", Section)
TOKENS = 150  # of a dialogue with its note, about
WRITING = 0.02  # minutes for the notes of a student of one number of examples


def _minutes(settings: StudentSettings) -> Resources:
    training = settings.training.model_copy(update={"tokens": max(settings.examples) * TOKENS})
    return Resources(minutes=training.minutes(settings.model) + WRITING * len(settings.examples))


@study.stage(version=1, builder="proxylib.studies.ceiling.student:build", resources=_minutes)
def student(d: Declaration, teacher: str, width: int, seed: int | None = None) -> Request:
    """How well does a base write once it has learnt from this teacher's notes, at every number of them?"""
    chosen = d.profile.ceiling
    seed = chosen.seeds[0] if seed is None else seed
    by_name = {one.name: one for one in chosen.teachers}
    for what, value, known in (("teacher", teacher, by_name), ("width", width, chosen.widths)):
        if value not in known:
            raise UserError(f"parameter {what}: this profile has no {value}; it has {', '.join(map(str, known))}")
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
    given = {"teacher": teacher, "width": width, "seed": seed}
    return Request(settings, {"base": base}, name=f"student/{teacher}-{width}-seed{seed}", parameters=given)


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


@study.page("the_ceiling")
def the_ceiling(d: Declaration) -> Request:
    """What the page the_ceiling reads."""
    return Request(None, {"ceilings": d.step("ceilings")})
