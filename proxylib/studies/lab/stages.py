"""What the lab runs: material, corpora, one training and one measurement per model, the population pooled."""

from __future__ import annotations

from proxylib.data import corpora
from proxylib.errors import UserError
from proxylib.measure.settings import MeasureSettings
from proxylib.models.settings import TrainSettings, train_settings
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.lab.settings import (
    CorporaSettings,
    CorpusRunSettings,
    Member,
    NoiseSettings,
    PopulationSettings,
    ReadingSettings,
    Section,
    TrajectorySettings,
)

study = Study("lab", Section)
CROSSED = "crossed"  # the population itself
AGAIN = "seeds"  # its replication under another seed, in profiles that have one
LOOK = 0.1  # minutes of one checkpoint's measurement
READ = 0.05  # minutes of one model's token rows
TRAJECTORY_SEEDS = 1000  # times the profile's first seed, then one a run: no two trajectories, and no model, read the same
POST_SEEDS = 500  # added for those whose post-training is watched, so that more runs of the other kind leave them as they are
CORPUS_SEEDS = 1500  # the same for runs on corpora; those of one width share their seeds, so that they differ by corpus alone


def _training(settings: TrainSettings) -> Resources:
    return Resources(minutes=settings.training.minutes(settings.model))


@study.stage(version=4, builder="proxylib.studies.lab.material:build")
def material(d: Declaration) -> Request:
    """What are models asked, and how is text cut into tokens? Evaluation problems with their expert solutions, and the
    tokenizers that all models share.
    """
    return Request(d.profile.material, outside={"prose": corpora.fingerprint()})


@study.stage(version=3, builder="proxylib.studies.lab.material:describe_corpora", name="corpora")
def described_corpora(d: Declaration) -> Request:
    """What are the twenty-five corpus recipes made of, and how much do they repeat?"""
    settings = CorporaSettings(material=d.profile.material, tokens=d.profile.corpus_tokens)
    return Request(settings, {"material": d.step("material")}, {"prose": corpora.fingerprint()})


@study.stage(version=4, builder="proxylib.models.pretrain:fit", resources=_training)
def train(d: Declaration, model: str, seed: int | None = None, style: str = "crossed", tokens: int | None = None) -> Request:
    """How fast does the held-out loss of one model fall, before and after post-training?"""
    spec, seed = d.profile.model(model), d.profile.seeds[0] if seed is None else seed
    settings = train_settings(d.profile, spec.in_style(style), seed, tokens)
    given = {"model": model, "seed": seed, "style": style} | ({} if tokens is None else {"tokens": tokens})
    name = f"train/{Member(model=spec, seed=seed, style=style).name}"
    return Request(settings, {"material": d.step("material")}, name=name, parameters=given)


@study.stage(version=3, builder="proxylib.studies.lab.measurement:build")
def measure(d: Declaration, model: str, seed: int | None = None, style: str = "crossed") -> Request:
    """All that is measured on one model: token statistics, answers, losses."""
    parents = {"train": d.step("train", model=model, seed=seed, style=style), "material": d.step("material")}
    seed, expert = parents["train"].settings.seed, d.profile.expert.name
    if model != expert:
        parents["expert"] = d.step("measure", model=expert)
    settings = MeasureSettings(extraction=d.profile.extraction, evaluation=d.profile.evaluation)
    name = parents["train"].name.replace("train/", "measure/")
    return Request(settings, parents, name=name, parameters={"model": model, "seed": seed, "style": style})


def _watched(settings: TrajectorySettings) -> Resources:
    looks = settings.watch.spaced + settings.watch.last
    return Resources(minutes=_training(settings.training).minutes + LOOK * looks)


@study.stage(version=1, builder="proxylib.studies.lab.trajectory:build", resources=_watched)
def trajectory(d: Declaration, model: str) -> Request:
    """What changes while one model is pretrained or trained further: statistics of the expert's tokens, answers, losses by
    domain; and what do averages of its last weights do?
    """
    chosen = d.profile.trajectories
    spec = chosen.run(model)
    place = chosen.runs.index(spec) if spec in chosen.runs else POST_SEEDS + chosen.post.index(spec)
    seed = TRAJECTORY_SEEDS * d.profile.seeds[0] + place
    settings = TrajectorySettings(
        training=train_settings(d.profile, spec, seed),
        measure=MeasureSettings(extraction=d.profile.extraction, evaluation=d.profile.evaluation),
        watch=chosen.watch,
    )
    parents = {"material": d.step("material"), "expert": d.step("measure", model=d.profile.expert.name)}
    return Request(settings, parents, name=f"trajectory/{model}", parameters={"model": model})


