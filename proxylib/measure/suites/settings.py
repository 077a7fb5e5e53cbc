"""Settings of benchmarks by name, and of the command that runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from proxylib.errors import UserError
from proxylib.models.cores import allotted_cores
from proxylib.runs.config import config_folder
from proxylib.settings import Frozen, read_yaml, validated

LOCAL = {"gsm8k": "exact_match", "math500": "exact_match", "humaneval": "pass", "mbpp": "pass"}  # name -> metric


class Benchmark(Frozen):
    """One benchmark and the setting that its score belongs to."""

    name: str = Field(description="gsm8k, math500, humaneval or mbpp, which run here; or a task of lm-evaluation-harness")
    shots: int = Field(default=0, ge=0, description="solved problems in front")
    metric: str = Field(description="exact_match, pass, or what the harness calls it: acc, acc_norm")
    samples: int = Field(default=1, ge=1, description="answers to each problem; with one it is greedy")
    k: int = Field(default=1, ge=1, description="of pass@k")
    temperature: float = Field(default=0.8, gt=0, description="where there are several samples")
    max_new_tokens: int = Field(default=512, ge=1)

    @model_validator(mode="after")
    def _possible(self) -> Benchmark:
        if self.k > self.samples:
            raise ValueError(f"{self.name}: pass@{self.k} needs {self.k} samples, {self.samples} are asked for")
        if self.metric != LOCAL.get(self.name, self.metric):
            raise ValueError(f"{self.name}: its metric is {LOCAL[self.name]}, not {self.metric}")
        if self.name in ("humaneval", "mbpp") and self.shots:
            raise ValueError(f"{self.name}: takes no shots, its prompt is the head of a function")
        if self.name not in LOCAL and self.samples > 1:
            raise ValueError(f"{self.name}: runs through lm-evaluation-harness, with one answer")
        return self


class RunBenchmarks(Frozen):
    """Scores of a model on the suite of configs/hub.yaml, each under a stated setting, into a folder.

    Code that the model writes runs shut in: no files, no network, no other process, little time and memory.
    """

    model: str = Field(description="folder of transformers or peft, or NAME or NAME@REVISION on the hub")
    out: Path = Field(description="folder for what is made; goes on where it ended")
    only: tuple[str, ...] = Field(default=(), description="benchmarks of the suite; all if left out")
    limit: int | None = Field(default=None, ge=1, description="the first so many problems of each")
    chat: bool = Field(default=False, description="prompts are a user's turn in the tokenizer's chat template")
    device: Literal["cpu", "cuda", "auto"] = Field(
        default="cpu", description="where the model runs; auto: its layers over all GPUs, for what one GPU does not hold"
    )
    dtype: Literal["float32", "bfloat16"] = Field(default="float32", description="of the weights")
    batch: int = Field(default=16, ge=1, description="problems answered together")
    threads: int = Field(default_factory=allotted_cores, ge=1, description="of the processor")
    seed: int = Field(default=0, ge=0, description="of samples")


def suite(only: tuple[str, ...] = (), folder: Path | None = None) -> tuple[Benchmark, ...]:
    """The suite of hub.yaml, or those of it that are named; `UserError` for a name that is not in it."""
    path = (folder or config_folder()) / "hub.yaml"
    rows: Any = read_yaml(path).get("suite", [])
    known = {row.name: row for row in (validated(Benchmark, row, str(path)) for row in rows)}
    if unknown := [name for name in only if name not in known]:
        raise UserError(f"--only: {unknown[0]} is not in the suite of {path}; there are {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(only or known))
