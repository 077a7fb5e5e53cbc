"""What the study of training, validation and per-domain losses runs: trainings made to overfit or to stall, and analyses."""

from __future__ import annotations

from proxylib.data.published import registry
from proxylib.errors import UserError
from proxylib.models.settings import train_settings
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.validation.settings import (
    ARMS,
    LEFT_ALONE,
    Corpus,
    DomainsSettings,
    LossesSettings,
    MixtureSettings,
    RunSettings,
    Section,
)

study = Study("validation", Section)
SETS = ("olmo_ladder", "gadre_scaling", "regmix")  # published runs
LOOK, ANSWERS = 0.01, 0.03  # minutes of one checkpoint's losses, and of its answers
OVERFIT_SEEDS = 2000  # added to a run's seed: no run of the study reads what another study's did
MIXTURE_SEEDS = 2500


def _minutes(settings: RunSettings) -> Resources:
    looks = settings.checkpoints * (LOOK + (ANSWERS if settings.asked == "always" else 0))
    return Resources(minutes=settings.training.training.minutes(settings.training.model) + looks)


def _run_settings(d: Declaration, corpus: Corpus, seed: int, asked: str) -> dict[str, object]:
    """What both kinds of runs are made from."""
    chosen = d.profile.validation
    training = train_settings(d.profile, chosen.model, seed, chosen.tokens)
    material = training.material.model_copy(update={"tasks": chosen.tasks})
    return {
        "training": training.model_copy(update={"material": material}),
        "corpus": corpus,
        "evaluation": d.profile.evaluation,
        "asked": asked,
        **{name: getattr(chosen, name) for name in ("items", "documents", "checkpoints")},
    }


def _known(what: str, value: object, known: object) -> None:
    if value not in known:
        raise UserError(f"parameter {what}: this profile has no '{value}'; it has {', '.join(map(str, known))}")


@study.stage(version=1, builder="proxylib.studies.validation.overfit_run:build", resources=_minutes)
def overfit_run(d: Declaration, corpus: str, seed: int) -> Request:
    """When does validation turn, and what can the model do by then, while it reads few documents often or many once?"""
    chosen = d.profile.validation
    _known("corpus", corpus, chosen.corpora)
    _known("seed", seed, chosen.seeds)
    settings = RunSettings(**_run_settings(d, chosen.corpora[corpus], OVERFIT_SEEDS + seed, "always"))
    given = {"corpus": corpus, "seed": seed}
    return Request(settings, {"material": d.step("material")}, name=f"overfit_run/{corpus}-{seed}", parameters=given)


@study.stage(version=1, builder="proxylib.studies.validation.mixture_run:build", resources=_minutes)
def mixture_run(d: Declaration, arm: str, seed: int) -> Request:
    """What becomes of every domain's loss when the mixture is changed towards one that has stalled, or is not?"""
    chosen = d.profile.validation
    _known("arm", arm, ARMS)
    _known("seed", seed, chosen.seeds)
    given = _run_settings(d, chosen.mixture, MIXTURE_SEEDS + seed, "end")
    settings = MixtureSettings(**given, arm=arm, added=chosen.added, behind=chosen.behind)
    parents = {"material": d.step("material")}
    if arm != LEFT_ALONE:
        parents[LEFT_ALONE] = d.step("mixture_run", arm=LEFT_ALONE, seed=seed)
    return Request(settings, parents, name=f"mixture_run/{arm}-{seed}", parameters={"arm": arm, "seed": seed})


@study.stage(version=3, builder="proxylib.studies.validation.losses:build", resources=Resources(minutes=0.5), whole=False)
def validation_losses(d: Declaration) -> Request:
    """Does validation show overfitting, how soon, with how many false alarms, and what does asking cost?"""
    chosen, watched = d.profile.validation, [model.name for model in d.profile.trajectories.runs]
    settings = LossesSettings(
        corpora=tuple(chosen.corpora), seeds=chosen.seeds, trajectories=tuple(watched), bootstrap=d.profile.bootstrap
    )
    runs = {f"{name} {seed}": d.step("overfit_run", corpus=name, seed=seed) for name in chosen.corpora for seed in chosen.seeds}
    return Request(settings, runs | {name: d.step("trajectory", model=name) for name in watched})


@study.stage(version=1, builder="proxylib.studies.validation.by_domain:build", resources=Resources(minutes=0.5), whole=False)
def domain_losses(d: Declaration) -> Request:
    """How often does an aggregate hide a domain that rises, and what does a changed mixture do to each?"""
    chosen, watched = d.profile.validation, [model.name for model in d.profile.trajectories.runs]
    settings = DomainsSettings(seeds=chosen.seeds, trajectories=tuple(watched), bootstrap=d.profile.bootstrap)
    runs = {f"{arm} {seed}": d.step("mixture_run", arm=arm, seed=seed) for arm in ARMS for seed in chosen.seeds}
    return Request(settings, runs | {name: d.step("trajectory", model=name) for name in watched})


@study.stage(
    version=1, builder="proxylib.studies.validation.published:build", resources=Resources(minutes=1), shared=True, whole=False
)
def published_losses(d: Declaration) -> Request:
    """Of published runs: how often do alarms on losses speak, and how often does an aggregate hide a domain? No row of the
    published data enters the run.
    """
    return Request(d.profile.bootstrap, outside={name: registry.fingerprint(name) for name in SETS})


@study.page("training_and_validation_loss")
def training_and_validation_loss(d: Declaration) -> Request:
    """What the page training_and_validation_loss reads."""
    return Request(None, {name: d.step(name) for name in ("validation_losses", "published_losses")})


@study.page("per_domain_loss")
def per_domain_loss(d: Declaration) -> Request:
    """What the page per_domain_loss reads."""
    return Request(None, {name: d.step(name) for name in ("domain_losses", "published_losses")})
