"""What the study runs: fine-tunes of a real model, that model as a judge, the calibration of metrics, and the comparison."""

from __future__ import annotations

from proxylib.data.published import registry
from proxylib.runs.step import Declaration, Request, Resources, Step, Study
from proxylib.studies.real_notes.settings import (
    AnalysisSettings,
    CellSettings,
    JudgeSettings,
    MetricSettings,
    RealNotes,
    Section,
    Texts,
)

study = Study("real_notes", Section)
MODEL = "model"  # role of the step whose run holds the model, and its folder there


def _model(d: Declaration) -> Step:
    """The real model, or what stands for it."""
    return d.step("fetched_model")


def _texts(chosen: RealNotes) -> Texts:
    return Texts(**chosen.model_dump(include=set(Texts.model_fields)))


def _outside(chosen: RealNotes) -> dict[str, str]:
    if chosen.data == "made":
        from proxylib.data.domains import scribe

        return {"domain": scribe.DOMAIN.fingerprint()}
    return {chosen.data: registry.fingerprint(chosen.data)}


@study.stage(version=1, builder="proxylib.studies.real_notes.cell:build", resources=Resources(minutes=9.0, memory=6.0))
def note_cell(d: Declaration, examples: int, seed: int) -> Request:
    """What are the losses and the notes of the real model, fine-tuned on so many dialogues with notes?"""
    chosen = d.profile.real_notes
    settings = CellSettings(
        texts=_texts(chosen),
        examples=examples,
        seed=seed,
        held_out=chosen.held_out,
        lora=chosen.lora,
        last=chosen.last,
        max_new_tokens=chosen.max_new_tokens,
        note_batch=chosen.note_batch,
        threads=d.profile.evaluation.threads,
    )
    name = f"note_cell/{examples}-seed{seed}"
    return Request(settings, {MODEL: _model(d)}, _outside(chosen), name, {"examples": examples, "seed": seed})


@study.stage(version=1, builder="proxylib.studies.real_notes.judged:build", resources=Resources(minutes=9.0, memory=6.0))
def note_judge(d: Declaration) -> Request:
    """What do automatic metrics, and the real model as a judge, say of notes that people have scored?"""
    chosen = d.profile.real_notes
    settings = JudgeSettings(texts=_texts(chosen), threads=d.profile.evaluation.threads)
    return Request(settings, {MODEL: _model(d)}, _outside(chosen))


@study.stage(version=2, builder="proxylib.studies.real_notes.calibration:build", resources=Resources(minutes=0.3), whole=False)
def note_metrics(d: Declaration) -> Request:
    """Which automatic metric follows people's scores of facts, and what is the real model worth as a judge?"""
    chosen = d.profile.real_notes
    settings = MetricSettings(data=chosen.data, bootstrap=d.profile.bootstrap)
    return Request(settings, {"judged": d.step("note_judge")}, _outside(chosen))


@study.stage(version=1, builder="proxylib.studies.real_notes.analysis:build", resources=Resources(minutes=0.2), whole=False)
def real_notes(d: Declaration) -> Request:
    """Do losses tell what a real model's notes are worth, by the metric that was chosen before?"""
    chosen = d.profile.real_notes
    settings = AnalysisSettings(examples=chosen.examples, seeds=chosen.seeds, bootstrap=d.profile.bootstrap)
    cells = [(0, chosen.seeds[0]), *((examples, seed) for examples in chosen.examples for seed in chosen.seeds)]
    parents = {f"{examples} {seed}": d.step("note_cell", examples=examples, seed=seed) for examples, seed in cells}
    return Request(settings, {"metrics": d.step("note_metrics"), **parents})


@study.page("real_notes")
def page(d: Declaration) -> Request:
    """What the page reads."""
    return Request(None, {name: d.step(name) for name in ("real_notes", "note_metrics", "note_judge")})
