"""Settings of forecasts: what `proxylib forecast` is asked for, and the bounds of its work."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from proxylib.data.histories import table
from proxylib.errors import UserError
from proxylib.settings import Frozen, validated
from proxylib.stats import Bootstrap

AXES = ("step", "tokens", "flops", "parameters")  # what a target may be given in
SUFFIXES = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
ASKED = ("history", "target", "out")  # of a notebook
NAMES = ("task", "score", *AXES, "run", "items", "stderr", "chance")  # columns that are no signal


class Forecast(Frozen):
    """Forecast scores of a run from its checkpoints, or of a larger run from smaller ones.

    HISTORY is a CSV or Parquet table: task, score, one or more of step, tokens, flops, parameters; if there are, run, items (or
    stderr) and chance. Every other column of numbers is a signal, such as a loss.
    """

    history: Path = Field(description="CSV or Parquet file of checkpoints", json_schema_extra={"positional": True})
    target: str = Field(description="tokens=1.4e12 for the same run, parameters=7B,tokens=4T for a larger one")
    out: Path = Field(description="folder for what is made; goes on where it ended")
    fields: dict[str, str] = Field(default={}, description="columns of other names: score=acc_norm task=benchmark")
    signals: tuple[str, ...] = Field(default=(), description="columns that are signals; by default all other numbers")
    percent: bool = Field(default=False, description="scores, chance and stderr are in percent")
    level: float = Field(default=0.9, gt=0.5, lt=1, description="coverage of intervals")

    @field_validator("target")
    @classmethod
    def _readable(cls, text: str) -> str:
        targets(text)
        return text

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: dict[str, str]) -> dict[str, str]:
        return table.known_fields(fields, NAMES)


def from_parameters(given: Mapping[str, Any]) -> Forecast:
    """What the page's notebook asks for; `UserError` names a parameter that is missing or wrong."""
    for name in ASKED:
        if given.get(name) is None:
            raise UserError(f"parameter {name}: {', '.join(ASKED[:-1])} and {ASKED[-1]} go together; give all, or none")
    return validated(Forecast, {name: str(given[name]) for name in ASKED}, lambda key: f"parameter {key}")


def targets(text: str) -> dict[str, float]:
    """Axis -> value of a target such as parameters=7B,tokens=4e12; `ValueError` says what is wrong."""
    values: dict[str, float] = {}
    for part in text.split(","):
        name, _, given = (word.strip() for word in part.partition("="))
        if name not in AXES:
            raise ValueError(f"{name or 'nothing'} is no axis; give {', '.join(AXES[:-1])} or {AXES[-1]}, as in tokens=1.4e12")
        if name in values:
            raise ValueError(f"{name} is given twice")
        values[name] = _number(name, given)
    if len([name for name in values if name != "parameters"]) > (2 if "parameters" in values else 1):
        raise ValueError("give one of step, tokens and flops, and parameters beside it for a larger run")
    if "parameters" in values and "step" in values:
        raise ValueError("a larger run needs tokens or flops: steps of two sizes are not alike")
    return values


def _number(name: str, given: str) -> float:
    factor = SUFFIXES.get(given[-1:], 1.0)
    try:
        value = float(given[:-1] if given[-1:] in SUFFIXES else given) * factor
    except ValueError:
        raise ValueError(f"{name}={given} is no number; write it as 1.4e12 or 1.4T") from None
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name}={given} must be a number above 0")
    return value


class LabSettings(Frozen):
    """What a `lab_forecasts` run is made from, beside its parents."""

    runs: tuple[str, ...]
    post: tuple[str, ...]
    counted: dict[str, tuple[int, ...]]
    bootstrap: Bootstrap
