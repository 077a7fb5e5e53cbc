"""What the study of layers runs: shared bases, models with faults, and six layers that look at them."""

from __future__ import annotations

from proxylib.errors import UserError
from proxylib.models.settings import Evaluation
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.layers.settings import BaseSettings, FaultySettings, LayersSettings, Section, forms_of

study = Study("layers", Section)
LOOK = 0.2  # minutes of one model's losses and answers


def _pretrained(settings: BaseSettings) -> Resources:
    return Resources(minutes=settings.training.minutes(settings.model))


@study.stage(version=1, builder="proxylib.studies.layers.faulty:build_base", resources=_pretrained)
def layers_base(d: Declaration, model: str) -> Request:
    """What does a base read before releases are made of it?"""
    chosen = d.profile.layers
    spec = _model(d, model)
    training = chosen.training(d.profile.training, chosen.base_tokens)
    settings = BaseSettings(model=spec, training=training, material=d.profile.material, seed=100 * chosen.seed)
    return Request(settings, {"material": d.step("material")}, name=f"layers_base/{model}", parameters={"model": model})


def _stages(settings: FaultySettings) -> Resources:
    return Resources(minutes=len(settings.group.seeds) * (settings.training.minutes(settings.model) + LOOK))


@study.stage(version=1, builder="proxylib.studies.layers.faulty:build", resources=_stages)
def faulty(d: Declaration, model: str, fault: str) -> Request:
    """What do losses and a benchmark see of models with a fault, or of healthy ones, and what do they answer?"""
    chosen = d.profile.layers
    if fault not in chosen.groups:
        raise UserError(f"parameter fault: '{fault}' is unknown; there are {', '.join(chosen.groups)}")
    group = chosen.groups[fault]
    evaluation = d.profile.evaluation.model_dump() | {"max_new_tokens": chosen.max_new_tokens}
    forms_of(chosen.items, d.profile.material)
    settings = FaultySettings(
        model=_model(d, model),
        group=group,
        training=chosen.training(d.profile.training, chosen.tokens),
        peak=chosen.peak,
        checkpoints=chosen.checkpoints,
        documents=chosen.documents,
        items=chosen.items,
        evaluation=Evaluation(**evaluation),
        material=d.profile.material,
    )
    parents = {"material": d.step("material"), "base": d.step("layers_base", model=model)}
    return Request(settings, parents, name=f"faulty/{model} {fault}", parameters={"model": model, "fault": fault})


@study.stage(version=4, builder="proxylib.studies.layers.analysis:build", resources=Resources(minutes=0.8), whole=False)
def layers(d: Declaration) -> Request:
    """Which of six layers catches which fault, at one rate of false alarms? People and users are simulated."""
    chosen = d.profile.layers
    settings = LayersSettings(
        models=tuple(model.name for model in chosen.models),
        groups=chosen.groups,
        people=chosen.people,
        users=chosen.users,
        votes=chosen.votes,
        product=d.profile.telemetry.product(users=d.profile.telemetry.ranges["users"][-1]),
        days=chosen.days,
        margin=chosen.margin,
        lengthy=chosen.lengthy,
        prices=chosen.prices,
        bootstrap=d.profile.bootstrap,
    )
    given = [{"model": model, "fault": name} for model in settings.models for name in settings.groups]
    return Request(settings, {f"{one['model']} {one['fault']}": d.step("faulty", **one) for one in given})


@study.page("what_catches_what")
def what_catches_what(d: Declaration) -> Request:
    """What the page reads."""
    return Request(None, {"layers": d.step("layers")})


def _model(d: Declaration, name: str):
    models = {model.name: model for model in d.profile.layers.models}
    if name not in models:
        raise UserError(f"parameter model: '{name}' is no base of this profile; there are {', '.join(models)}")
    return models[name]
