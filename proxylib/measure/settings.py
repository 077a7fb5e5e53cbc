"""How a model is measured: settings that enter the identity of a run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from proxylib.models.settings import Evaluation
from proxylib.settings import Frozen


class Extraction(Frozen):
    """One teacher-forced pass over the expert traces."""

    window: int = Field(ge=1, description="score the last so many tokens of a trace")
    chunk: int = Field(ge=1, description="positions whose logits exist at the same time")
    batch: int = Field(ge=1, description="traces of one forward pass")
    threads: int = Field(ge=1)
    device: Literal["cpu", "cuda"]


class MeasureSettings(Frozen):
    """What a `measure` run is made from, beside its parents."""

    extraction: Extraction
    evaluation: Evaluation
