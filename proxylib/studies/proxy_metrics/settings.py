"""Settings of the proxy-metrics study: its section of a profile, and what its runs are made from."""

from __future__ import annotations

from pydantic import Field, model_validator

from proxylib.measure.settings import Extraction
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap


class CrucialSettings(Frozen):
    """What a `crucial_steps` run is made from, beside its parents."""

    bootstrap: Bootstrap


class AnalysisSettings(Frozen):
    """What an analysis of pooled runs is made from, beside its parents."""

    ranked: tuple[str, ...]
    bootstrap: Bootstrap


class RankingSettings(AnalysisSettings):
    """What a `ranking` run is made from, beside its parent."""

    null_repeats: int


class NumericsSettings(Frozen):
    """What a `numerics` run is made from, beside its parents."""

    models: tuple[str, ...]
    items: int
    extraction: Extraction
    bootstrap: Bootstrap


class Section(Frozen):
    """What the study adds to a profile."""

    ranked: tuple[str, ...] = Field(min_length=2, description="tasks that enter rankings, decided on the tuning seed")
    null_repeats: int = Field(ge=2, description="repeats of every fit of a ranker on panels without a signal")

    @model_validator(mode="after")
    def _ranked_are_tasks(self) -> Section:
        unknown = [name for name in self.ranked if name not in self.material.tasks]
        if unknown:
            raise ValueError(f"ranked: task '{unknown[0]}' is not in material.tasks")
        return self
