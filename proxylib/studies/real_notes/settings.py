"""Settings of the study: its section of a profile, and what its runs are made from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from proxylib.models.settings import Lora
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap

Data = Literal["mts_dialog", "made"]


class Texts(Frozen):
    """Which dialogues a model reads, and how they are put to it."""

    data: Data = Field(description="published clinical dialogues, or made ones of the lab")
    longest: int = Field(ge=32, description="tokens of a dialogue with its note; longer ones are left out")
    chat: bool = Field(description="questions to the judge stand in the model's chat template")


class RealNotes(Texts):
    """Fine-tunes of one real model, and the same model as a judge."""

    examples: tuple[int, ...] = Field(min_length=2, description="of a cell, beside the untrained model")
    seeds: tuple[int, ...] = Field(min_length=2, description="each draws examples, their order and an adapter of its own")
    held_out: int = Field(ge=2, description="dialogues")
    lora: Lora
    last: int = Field(ge=1, description="steps of which the final training loss is the mean")
    max_new_tokens: int = Field(ge=1)
    note_batch: int = Field(ge=1, description="notes that are written together")

    @model_validator(mode="after")
    def _plain(self) -> RealNotes:
        for what, values in (("examples", self.examples), ("seeds", self.seeds)):
            if sorted(set(values)) != list(values):
                raise ValueError(f"{what}: give each once, in order")
        if self.examples[0] < 1:
            raise ValueError("examples: the untrained model is there anyway; give numbers above 0")
        return self


class Section(Frozen):
    """What the study adds to a profile."""

    real_notes: RealNotes


class CellSettings(Frozen):
    """What a `note_cell` run is made from, beside the model."""

    texts: Texts
    examples: int = Field(description="0: the model as it is")
    seed: int
    held_out: int
    lora: Lora
    last: int
    max_new_tokens: int
    note_batch: int
    threads: int


class JudgeSettings(Frozen):
    """What a `note_judge` run is made from, beside the model."""

    texts: Texts
    threads: int


class MetricSettings(Frozen):
    """What the calibration is made from, beside what the model said."""

    data: Data
    bootstrap: Bootstrap


class AnalysisSettings(Frozen):
    """What the analysis of the cells is made from, beside its parents."""

    examples: tuple[int, ...]
    seeds: tuple[int, ...]
    bootstrap: Bootstrap
