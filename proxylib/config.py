"""Frozen, validated configurations: what enters a run's identity, and the profiles that derive them.

A profile is `configs/base.yaml` with the differences of `configs/<profile>.yaml` laid over it. Every key is checked:
an unknown key, a wrong type or a value out of range stops with one line that names the file and the key.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import UserError

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "configs"
PROFILES = ("smoke", "lab", "reference", "tuning")


class Frozen(BaseModel):
    """Immutable; unknown keys and values of another type are refused (an int is a float, "3" is not an int)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Material(Frozen):
    """What models read and are asked: traces, training text, tokenizers."""

    tasks: tuple[str, ...] = Field(min_length=1)
    items: int = Field(ge=6, description="evaluation problems per task")
    prose_items: int = Field(ge=2, description="held-out documents of prose, for the generic loss")
    bpe_vocabulary: int = Field(ge=300, description="entries of a byte-pair tokenizer")
    seed: int = Field(ge=0)


class Model(Frozen):
    """One model of the population: an architecture at a size, over a tokenizer, and what it read."""

    architecture: Literal["llama", "gpt_neox", "gpt2", "qwen3", "smollm3"]
    tokenizer: Literal["byte", "bpe", "spaced", "capitals"]
    width: int = Field(ge=8, description="hidden size")
    depth: int = Field(ge=1, description="transformer blocks")
    mix: str = Field(description="corpus recipe of pretraining, by its name in proxylib/corpora.py")
    post: Literal["none", "more", "style", "answers", "rejection", "noisy"] = Field(description="post-training recipe")
    share: float = Field(gt=0, description="pretraining tokens as a multiple of training.tokens")

    @property
    def family(self) -> str:
        """Architecture and tokenizer: the cluster in every interval over models."""
        return f"{self.architecture}-{self.tokenizer}"

    @property
    def name(self) -> str:
        """Family and width: how people and plots call the model."""
        return f"{self.family}-{self.width}"

    def in_style(self, style: str) -> Model:
        """The same model, its pretraining mix written in another style; "crossed" leaves it as it is."""
        if style == "crossed":
            return self
        return self.model_copy(update={"mix": re.sub("^(expert|other)", style, self.mix)})


class Training(Frozen):
    """The one training loop."""

    tokens: int = Field(ge=1000, description="training tokens, with repetition only if the text runs out")
    context: int = Field(ge=32, description="tokens of one row")
    batch_tokens: int = Field(ge=32, description="tokens of one step")
    muon_rate: float = Field(gt=0, description="peak learning rate of the matrices")
    adamw_rate: float = Field(gt=0, description="peak learning rate of embeddings, head, norms and biases")
    warmup: float = Field(ge=0, lt=1, description="share of steps with a rising rate")
    post_share: float = Field(gt=0, lt=1, description="post-training tokens as a share of `tokens`")
    post_rate: float = Field(gt=0, description="peak rate of post-training as a share of pretraining's")
    threads: int = Field(ge=1)
    device: Literal["cpu", "cuda"]


class Extraction(Frozen):
    """One teacher-forced pass over the expert traces."""

    window: int = Field(ge=1, description="score the last so many tokens of a trace")
    chunk: int = Field(ge=1, description="positions whose logits exist at the same time")
    batch: int = Field(ge=1, description="traces of one forward pass")
    threads: int = Field(ge=1)
    device: Literal["cpu", "cuda"]


class Evaluation(Frozen):
    """Greedy answers, checked exactly."""

    new_tokens: int = Field(ge=1, description="most tokens of one answer")
    batch: int = Field(ge=1, description="problems generated together")
    threads: int = Field(ge=1)
    device: Literal["cpu", "cuda"]


class Inference(Frozen):
    """Bootstrap and permutation."""

    draws: int = Field(ge=50, description="bootstrap draws")
    level: float = Field(gt=0.5, lt=1, description="coverage of every interval")
    seed: int = Field(ge=0)


class TrainSettings(Frozen):
    """What a `train` run is made from."""

    model: Model
    training: Training
    material: Material
    seed: int = Field(ge=0)


class MeasureSettings(Frozen):
    """What a `measure` run is made from, beside its parents."""

    extraction: Extraction
    evaluation: Evaluation


class CorporaSettings(Frozen):
    """What a `corpora` run is made from."""

    material: Material
    tokens: int = Field(ge=1000, description="length to which every recipe is written out and described")


class Trajectory(Frozen):
    """One longer training run, measured along the way."""

    model: str = Field(description="architecture, tokenizer and width, by its name in the population")
    share: float = Field(gt=0, description="training tokens as a multiple of training.tokens")
    items: int = Field(ge=6, description="evaluation problems per task at each checkpoint")


class TrajectorySettings(Frozen):
    """What a `trajectory` run is made from."""

    training: TrainSettings
    measure: MeasureSettings
    items: int
    inference: Inference


