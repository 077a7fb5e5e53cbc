"""Settings of the study of checkpoints."""

from __future__ import annotations

from pydantic import Field, model_validator

from proxylib.models.settings import Evaluation, TrainSettings
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap


class Late(Frozen):
    """A last stretch of training, gone twice: at a constant rate and at a falling one."""

    items: int = Field(ge=4, description="problems per task at each checkpoint, of difficulties that count; the first of them")
    settle: int = Field(ge=2, description="steps at the constant rate before the two part")
    steps: int = Field(ge=3, description="of each of the two")
    last: int = Field(ge=3, description="checkpoints, evenly spaced over those steps")
    rate: float = Field(gt=0, le=1, description="share of the peak learning rate")
    averaged: tuple[int, ...] = Field(min_length=1, description="numbers of last checkpoints whose weights are averaged")

    @model_validator(mode="after")
    def _even(self) -> Late:
        if self.steps % self.last:
            raise ValueError(f"steps: {self.steps} are not {self.last} checkpoints times a number of steps")
        if not 2 <= min(self.averaged) <= max(self.averaged) <= self.last:
            raise ValueError(f"averaged: {self.averaged} are not within 2 and the last {self.last} checkpoints")
        return self


class Section(Frozen):
    """What the study adds to a profile."""

    late_checkpoints: Late


class LateSettings(Frozen):
    """What a `late_checkpoints` run is made from, beside its parents."""

    training: TrainSettings
    evaluation: Evaluation
    counted: dict[str, tuple[int, ...]]
    late: Late


class LabSettings(Frozen):
    """What a `lab_checkpoints` run is made from, beside its parents."""

    runs: tuple[str, ...] = Field(description="watched runs of pretraining")
    tasks: tuple[str, ...] = Field(description="of the population that enter rankings")
    counted: dict[str, tuple[int, ...]]
    last: int = Field(description="checkpoints at the end of a watched run")
    bootstrap: Bootstrap
