"""What the study of layers runs: shared bases, models with faults, and six layers that look at them."""

from __future__ import annotations

from proxylib.errors import UserError
from proxylib.models.settings import Evaluation
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.layers.settings import BaseSettings, FaultySettings, Section, forms_of

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


def _model(d: Declaration, name: str):
    models = {model.name: model for model in d.profile.layers.models}
    if name not in models:
        raise UserError(f"parameter model: '{name}' is no base of this profile; there are {', '.join(models)}")
    return models[name]