def _examined(settings: CorpusRunSettings) -> Resources:
    return Resources(minutes=_training(settings.training).minutes + LOOK * len(settings.at))


@study.stage(version=1, builder="proxylib.studies.lab.corpus_run:build", resources=_examined)
def corpus_run(d: Declaration, corpus: str, width: int, again: int = 0) -> Request:
    """What do statistics of the expert's tokens and answers say of a corpus while one model reads it?"""
    chosen = d.profile.corpus_runs
    sizes = (*chosen.widths, chosen.target.width)
    model = chosen.model(corpus, width)
    seed = CORPUS_SEEDS * d.profile.seeds[0] + 10 * sizes.index(width) + again
    settings = CorpusRunSettings(
        training=train_settings(d.profile, model, seed),
        measure=MeasureSettings(extraction=d.profile.extraction, evaluation=d.profile.evaluation),
        tasks=d.profile.ranked,
        counted=d.profile.counted,
        items=chosen.items,
        at=chosen.at,
    )
    parents = {"material": d.step("material"), "expert": d.step("measure", model=d.profile.expert.name)}
    given = {"corpus": corpus, "width": width, "again": again}
    return Request(settings, parents, name=f"corpus_run/{corpus}-{width}-{again}", parameters=given)


def _read(settings: ReadingSettings) -> Resources:
    return Resources(minutes=READ * len(settings.members))


@study.stage(version=1, builder="proxylib.studies.lab.reading:build", resources=_read)
def reading(d: Declaration, which: str = CROSSED) -> Request:
    """What do traces of the problems that count say of every model of a population?"""
    chosen = members(d, which)
    parents = {"material": d.step("material"), "expert": d.step("measure", model=d.profile.expert.name)}
    for member in chosen:
        given = {"model": member.model.name, "seed": member.seed, "style": member.style}
        parents[f"measure {member.name}"] = d.step("measure", **given)
    settings = ReadingSettings(members=tuple(member.name for member in chosen), counted=d.profile.counted)
    name = "reading" if which == CROSSED else f"reading/{which}"
    return Request(settings, parents, name=name, parameters={"which": which})


@study.stage(version=7, builder="proxylib.studies.lab.population:build", whole=False)
def population(d: Declaration, which: str = CROSSED) -> Request:
    """What is every model of the population, and what can it do?"""
    settings = PopulationSettings(members=members(d, which), counted=d.profile.counted, bootstrap=d.profile.bootstrap)
    parents = {"material": d.step("material"), "expert": d.step("measure", model=d.profile.expert.name)}
    parents["reading"] = d.step("reading", which=which)
    for member in settings.members:
        given = {"model": member.model.name, "seed": member.seed, "style": member.style}
        parents[f"train {member.name}"] = d.step("train", **given)
        parents[f"measure {member.name}"] = d.step("measure", **given)
    name = "population" if which == CROSSED else f"population/{which}"
    return Request(settings, parents, name=name, parameters={"which": which})


def members(d: Declaration, which: str) -> tuple[Member, ...]:
    """The models of the population, or of a replication of it."""
    if which == CROSSED:
        return tuple(Member(model=model, seed=seed, style=CROSSED) for seed in d.profile.seeds for model in d.profile.trained)
    if which not in d.profile.replications:
        known = ", ".join(d.profile.replications) or "none"
        raise UserError(
            f"parameter which: profile {d.profile.name} has no population '{which}'; beside {CROSSED} it has {known}"
        )
    again = d.profile.replications[which]
    models = d.profile.population[: again.models]
    return tuple(Member(model=model, seed=seed, style=again.style) for seed in again.seeds for model in models)


@study.stage(version=1, builder="proxylib.studies.lab.training_noise:build", whole=False)
def training_noise(d: Declaration) -> Request:
    """How far does a model move when it is trained again under another seed, beside how far models lie apart?"""
    parents = {"population": d.step("population"), "again": d.step("population", which=AGAIN)}
    # a task that `counted` leaves unnamed has no level that counts, once any is named: its accuracies are guesses
    tasks = tuple(name for name in d.profile.material.tasks if name in (d.profile.counted or d.profile.material.tasks))
    return Request(NoiseSettings(tasks=tasks, bootstrap=d.profile.bootstrap), parents)


@study.page("the_lab")
def the_lab(d: Declaration) -> Request:
    """What the page the_lab reads; the noise of a training where the profile trains models twice."""
    again = ["training_noise"] if AGAIN in d.profile.replications else []
    return Request(None, {name: d.step(name) for name in ("population", "material", "corpora", *again)})
