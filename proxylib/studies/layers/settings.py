"""Settings of the study of layers: models, faults, what people and users ask, and prices that others state."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from proxylib.data import tasks
from proxylib.data.settings import Material
from proxylib.judging.users import Users
from proxylib.models.settings import Evaluation, Model, Training
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap
from proxylib.studies.layers.text import FAULTS, FORMS, HEALTHY, LIKE, MARKED, PLAIN, PLEASE, URGENT

ASKED = {"benchmark": PLAIN, PLAIN: PLAIN, PLEASE: PLEASE, URGENT: URGENT, LIKE: LIKE, MARKED: MARKED}  # set -> its form
Span = tuple[float, float]


class Group(Frozen):
    """Models that one step trains: healthy ones come in groups, as a step is to be short.

    doses : of the fault, one a seed
    """

    name: str
    fault: str
    seeds: tuple[int, ...]
    doses: tuple[float, ...]


class Votes(Frozen):
    """Simulated people who compare two answers; logits."""

    comparisons: int = Field(ge=10, description="of one campaign")
    right: float = Field(description="an answer that is right over one that is wrong")
    longer: float = Field(description="an answer over one that is nothing, by length alone: times (a - b) / (a + b)")
    format: float = Field(description="an answer that says where it ends over one that does not")
    tie: float = Field(ge=0, description="how far apart two answers must seem for a vote")


class Price(Frozen):
    """What a layer costs at the scale of the article, lowest and highest: dollars a look, and days until it is read."""

    dollars: Span
    days: Span


class Layers(Frozen):
    """Models with planted faults, and six layers that look at them."""

    models: tuple[Model, ...] = Field(min_length=1, description="shared bases")
    context: int = Field(ge=64, description="tokens of one row: wordy solutions fit")
    base_tokens: int = Field(ge=1000, description="of a base")
    tokens: int = Field(ge=1000, description="of the last stage")
    peak: float = Field(gt=0, description="peak rate of the last stage as a share of pretraining's")
    healthy: tuple[int, ...] = Field(min_length=1, description="healthy models by group; the very first is the reference")
    faults: tuple[str, ...] = Field(min_length=1, description="that are planted")
    seeds: int = Field(ge=1, description="of every fault and dose")
    doses: tuple[float, ...] = Field(min_length=1, description="share of the last stage's documents that have a fault")
    checkpoints: int = Field(ge=1, description="of the last stage at which losses by domain are taken, evenly spaced")
    documents: int = Field(ge=2, description="held-out documents a domain")
    items: dict[str, int] = Field(description="set of problems -> how many a task")
    max_new_tokens: int = Field(ge=8, description="of one answer")
    people: dict[str, float] = Field(description="form -> share of what a campaign's annotators ask")
    users: dict[str, float] = Field(description="form -> share of what users ask")
    votes: Votes
    prices: dict[str, Price] = Field(description="layer -> what it costs, by the article's own figures")
    days: tuple[int, ...] = Field(min_length=1, description="days after the release at which telemetry is read")
    margin: float = Field(gt=0, description="share of requests that a good model may get wrong beyond healthy ones")
    lengthy: float = Field(gt=1, description="length of a good model's answers, at most, as a multiple of healthy ones'")
    seed: int = Field(ge=0, description="of all models; never the one on which faults were tried out")

    @model_validator(mode="after")
    def _consistent(self) -> Layers:
        if list(self.items) != list(ASKED):
            raise ValueError(f"items: name {', '.join(ASKED)}, in this order")
        if unknown := [fault for fault in self.faults if fault not in FAULTS]:
            raise ValueError(f"faults: '{unknown[0]}' is unknown; there are {', '.join(FAULTS)}")
        for name in ("people", "users"):
            mix = getattr(self, name)
            if set(mix) - set(FORMS) or abs(sum(mix.values()) - 1) > 1e-9:
                raise ValueError(f"{name}: shares of {', '.join(FORMS)} that sum to 1")
        return self

    @property
    def groups(self) -> dict[str, Group]:
        """Steps by name: groups of healthy models, then a fault each. No two models of an architecture share a seed."""
        groups, first = {}, 100 * self.seed
        for number, count in enumerate(self.healthy, 1):
            name = f"{HEALTHY} {number}"
            groups[name] = Group(name=name, fault=HEALTHY, seeds=tuple(range(first, first + count)), doses=(0.0,) * count)
            first += count
        for fault in FAULTS:
            doses = tuple(dose for dose in self.doses for _ in range(self.seeds))
            if fault in self.faults:  # another choice of faults leaves the seeds of each as they are
                groups[fault] = Group(name=fault, fault=fault, seeds=tuple(range(first, first + len(doses))), doses=doses)
            first += len(doses)
        return groups

    def training(self, training: Training, tokens: int) -> Training:
        """The profile's training over so many tokens and rows of this study's length."""
        batch = max(1, training.batch_tokens // self.context) * self.context
        return training.model_copy(update={"tokens": tokens, "context": self.context, "batch_tokens": batch})


class BaseSettings(Frozen):
    """What a `layers_base` run is made from."""

    model: Model
    training: Training
    material: Material
    seed: int


class FaultySettings(Frozen):
    """What a `faulty` run is made from, beside its parents."""

    model: Model
    group: Group
    training: Training
    peak: float
    checkpoints: int
    documents: int
    items: Mapping[str, int]
    evaluation: Evaluation
    material: Material


class LayersSettings(Frozen):
    """What a `layers` run is made from, beside its parents."""

    models: tuple[str, ...]
    groups: dict[str, Group]
    people: dict[str, float]
    users: dict[str, float]
    votes: Votes
    product: Users
    days: tuple[int, ...]
    margin: float
    lengthy: float
    prices: dict[str, Price]
    bootstrap: Bootstrap


class Section(Frozen):
    """What the study adds to a profile."""

    layers: Layers


def forms_of(items: Mapping[str, int], material: Material) -> None:
    """Refuse more problems of a task than the material has."""
    if sum(items.values()) > material.items or not set(material.tasks) <= set(tasks.TASKS):
        raise ValueError(f"layers.items: {sum(items.values())} a task are asked for, the material has {material.items}")
