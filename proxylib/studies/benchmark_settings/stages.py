"""What the study of benchmark configurations runs."""

from __future__ import annotations

from proxylib.data.published import registry
from proxylib.models.settings import Model, TrainSettings, train_settings
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.benchmark_settings.settings import AnalysisSettings, Asking, ConfigurationSettings, Section

study = Study("benchmark_settings", Section)
COMPLETIONS = 8000  # that one slow core writes in a minute, worked and alone together


def members(d: Declaration) -> list[Model]:
    """The first model of each family, at most so many as asked for."""
    first: dict[str, Model] = {}
    for model in d.profile.trained:
        first.setdefault(model.family, model)
    return list(first.values())[: d.profile.benchmark_settings.models]


def bases(d: Declaration) -> list[Model]:
    """Those of them that were trained further after pretraining, and on something else than before."""
    return [model for model in members(d) if model.post not in ("none", "more")]


def _training(settings: TrainSettings) -> Resources:
    return Resources(minutes=settings.training.minutes(settings.model))


@study.stage(version=1, builder="proxylib.models.pretrain:fit", resources=_training)
def pretrained(d: Declaration, model: str) -> Request:
    """What is a model of the population before its post-training? The same seed and text, up to where pretraining ends."""
    plain = d.profile.model(model).model_copy(update={"post": "none"})
    settings = train_settings(d.profile, plain, d.profile.seeds[0])
    return Request(settings, {"material": d.step("material")}, name=f"pretrained/{model}", parameters={"model": model})


def _asked(settings: ConfigurationSettings) -> Resources:
    asking = settings.asking
    answers = 1 + sum(sampling.samples for sampling in asking.sampled)
    written = 2 * len(asking.templates) * len(asking.shots) * answers * asking.items * len(settings.tasks)
    return Resources(minutes=0.1 + written / COMPLETIONS)


@study.stage(version=1, builder="proxylib.studies.benchmark_settings.configuration:build", resources=_asked)
def configuration(d: Declaration, model: str, base: bool = False) -> Request:
    """How does one model score under every template, number of shots, way of answering, decoding and scoring?"""
    chosen = d.profile.benchmark_settings
    asking = Asking(**chosen.model_dump(exclude={"models"}))
    settings = ConfigurationSettings(
        asking=asking.model_copy(update={"sampled": ()}) if base else asking,
        evaluation=d.profile.evaluation,
        tasks=d.profile.ranked,
        counted=d.profile.counted,
        seed=d.profile.seeds[0],
    )
    train = d.step("pretrained", model=model) if base else d.step("train", model=model)
    name = f"configuration/{model}{'-base' if base else ''}"
    return Request(
        settings, {"material": d.step("material"), "train": train}, name=name, parameters={"model": model, "base": base}
    )


@study.stage(version=2, builder="proxylib.studies.benchmark_settings.fits:build", resources=Resources(minutes=0.5), whole=False)
def benchmark_settings(d: Declaration) -> Request:
    """How far do the settings of an evaluation move scores and ranks of models, and what does one cost beside a loss?"""
    chosen, before = members(d), bases(d)
    settings = AnalysisSettings(
        members=tuple(model.name for model in chosen),
        families=tuple(model.family for model in chosen),
        posts=tuple(model.post for model in chosen),
        bases=tuple(model.name for model in before),
        bootstrap=d.profile.bootstrap,
    )
    parents = {model.name: d.step("configuration", model=model.name) for model in chosen}
    parents |= {f"{model.name} base": d.step("configuration", model=model.name, base=True) for model in before}
    return Request(settings, parents)


@study.stage(version=2, builder="proxylib.studies.benchmark_settings.pythia_shots:build", shared=True, whole=False)
def pythia_shots(d: Declaration) -> Request:
    """How far do five solved examples move the scores and ranks of Pythia? No row of the published data enters the run."""
    return Request(d.profile.bootstrap, outside={"pythia_evals": registry.fingerprint("pythia_evals")})


@study.page("benchmark_settings")
def benchmark_settings_page(d: Declaration) -> Request:
    """What the page benchmark_settings reads."""
    return Request(None, {"lab": d.step("benchmark_settings"), "pythia": d.step("pythia_shots")})
