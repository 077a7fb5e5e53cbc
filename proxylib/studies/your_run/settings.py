"""Settings of `proxylib monitor`, and of the study of its false alarms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from proxylib.data.histories import table
from proxylib.data.histories.tables import NAMES
from proxylib.errors import UserError
from proxylib.settings import Frozen, validated

ASKED = ("history", "out")  # of a notebook


class Monitor(Frozen):
    """Watch a run's history: alarms, the checkpoint to take, and a page that shows both.

    HISTORY is a CSV or Parquet table (task, score and step, tokens or epoch, a row per task and checkpoint; or a column per
    metric), a trainer_state.json, or a folder of result files of lm-evaluation-harness. Exit code 0: nothing; 3: an alarm
    stands; 4: the data cannot tell, or an evaluation failed or is missing. With --against two models are compared item by item:
    logs of lm-evaluation-harness (--log_samples) or Inspect; a field cluster names what items share.
    """

    history: Path = Field(
        description="table, trainer_state.json, or folder of result files", json_schema_extra={"positional": True}
    )
    out: Path = Field(description="folder for what is made; the same again as the history grows")
    fields: dict[str, str] = Field(default={}, description="columns of other names: step=_step score=acc_norm task=benchmark")
    losses: tuple[str, ...] = Field(default=(), description="metrics that are losses, where their names do not say so")
    scores: tuple[str, ...] = Field(default=(), description="metrics that are scores, where their names do not say so")
    percent: bool = Field(default=False, description="scores, chance and stderr are in percent")
    error: float = Field(
        default=0.05, gt=0, lt=0.5, description="chance that a hundred checkpoints in which nothing is wrong raise any alarm"
    )
    last: int = Field(default=20, ge=3, description="checkpoints at the end between which is chosen")
    same_items: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="where scores of all checkpoints are on the same items: correlation of two of them over draws of items",
    )
    weights: dict[str, str] = Field(default={}, description="of tasks in what is chosen by: mmlu=2 gsm8k=1; default alike")
    against: Path | None = Field(
        default=None, description="logs of an earlier model: HISTORY is then the later one's, compared with it item by item"
    )
    margin: float = Field(default=0.02, ge=0, description="changes of a metric that count as none, item by item")
    dry_run: bool = Field(default=False, description="say what would be watched, and write nothing")

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: dict[str, str]) -> dict[str, str]:
        return table.known_fields(fields, NAMES, beside=("cluster",))

    @field_validator("weights")
    @classmethod
    def _numbers(cls, weights: dict[str, str]) -> dict[str, str]:
        for task, text in weights.items():
            try:
                value = float(text)
            except ValueError:
                value = math.nan
            if not math.isfinite(value):
                raise ValueError(f"{task}={text} is no number; write it as {task}=2")
        return weights


def from_parameters(given: Mapping[str, Any]) -> Monitor:
    """What the page's notebook asks for; `UserError` names a parameter that is missing or wrong."""
    for name in ASKED:
        if given.get(name) is None:
            raise UserError(f"parameter {name}: {' and '.join(ASKED)} go together; give both, or none")
    return validated(Monitor, {name: str(given[name]) for name in ASKED}, lambda key: f"parameter {key}")