class ScribeMaterial(Frozen):
    """Dialogues and notes of the scribe task, and the tokenizer that all its models share."""

    vocabulary: int = Field(ge=300, description="entries of the byte-pair tokenizer")
    examples: int = Field(ge=1, description="most examples that a fine-tune sees")
    tests: int = Field(ge=4, description="dialogues with unseen drug names: notes are written and judged on these")
    seed: int = Field(ge=0)


class BaseSettings(Frozen):
    """What a `base` run is made from."""

    model: Model
    training: Training
    scribe: ScribeMaterial
    seed: int = Field(ge=0)


class Lora(Frozen):
    """A LoRA fine-tune: constant rate, no dropout, every linear layer of the blocks."""

    rank: int = Field(ge=1)
    alpha: float = Field(gt=0)
    rate: float = Field(gt=0, description="learning rate, constant")
    batch: int = Field(ge=1, description="examples of one step")
    context: int = Field(ge=32, description="most tokens of an example; what does not fit is cut and counted")


class Tuning(Lora):
    """A LoRA fine-tune, and how it is laid out on a machine: the layout moves the last bits of a loss, no more."""

    chat: bool = Field(default=False, description="the prompt is a user's turn in the tokenizer's chat template")
    device: Literal["cpu", "cuda"] = "cpu"
    dtype: Literal["float32", "bfloat16"] = Field(default="float32", description="of the base; the adapter stays float32")
    device_batch: int | None = Field(ge=1, default=None, description="examples of one forward pass; None: all of a step")
    recompute: bool = Field(default=False, description="activations are computed again for the backward pass, not kept")


class Hub(Tuning):
    """The post's own grid: pretrained bases by hub id, the settings of each cell, and what is measured on it."""

    bases: tuple[str, ...] = Field(min_length=1, description="hub ids or folders")
    examples: tuple[int, ...] = Field(min_length=1, description="each the first so many of the file")
    epochs: int = Field(ge=1)
    seed: int = Field(ge=0, description="of the adapter's first weights and of the order of examples")
    last: int = Field(ge=1, description="steps whose mean is the final training loss")
    new_tokens: int = Field(ge=1, description="most tokens of a note")
    note_batch: int = Field(ge=1, description="notes written together")
    threads: int = Field(ge=1, description="of the processor, per process")


class Tests(Frozen):
    """Dialogues that a cell writes notes on."""

    count: int = Field(ge=4)
    seed: int = Field(ge=0)
    unseen: bool = Field(description="with drug names that no training text has")


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
    new_tokens: int
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
    """One size of the scribe family."""

    width: int = Field(ge=8)
    depth: int = Field(ge=1)


class Scribe(Frozen):
    """The clinical scribe: bases, the LoRA grid over sizes and examples, and its judges."""

    bases: tuple[Base, ...] = Field(min_length=2, description="one family, smallest first")
    tokens: int = Field(ge=1000, description="pretraining tokens of each base")
    context: int = Field(ge=32, description="tokens of one row, in pretraining and fine-tuning: every example fits")
    batch_tokens: int = Field(ge=32, description="tokens of one step of pretraining")
    muon_rate: float = Field(gt=0, description="peak rate of the matrices in pretraining")
    adamw_rate: float = Field(gt=0, description="peak rate of everything else in pretraining")
    vocabulary: int = Field(ge=300)
    tests: int = Field(ge=4)
    examples: tuple[int, ...] = Field(min_length=2, description="in the post's proportions, fewest first")
    epochs: int = Field(ge=1)
    schedules: tuple[Literal["epochs", "steps"], ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1, description="of cells; the first one everywhere")
    replicated: tuple[int, ...] = Field(description="numbers of examples that are run under every seed")
    rank_share: float = Field(gt=0, le=0.25, description="rank as a share of the width")
    alpha: float = Field(gt=0)
    rate: float = Field(gt=0)
    batch: int = Field(ge=1, description="examples of one step of fine-tuning")
    last: int = Field(ge=1)
    new_tokens: int = Field(ge=1, description="longer than the longest note")
    judge: JudgeTraining
    quality_notes: int = Field(ge=4, description="notes on which the judge is tried")
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


class AnalysisOfCells(Frozen):
    """What the fits over the scribe grid are made from, beside their parents."""

    inference: Inference


class QualitySettings(Frozen):
    """What the trials of the judge are made from, beside their parents."""

    notes: int
    inference: Inference


class Own(Frozen):
    """The page on models of your own, shown on models of the lab."""

    models: int = Field(ge=2, description="the first so many of the population")
    items: int = Field(ge=4, description="traces per task")


class OwnSettings(Frozen):
    """What an `own_models` run is made from, beside its parents."""

    models: tuple[str, ...]
    items: int
    extraction: Extraction
    inference: Inference


