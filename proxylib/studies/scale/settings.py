"""Settings of the study of production scale."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from proxylib.settings import Frozen
from proxylib.stats import Bootstrap


class Range(Frozen):
    """A stated input: its central value between a low and a high one."""

    low: float = Field(gt=0)
    central: float = Field(gt=0)
    high: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.central <= self.high:
            raise ValueError(f"{self.low}, {self.central}, {self.high}: not in order")
        return self


class Scale(Frozen):
    """What the arithmetic of the post's grid takes for given."""

    tokens: Range = Field(description="of a dialogue with its note")
    utilisation: Range = Field(description="share of a GPU's peak that training reaches")
    dollars: Range = Field(description="of a GPU hour")
    peak: float = Field(gt=0, description="operations a second of one GPU in bfloat16, without sparsity")
    memory: float = Field(gt=0, description="bytes of one GPU")
    start: float = Field(ge=0, description="hours of a cell beside training: weights loaded, losses measured, notes written")
    largest: str = Field(description="the model of the claim about production scale")
    most: int = Field(ge=1, description="examples of that claim")


class Section(Frozen):
    """What the study adds to a profile."""

    scale: Scale


class Grid(Frozen):
    """Of the post's grid, as `configs/hub.yaml` has it, what decides its price."""

    bases: tuple[str, ...]
    examples: tuple[int, ...]
    rank: int
    epochs: int
    device_batch: int
    recompute: bool


class ScaleSettings(Frozen):
    """What a `scale` run is made from, beside its parents."""

    scale: Scale
    grid: Grid
    bootstrap: Bootstrap
