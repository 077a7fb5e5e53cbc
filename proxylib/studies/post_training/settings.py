"""Settings of the study: its section of a profile, and what its runs are made from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from proxylib.data import corpora, tasks
from proxylib.errors import UserError
from proxylib.models.settings import Evaluation, Model, TrainSettings
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap

#: what a round may read. "mix": what the base read; "target": the first target task; "turn": another target every round;
#: "marked": marked requests, refused; "harmless": unmarked ones, answered; "code"; "renamed": all tasks in a second language
Source = Literal["mix", "target", "turn", "marked", "harmless", "code", "renamed"]


class Arm(Frozen):
    """What the rounds of one arm read."""

    name: str
    reads: dict[Source, float] = Field(min_length=1, description="source -> share of the characters")
    order: int = Field(default=0, ge=0, description="two arms that read the same differ by this seed of their order alone")

    @model_validator(mode="after")
    def _whole(self) -> Arm:
        if min(self.reads.values()) <= 0 or abs(sum(self.reads.values()) - 1) > 1e-9:
            raise ValueError(f"reads: the shares of '{self.name}' are not above 0 with a sum of 1")
        return self


class Items(Frozen):
    """So many problems of each task in each kind of request; see `requests.KINDS`."""

    plain: int = Field(ge=6)
    polite: int = Field(ge=1)
    marked: int = Field(ge=1)
    near: int = Field(ge=1)
    renamed: int = Field(ge=1)


class PostTraining(Frozen):
    """Rounds of post-training and what is asked after each."""

    bases: tuple[Model, ...] = Field(min_length=1, description="models that all arms begin with, each of another family")
    arms: tuple[Arm, ...] = Field(min_length=2, description="the first one goes on with what the base read")
    targets: tuple[str, ...] = Field(min_length=1, description="target tasks, in the order of the rounds")
    rounds: int = Field(ge=2, description="of each arm")
    tokens: int = Field(ge=100, description="read by one round")
    peak: float = Field(gt=0, description="peak rate of a round as a share of pretraining's")
    items: Items
    documents: int = Field(ge=2, description="held-out documents of each domain")

    @model_validator(mode="after")
    def _plain(self) -> PostTraining:
        for what, names in (("bases", [base.name for base in self.bases]), ("arms", [arm.name for arm in self.arms])):
            if len(set(names)) < len(names):
                raise ValueError(f"{what}: two share a name")
        for base in self.bases:
            corpora.recipe(base.mix)
        for name in self.targets:
            tasks.task(name)
        if len(self.targets) < self.rounds:
            raise ValueError(f"targets: {len(self.targets)} for {self.rounds} rounds; name one a round")
        if set(self.arms[0].reads) != {"mix"}:
            raise ValueError("arms: the first one is the control and reads the mix alone")
        return self

    def base(self, name: str) -> Model:
        """The base of that name; `UserError` names those that exist."""
        return _named(self.bases, name, "model")

    def arm(self, name: str) -> Arm:
        """The arm of that name; `UserError` names those that exist."""
        return _named(self.arms, name, "arm")


def _named(values, name: str, what: str):
    known = {value.name: value for value in values}
    if name not in known:
        raise UserError(f"parameter {what}: '{name}' is not in this profile; it has {', '.join(known)}")
    return known[name]


class Section(Frozen):
    """What the study adds to a profile."""

    post_training: PostTraining


class Asked(Frozen):
    """What is measured on a model after a round."""

    items: Items
    documents: int
    evaluation: Evaluation


class BaseSettings(Frozen):
    """What a `post_base` run is made from, beside the material."""

    training: TrainSettings
    asked: Asked


class RoundsSettings(Frozen):
    """What a `rounds` run is made from, beside the material and its base."""

    training: TrainSettings
    asked: Asked
    arm: Arm
    targets: tuple[str, ...]
    rounds: int
    tokens: int
    peak: float


class RegressionsSettings(Frozen):
    """What a `regressions` run is made from, beside its parents."""

    bases: tuple[str, ...]
    arms: tuple[Arm, ...]
    targets: tuple[str, ...]
    bootstrap: Bootstrap