class Replication(Frozen):
    """One population per seed, every mix in one style or in both, crossed."""

    style: Literal["crossed", "expert", "other"]
    seeds: tuple[int, ...] = Field(min_length=1)


class Member(Frozen):
    """One trained model of a population."""

    model: Model
    seed: int
    style: Literal["crossed", "expert", "other"]

    @property
    def name(self) -> str:
        """Model, style of a population that is not the crossed one, and training seed."""
        return f"{self.model.name}{'' if self.style == 'crossed' else '-' + self.style}-seed{self.seed}"


class PopulationSettings(Frozen):
    """What a `population` run pools."""

    members: tuple[Member, ...]
    inference: Inference


class AnalysisSettings(Frozen):
    """What an analysis of pooled runs is made from, beside its parents."""

    ranked: tuple[str, ...]
    inference: Inference


class Profile(Frozen):
    """Everything the grid needs; one file of differences per profile."""

    name: Literal["smoke", "lab", "reference", "tuning"]
    seeds: tuple[int, ...] = Field(min_length=1, description="training seeds of the whole population")
    material: Material
    population: tuple[Model, ...] = Field(min_length=1)
    corpus_tokens: int = Field(ge=1000, description="length to which every corpus recipe is written out and described")
    expert: Model = Field(description="larger than any candidate and of another family: its log-probabilities weigh rBridge")
    ranked: tuple[str, ...] = Field(min_length=2, description="tasks that enter rankings, decided on the tuning seed")
    dial: tuple[Replication, ...] = Field(description="populations beside the crossed one, for the dial of styles")
    trajectory: Trajectory
    own: Own
    scribe: Scribe
    pages: tuple[str, ...] = Field(min_length=1, description="pages that this profile runs; others are taken as shipped")
    training: Training
    extraction: Extraction
    evaluation: Evaluation
    inference: Inference

    @model_validator(mode="after")
    def _consistent(self) -> Profile:
        names = [model.name for model in self.population]
        if len(set(names)) < len(names):
            raise ValueError(f"population: two models share a name ({', '.join(names)})")
        unknown = [name for name in self.ranked if name not in self.material.tasks]
        if unknown:
            raise ValueError(f"ranked: task '{unknown[0]}' is not in material.tasks")
        if self.expert.family in {model.family for model in self.population}:
            raise ValueError(f"expert: its family {self.expert.family} is that of a candidate")
        if self.training.batch_tokens < self.training.context:
            raise ValueError("training.batch_tokens: smaller than training.context, so a step holds no row")
        return self

    def model(self, name: str) -> Model:
        """The model of that name; `UserError` names those that exist."""
        models = (*self.population, self.expert)
        for model in models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in models)
        raise UserError(f"parameter model: '{name}' is not in profile {self.name}; it has {known}")


def validated(kind: type[Frozen], values: dict[str, Any], where: str) -> Any:
    """Build `kind` from plain JSON values, or raise one line that names `where` and the first bad key."""
    try:
        return kind.model_validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        given = "" if first["type"] in ("missing", "value_error") else f" (given: {first['input']!r})"
        raise UserError(f"{where}: {key + ': ' if key else ''}{message}{given}") from None


def overlay(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, section by section; lists are replaced whole."""
    merged = dict(base)
    for key, value in changes.items():
        merged[key] = overlay(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
    return merged


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping, read safely; `UserError` names file and line."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}{line}: not YAML ({getattr(error, 'problem', error)})") from None
    if not isinstance(values or {}, dict):
        raise UserError(f"{path}: expected keys and values at the top level, found {type(values).__name__}")
    return values or {}


def load(profile: str, folder: Path | None = None) -> Profile:
    """The profile of that name: the base with its differences, validated.

    Parameters
    ----------
    profile : one of `PROFILES`
    folder : of the YAML files; default the environment variable PROXYLIB_CONFIGS, else `configs/`

    Raises
    ------
    UserError
        Unknown profile, unreadable file, unknown key, wrong type or value out of range.
    """
    if profile not in PROFILES:
        raise UserError(f"parameter profile: '{profile}' is unknown; choose one of {', '.join(PROFILES)}")
    folder = folder or _folder()
    path = folder / f"{profile}.yaml"
    values = overlay(read_yaml(folder / "base.yaml"), read_yaml(path))
    for name in ("threads", "device"):  # said once, used by every section that computes
        if name in values:
            value = values.pop(name)
            for section in ("training", "extraction", "evaluation"):
                values.setdefault(section, {}).setdefault(name, value)
    return validated(Profile, {"name": profile, **values}, str(path))


def hub(changes: dict[str, Any]) -> Hub:
    """The grid of `hub.yaml` with changes laid over it, validated; `UserError` names the first bad key."""
    path = _folder() / "hub.yaml"
    return validated(Hub, overlay(read_yaml(path), changes), str(path))


def _folder() -> Path:
    return Path(os.environ.get("PROXYLIB_CONFIGS") or CONFIGS)
