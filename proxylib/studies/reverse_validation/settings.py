"""Settings of the study: how often configurations and labels are drawn, and how many."""

from __future__ import annotations

from pydantic import Field

from proxylib.settings import Frozen
from proxylib.stats import Bootstrap


class ReverseValidation(Frozen):
    """How the correlation with loss is tried against labels."""

    fewest: int = Field(ge=3, description="configurations of the smallest subsample")
    labels: tuple[int, ...] = Field(min_length=1, description="an expert's verdicts, fewest first")
    repeats: int = Field(ge=10, description="draws of configurations, and of labels")
    candidates: int = Field(ge=2, description="random subsets of which a matched one is chosen")
    shuffles: int = Field(ge=20, description="of the losses over configurations")
    equal: int = Field(ge=10, description="judges of equal quality")
    seed: int = Field(ge=0, description="of spoilt verdicts and of all draws")


class Section(Frozen):
    """What the study adds to a profile."""

    reverse_validation: ReverseValidation


class ReverseSettings(Frozen):
    """What a `reverse_validation` run is made from, beside its parents."""

    reverse_validation: ReverseValidation
    schedules: tuple[str, ...] = Field(description="the first is the one that decides")
    bootstrap: Bootstrap
