"""Settings of the study: its section of a profile, and what its runs are made from."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from proxylib.data.corpora import Recipe
from proxylib.models.settings import Evaluation, Model, TrainSettings
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap

LEFT_ALONE, REDRAWN, TO_STALLED, TO_OTHER = "alone", "redrawn", "stalled", "other"
OWN = "own text"  # domain: documents that the run has read
EXPERT = "expert"  # domain: worked solutions in the expert's style, of all tasks
ARMS = (LEFT_ALONE, REDRAWN, TO_STALLED, TO_OTHER)  # of a run in which a domain stalls


class Corpus(Frozen):
    """What a run of the study reads: a mix, of so many documents."""

    shares: dict[str, float] = Field(description="source -> share of the characters")
    documents: int | None = Field(default=None, ge=4, description="distinct documents, read again and again; none: read once")

    @model_validator(mode="after")
    def _a_recipe(self) -> Corpus:
        self.recipe  # noqa: B018  (an unknown source, or shares that do not sum to one, stop here)
        return self

    @property
    def recipe(self) -> Recipe:
        """As the lab's corpora are written."""
        return Recipe(name="mix", shares=self.shares)


class Validation(Frozen):
    """Runs in which validation turns, or a domain stalls, on purpose."""

    model: Model = Field(description="its mix is not read; `corpora` and `mixture` are")
    tokens: int = Field(ge=1000, description="training tokens of every run")
    tasks: tuple[str, ...] = Field(min_length=1, description="task families of the runs")
    items: int = Field(ge=2, description="held-out problems per task at every checkpoint")
    documents: int = Field(ge=2, description="held-out documents per domain at every checkpoint")
    checkpoints: int = Field(ge=2, description="of every run")
    seeds: tuple[int, ...] = Field(min_length=1)
    corpora: dict[str, Corpus] = Field(description="name -> what a run reads in which validation may turn")
    mixture: Corpus = Field(description="what runs read in which a domain stalls")
    added: float = Field(gt=0, lt=1, description="share that a domain gains when the mixture is changed towards it")
    behind: float = Field(gt=0, lt=1, description="share of the pace of the mean over sources below which one has stalled")

    @model_validator(mode="after")
    def _endless(self) -> Validation:
        if self.mixture.documents:
            raise ValueError("mixture: it is read once; leave documents out")
        return self


class Section(Frozen):
    """What the study adds to a profile."""

    validation: Validation


class RunSettings(Frozen):
    """What an `overfit_run` or a `mixture_run` is made from, beside its parents."""

    training: TrainSettings
    corpus: Corpus
    evaluation: Evaluation
    asked: Literal["always", "end"] = Field(description="when problems are asked")
    items: int
    documents: int
    checkpoints: int


class MixtureSettings(RunSettings):
    """A run whose mixture may change."""

    arm: Literal["alone", "redrawn", "stalled", "other"]
    added: float
    behind: float


class LossesSettings(Frozen):
    """What `validation_losses` is made from, beside its parents."""

    corpora: tuple[str, ...]
    seeds: tuple[int, ...]
    trajectories: tuple[str, ...]
    bootstrap: Bootstrap


class DomainsSettings(Frozen):
    """What `domain_losses` is made from, beside its parents."""

    seeds: tuple[int, ...]
    trajectories: tuple[str, ...]
    bootstrap: Bootstrap


def shifted(shares: dict[str, float], domain: str, added: float) -> dict[str, float]:
    """A mix in which one source has gained so much, and the others have paid in proportion.

    Raises
    ------
    ValueError
        If the source would have more than everything.
    """
    rest = 1 - shares[domain]
    if added >= rest:
        raise ValueError(f"added: {domain} has {shares[domain]:g} of the mix and cannot gain {added:g}")
    mixed = {name: share + added if name == domain else share * (rest - added) / rest for name, share in shares.items()}
    assert math.isclose(sum(mixed.values()), 1)
    return mixed
