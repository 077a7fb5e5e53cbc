"""Settings of the lab: its section of a profile, and what its runs are made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from proxylib.data import corpora, tasks
from proxylib.data.settings import Material
from proxylib.errors import UserError
from proxylib.measure.settings import Extraction, MeasureSettings
from proxylib.models.settings import Evaluation, Model, Training, TrainSettings
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap


def _refuse_twice(what: str, names: Sequence[str]) -> None:
    """`ValueError` naming the first name that occurs twice: parents of a step go by their names."""
    if twice := next((name for number, name in enumerate(names) if name in names[:number]), None):
        raise ValueError(f"{what}: two share a name ({twice})")


class CorporaSettings(Frozen):
    """What a `corpora` run is made from."""

    material: Material
    tokens: int = Field(ge=1000, description="length to which every recipe is written out and described")


Style = Literal["crossed", "expert", "other"]


class Replication(Frozen):
    """The first models of the population again: every mix in one style, or all as they are under another seed."""

    style: Style
    seeds: tuple[int, ...] = Field(min_length=1)
    models: int = Field(ge=1, description="so many, in the order of the table: the first twelve are one of each family")


class Member(Frozen):
    """One trained model of a population."""

    model: Model
    seed: int
    style: Style

    @property
    def name(self) -> str:
        """Model, style of a population that is not the crossed one, and training seed."""
        return f"{self.model.name}{'' if self.style == 'crossed' else '-' + self.style}-seed{self.seed}"


class PopulationSettings(Frozen):
    """What a `population` run pools."""

    members: tuple[Member, ...]
    counted: dict[str, tuple[int, ...]]
    bootstrap: Bootstrap


class ReadingSettings(Frozen):
    """What a `reading` run is made from, beside its parents."""

    members: tuple[str, ...]
    counted: dict[str, tuple[int, ...]]


class NoiseSettings(Frozen):
    """What a `training_noise` run is made from, beside its parents."""

    tasks: tuple[str, ...]
    bootstrap: Bootstrap


class Watch(Frozen):
    """How a training run is measured on the way."""

    items: int = Field(ge=6, description="evaluation problems per task at each checkpoint")
    documents: int = Field(ge=2, description="held-out documents per domain")
    spaced: int = Field(ge=2, description="checkpoints, evenly spaced in log steps")
    last: int = Field(ge=2, description="checkpoints, evenly spaced over the last fifth")
    averaged: tuple[int, ...] = Field(min_length=1, description="numbers of last checkpoints whose weights are averaged")

    @model_validator(mode="after")
    def _enough(self) -> Watch:
        if not 1 <= min(self.averaged) <= max(self.averaged) <= self.last:
            raise ValueError(f"averaged: {self.averaged} are not within 1 and the last {self.last} checkpoints")
        return self


class Trajectories(Frozen):
    """Training runs that are measured on the way: while they are pretrained, or while they are trained further after that."""

    runs: tuple[Model, ...] = Field(min_length=1)
    post: tuple[Model, ...] = Field(description="models whose post-training is watched, and of pretraining the end alone")
    watch: Watch

    @model_validator(mode="after")
    def _plain(self) -> Trajectories:
        _refuse_twice("runs", [model.name for model in (*self.runs, *self.post)])
        if never := [model.name for model in self.post if model.post in ("none", "rejection")]:
            raise ValueError(
                f"post: {never[0]} has no post-training whose length is known; none and rejection cannot be watched"
            )
        if after := [model.name for model in self.runs if model.post != "none"]:
            raise ValueError(f"runs: {after[0]} is trained further after pretraining, which alone is watched; say post: none")
        return self

    def run(self, name: str) -> Model:
        """The run of that name; `UserError` names those that exist."""
        for model in (*self.runs, *self.post):
            if model.name == name:
                return model
        known = ", ".join(model.name for model in (*self.runs, *self.post))
        raise UserError(f"parameter model: this profile has no trajectory of '{name}'; it has {known}")


class TrajectorySettings(Frozen):
    """What a `trajectory` run is made from, beside its parents."""

    training: TrainSettings
    measure: MeasureSettings
    watch: Watch


class CorpusRuns(Frozen):
    """Runs of one model on every corpus, and of smaller ones, by which the corpus is to be chosen."""

    corpora: tuple[str, ...] = Field(min_length=3, description="recipes between which is chosen")
    target: Model = Field(description="what is to be trained on the best; each corpus takes the place of its mix")
    seeds: int = Field(ge=2, description="of the target on every corpus: how well it agrees with itself is the ceiling")
    widths: tuple[int, ...] = Field(min_length=1, description="of the smaller models, the smallest first")
    at: tuple[float, ...] = Field(min_length=1, description="checkpoints that are measured, as shares of a run")
    items: int = Field(ge=1, description="problems per task at each checkpoint, of difficulties that count")

    @model_validator(mode="after")
    def _in_order(self) -> CorpusRuns:
        _refuse_twice("corpora", self.corpora)
        for name in self.corpora:
            corpora.recipe(name)  # an unknown one stops here
        if sorted({*self.widths, self.target.width}) != [*self.widths, self.target.width]:
            raise ValueError(f"widths: {self.widths} do not rise to below the target's {self.target.width}")
        if sorted(set(self.at)) != list(self.at) or not 0 < self.at[0] <= self.at[-1] == 1:
            raise ValueError(f"at: {self.at} do not rise from above 0 to 1")
        return self

    def model(self, corpus: str, width: int) -> Model:
        """A model of that width, over that corpus; as many tokens a parameter of its blocks as the target, all but exactly.

        Raises
        ------
        UserError
            If the profile has no such corpus or width.
        """
        for name, value, known in (("corpus", corpus, self.corpora), ("width", width, (*self.widths, self.target.width))):
            if value not in known:
                raise UserError(f"parameter {name}: this profile has no '{value}'; it has {', '.join(map(str, known))}")
        share = self.target.share * (width / self.target.width) ** 2
        return self.target.model_copy(update={"mix": corpus, "width": width, "share": share})


class CorpusRunSettings(Frozen):
    """What a `corpus_run` is made from, beside its parents."""

    training: TrainSettings
    measure: MeasureSettings
    tasks: tuple[str, ...]
    counted: dict[str, tuple[int, ...]]
    items: int
    at: tuple[float, ...]


class Section(Frozen):
    """What the lab adds to a profile: the material, the population and how it is trained and measured."""

    seeds: tuple[int, ...] = Field(min_length=1, description="training seeds of the whole population")
    material: Material
    population: tuple[Model, ...] = Field(min_length=1, description="the table of models")
    models: int = Field(ge=1, description="so many of the table are trained, the first")
    counted: dict[str, tuple[int, ...]] = Field(
        description="task -> difficulties that enter accuracies, decided on tuning seeds"
    )
    corpus_tokens: int = Field(ge=1000, description="length to which every corpus recipe is written out and described")
    expert: Model = Field(description="larger than any candidate and of another family: its log-probabilities weigh rBridge")
    replications: dict[str, Replication] = Field(description="name -> a population beside the crossed one")
    trajectories: Trajectories
    corpus_runs: CorpusRuns
    training: Training
    extraction: Extraction
    evaluation: Evaluation

    @model_validator(mode="after")
    def _lab_is_consistent(self) -> Section:
        _refuse_twice("population", [model.name for model in self.population])
        for count in (self.models, *(replication.models for replication in self.replications.values())):
            if count > len(self.population):
                raise ValueError(f"models: {count} are asked for, the table holds {len(self.population)}")
        for name, levels in self.counted.items():
            known = tasks.task(name).levels
            if not levels or not set(levels) <= set(known):
                raise ValueError(
                    f"counted: {name} has the levels {', '.join(map(str, known))}; name at least one, and no other"
                )
        for model in (*self.population, *self.trajectories.runs, *self.trajectories.post, self.expert):
            corpora.recipe(model.mix)  # an unknown recipe stops here
        if self.expert.family in {model.family for model in self.population}:
            raise ValueError(f"expert: its family {self.expert.family} is that of a candidate")
        if self.training.batch_tokens < self.training.context:
            raise ValueError("training.batch_tokens: smaller than training.context, so a step holds no row")
        return self

    @property
    def trained(self) -> tuple[Model, ...]:
        """The models of the table that this profile trains."""
        return self.population[: self.models]

    def model(self, name: str) -> Model:
        """The model of that name; `UserError` names those that exist."""
        models = (*self.population, self.expert)
        for model in models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in models)
        raise UserError(f"parameter model: '{name}' is not in this profile; it has {known}")
