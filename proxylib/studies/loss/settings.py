"""Settings of the loss study: its section of a profile, the hub grid, and what its runs are made from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from proxylib.data import domains
from proxylib.data.settings import ScribeMaterial
from proxylib.errors import UserError
from proxylib.measure.settings import Extraction
from proxylib.models.settings import Bos, Lora, Model, Training, Tuning
from proxylib.runs.config import config_folder
from proxylib.settings import Frozen, overlay, read_yaml, validated
from proxylib.stats import Bootstrap


class BaseSettings(Frozen):
    """What a `base` run is made from."""

    model: Model
    training: Training
    scribe: ScribeMaterial
    seed: int = Field(ge=0)


class Source(Frozen):
    """Dialogues with an expert's notes; see `traces.read`."""

    source: str = Field(description="a .jsonl(.gz) or .parquet file, set:NAME, or hub:NAME:SPLIT")
    fields: dict[str, str] = Field(default={}, description="names in it, where they differ: prompt, solution, id, task")


class HubTuning(Tuning):
    """One cell of the post's own grid, whatever its base and its examples: how it is trained, and what is measured on it."""

    epochs: int = Field(ge=1)
    bos: Bos = "own"
    seed: int = Field(ge=0, description="of the adapter's first weights and of the order of examples")
    last: int = Field(ge=1, description="steps whose mean is the final training loss")
    max_new_tokens: int = Field(ge=1, description="most tokens of a note")
    note_batch: int = Field(ge=1, description="notes written together")
    threads: int = Field(ge=1, description="of the processor, per process")


class Hub(HubTuning):
    """The post's own grid: pretrained bases by hub id, numbers of examples, and the settings that all cells share."""

    bases: tuple[str, ...] = Field(min_length=1, description="hub ids (NAME or NAME@REVISION) or folders")
    examples: tuple[int, ...] = Field(min_length=1, description="each the first so many of the source")
    data: Source = Field(description="what cells are trained on, where the grid runs them")
    held_out: Source = Field(description="what their loss is measured and their notes are written on")


class HubCellSettings(HubTuning):
    """What a `hub_cell` run is made from. Where base and sources lie is no part of it: their content is, as inputs."""

    examples: int = Field(ge=1)
    fields: tuple[dict[str, str], dict[str, str]] = Field(description="of data and held-out set, see `Source`")
    base: str = Field(exclude=True)
    data: str = Field(exclude=True)
    held_out: str = Field(exclude=True)


class Tests(Frozen):
    """Dialogues that a cell writes notes on."""

    count: int = Field(ge=4)
    seed: int = Field(ge=0)
    unseen: bool = Field(description="with names that no training text has")


class CellSettings(Frozen):
    """What a `cell` run is made from: a base fine-tuned on so many examples."""

    base: Model
    examples: int = Field(ge=1)
    schedule: Literal["epochs", "steps"]
    epochs: int | None = Field(ge=1, default=None)
    steps: int | None = Field(ge=1, default=None)
    lora: Lora
    last: int = Field(ge=1, description="steps whose mean is the final training loss")
    scribe: ScribeMaterial
    tests: Tests
    max_new_tokens: int
    extraction: Extraction
    seed: int = Field(ge=0)


class JudgeTraining(Frozen):
    """The LM judge of ours, and the notes that it learns from."""

    width: int = Field(ge=8)
    depth: int = Field(ge=1)
    tokens: int = Field(ge=1000, description="training tokens")
    context: int = Field(ge=32, description="tokens of one row: a conversation, its note and several answers fit")
    first: int = Field(ge=0, description="documents of the bases' own text that it reads before it is asked anything")
    sources: tuple[int, ...] = Field(description="widths of bases whose notes it learns from; none of them is judged")
    examples: int = Field(ge=4, description="examples that each source is fine-tuned on, and notes that it writes")


class JudgeSettings(Frozen):
    """What a `judge` run is made from."""

    model: Model
    first: int
    training: Training
    scribe: ScribeMaterial
    seed: int = Field(ge=0)


