"""What the study of post-training runs: bases, rounds of every arm, and what they win and lose."""

from __future__ import annotations

from proxylib.models.settings import train_settings
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.post_training.settings import Asked, BaseSettings, RegressionsSettings, RoundsSettings, Section

study = Study("post_training", Section)
SEEDS, APART, ORDERS = 5000, 100, 10  # times the profile's first seed; between bases; between orders of one base's rounds
LOOK = 0.15  # minutes in which everything is asked once


def _trained(settings: BaseSettings) -> Resources:
    return Resources(minutes=settings.training.training.minutes(settings.training.model) + LOOK)


@study.stage(version=1, builder="proxylib.studies.post_training.rounds:build_base", resources=_trained)
def post_base(d: Declaration, model: str) -> Request:
    """What can a model do before its rounds of post-training?"""
    chosen = d.profile.post_training
    spec = chosen.base(model)
    seed = SEEDS * d.profile.seeds[0] + APART * chosen.bases.index(spec)
    settings = BaseSettings(
        training=train_settings(d.profile, spec, seed),
        asked=Asked(items=chosen.items, documents=chosen.documents, evaluation=d.profile.evaluation),
    )
    given = {"model": model}
    return Request(settings, {"material": d.step("material")}, name=f"post_base/{model}", parameters=given)


def _taught(settings: RoundsSettings) -> Resources:
    spec = settings.training
    share = settings.tokens / (spec.training.tokens * spec.model.share)
    return Resources(minutes=settings.rounds * (share * spec.training.minutes(spec.model) + LOOK))


@study.stage(version=1, builder="proxylib.studies.post_training.rounds:build", resources=_taught)
def rounds(d: Declaration, model: str, arm: str) -> Request:
    """What does a model win and lose in rounds of post-training of one kind?"""
    chosen = d.profile.post_training
    base, kind = d.step("post_base", model=model), chosen.arm(arm)
    training = base.settings.training
    settings = RoundsSettings(
        training=training.model_copy(update={"seed": training.seed + ORDERS * (1 + kind.order)}),
        asked=base.settings.asked,
        arm=kind,
        targets=chosen.targets,
        rounds=chosen.rounds,
        tokens=chosen.tokens,
        peak=chosen.peak,
    )
    given = {"model": model, "arm": arm}
    parents = {"material": d.step("material"), "base": base}
    return Request(settings, parents, name=f"rounds/{model}/{arm.replace(' ', '-')}", parameters=given)


@study.stage(version=4, builder="proxylib.studies.post_training.dashboard:build", resources=Resources(minutes=0.7), whole=False)
def regressions(d: Declaration) -> Request:
    """What do rounds of post-training win, what do they lose beside it, and what finds that?"""
    chosen = d.profile.post_training
    names = tuple(base.name for base in chosen.bases)
    settings = RegressionsSettings(
        bases=names,
        arms=chosen.arms,
        targets=chosen.targets,
        bootstrap=d.profile.bootstrap,
    )
    parents = {f"base {name}": d.step("post_base", model=name) for name in names}
    parents |= {f"{name}: {arm.name}": d.step("rounds", model=name, arm=arm.name) for name in names for arm in chosen.arms}
    return Request(settings, parents)


@study.page("regressions")
def regressions_page(d: Declaration) -> Request:
    """What the page regressions reads."""
    return Request(None, {"regressions": d.step("regressions")})
