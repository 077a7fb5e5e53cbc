"""What the study of checkpoints runs."""

from __future__ import annotations

from proxylib.data.published import registry
from proxylib.errors import UserError
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.checkpoints.settings import LabSettings, LateSettings, Section

study = Study("checkpoints", Section)
OTHER_TEXT = 250  # added to a run's seed: text that it has not read, nor any other model
SETS = ("gadre_scaling", "gemstones", "olmo_ladder", "pythia_evals")  # published runs
LOOK = 0.04  # minutes of one checkpoint's answers


def _late(settings: LateSettings) -> Resources:
    late, training = settings.late, settings.training.training
    whole = training.minutes(settings.training.model) / settings.training.model.share  # of `tokens` tokens
    share = (late.settle + 2 * late.steps) * training.batch_tokens / training.tokens
    return Resources(minutes=whole * share + LOOK * 2 * (late.last + len(late.averaged)))


@study.stage(version=1, builder="proxylib.studies.checkpoints.late:build", resources=_late)
def late_checkpoints(d: Declaration, model: str) -> Request:
    """What do the last checkpoints of a run do, and averages of them, at a constant and at a falling learning rate?"""
    parent = d.step("trajectory", model=model)
    training = parent.settings.training
    if training.model.post != "none":
        names = ", ".join(run.name for run in d.profile.trajectories.runs)
        raise UserError(f"parameter model: {model} was trained further after pretraining; choose one of {names}")
    settings = LateSettings(
        training=training.model_copy(update={"seed": training.seed + OTHER_TEXT}),
        evaluation=d.profile.evaluation,
        counted=d.profile.counted,
        late=d.profile.late_checkpoints,
    )
    parents = {"material": d.step("material"), "trajectory": parent}
    return Request(settings, parents, name=f"late_checkpoints/{model}", parameters={"model": model})


@study.stage(
    version=1,
    builder="proxylib.studies.checkpoints.published:build",
    resources=Resources(minutes=0.5),
    shared=True,
    whole=False,
)
def published_checkpoints(d: Declaration) -> Request:
    """How far apart lie accuracies of equal loss, and what is gained by choosing a checkpoint, in published runs? No row of the
    published data enters the run.
    """
    return Request(d.profile.bootstrap, outside={name: registry.fingerprint(name) for name in SETS})


@study.stage(version=2, builder="proxylib.studies.checkpoints.lab:build", resources=Resources(minutes=0.5), whole=False)
def lab_checkpoints(d: Declaration) -> Request:
    """The same in the lab, item by item, and what averages of weights score beside single checkpoints."""
    names = tuple(model.name for model in d.profile.trajectories.runs)
    settings = LabSettings(
        runs=names,
        tasks=d.profile.ranked,
        counted=d.profile.counted,
        last=d.profile.trajectories.watch.last,
        bootstrap=d.profile.bootstrap,
    )
    parents = {"population": d.step("population")}
    for name in names:
        parents |= {name: d.step("trajectory", model=name), f"late {name}": d.step("late_checkpoints", model=name)}
    return Request(settings, parents)


@study.page("loss_and_capability")
def loss_and_capability(d: Declaration) -> Request:
    """What the page loss_and_capability reads."""
    return Request(None, {name: d.step(name) for name in ("published_checkpoints", "lab_checkpoints")})


@study.page("choosing_a_checkpoint")
def choosing_a_checkpoint(d: Declaration) -> Request:
    """What the page choosing_a_checkpoint reads."""
    return Request(None, {name: d.step(name) for name in ("published_checkpoints", "lab_checkpoints")})