class Base(Frozen):
    """One size of a family."""

    width: int = Field(ge=8)
    depth: int = Field(ge=1)


class Scribe(Frozen):
    """The clinical scribe: bases, the LoRA grid over sizes and examples, and its judges."""

    bases: tuple[Base, ...] = Field(min_length=2, description="one family, smallest first")
    tokens: int = Field(ge=1000, description="pretraining tokens of each base")
    context: int = Field(ge=32, description="tokens of one row, in pretraining and fine-tuning: every example fits")
    batch_tokens: int = Field(ge=32, description="tokens of one step of pretraining")
    muon_learning_rate: float = Field(gt=0, description="peak rate of the matrices in pretraining")
    adamw_learning_rate: float = Field(gt=0, description="peak rate of everything else in pretraining")
    vocabulary: int = Field(ge=300)
    tests: int = Field(ge=4)
    examples: tuple[int, ...] = Field(min_length=2, description="in the post's proportions, fewest first")
    epochs: int = Field(ge=1)
    schedules: tuple[Literal["epochs", "steps"], ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1, description="of cells; the first one everywhere")
    replicated: tuple[int, ...] = Field(description="numbers of examples that are run under every seed")
    rank_share: float = Field(gt=0, le=0.25, description="rank as a share of the width")
    alpha: float = Field(gt=0)
    learning_rate: float = Field(gt=0)
    batch: int = Field(ge=1, description="examples of one step of fine-tuning")
    last: int = Field(ge=1)
    max_new_tokens: int = Field(ge=1, description="longer than the longest note")
    judge: JudgeTraining
    robustness_notes: int = Field(ge=4, description="notes on which the judge is tried")
    seed: int = Field(ge=0, description="of dialogues and tokenizer")

    @model_validator(mode="after")
    def _consistent(self) -> Scribe:
        widths = [base.width for base in self.bases]
        if len(set(widths)) < len(widths):
            raise ValueError("bases: two have the same width")
        if set(self.judge.sources) & set(widths):
            raise ValueError("judge.sources: a width of the grid; the judge would learn from what it scores")
        if not set(self.replicated) <= set(self.examples):
            raise ValueError("replicated: a number that is not in examples")
        return self


class FitSettings(Frozen):
    """What the fits over the scribe grid are made from, beside their parents."""

    bootstrap: Bootstrap


class RobustnessSettings(Frozen):
    """What the trials of the judge are made from, beside their parents."""

    notes: int
    bootstrap: Bootstrap


class Section(Frozen):
    """What the study adds to a profile."""

    scribe: Scribe
    domains: dict[str, dict[str, Any]] = Field(default={}, description="other domains by name: what differs from `scribe`")
    hub: Hub | None = Field(default=None, description="the post's own grid, in a profile that runs it")

    @model_validator(mode="after")
    def _known(self) -> Section:
        for name in self.domains:
            if name not in domains.NAMES or name == domains.SCRIBE:
                raise ValueError(f"domains: there is no folder {name} in proxylib/data/domains")
            grid(self, name)
        return self


def grid(section: Section, domain: str) -> Scribe:
    """Settings of a domain's grid; `UserError` names a key that it does not have, or a domain without a section."""
    if domain == domains.SCRIBE:
        return section.scribe
    if domain not in section.domains:
        raise UserError(
            f"parameter domain: {domain} has no section in domains; there are {', '.join(section.domains) or 'none'}"
        )
    changes = section.domains[domain]
    return validated(Scribe, overlay(section.scribe.model_dump(mode="json"), changes), f"domains.{domain}")


def hub(changes: dict[str, Any]) -> Hub:
    """The grid of `hub.yaml` with changes laid over it, validated; `UserError` names the file or the change with a bad key."""
    path = config_folder() / "hub.yaml"
    values = read_yaml(path).get("hub", {})
    validated(Hub, values, str(path))
    return validated(Hub, overlay(values, changes), lambda key: f"parameter {key}")
