"""Settings of the proxy-metrics study: its section of a profile, and what its runs are made from."""

from __future__ import annotations

from pydantic import Field, model_validator

from proxylib.measure.settings import Extraction, MeasureSettings
from proxylib.models.settings import TrainSettings
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap


class CrucialRun(Frozen):
    """One longer training run, measured along the way."""

    model: str = Field(description="architecture, tokenizer and width, by its name in the population")
    share: float = Field(gt=0, description="training tokens as a multiple of training.tokens")
    items: int = Field(ge=6, description="evaluation problems per task at each checkpoint")


class CrucialSettings(Frozen):
    """What a `crucial_steps` run is made from."""

    training: TrainSettings
    measure: MeasureSettings
    items: int
    bootstrap: Bootstrap


class AnalysisSettings(Frozen):
    """What an analysis of pooled runs is made from, beside its parents."""

    ranked: tuple[str, ...]
    bootstrap: Bootstrap


class NumericsSettings(Frozen):
    """What a `numerics` run is made from, beside its parents."""

    models: tuple[str, ...]
    items: int
    extraction: Extraction
    bootstrap: Bootstrap


class Section(Frozen):
    """What the study adds to a profile."""

    ranked: tuple[str, ...] = Field(min_length=2, description="tasks that enter rankings, decided on the tuning seed")
    crucial_steps: CrucialRun

    @model_validator(mode="after")
    def _ranked_are_tasks(self) -> Section:
        unknown = [name for name in self.ranked if name not in self.material.tasks]
        if unknown:
            raise ValueError(f"ranked: task '{unknown[0]}' is not in material.tasks")
        return self
