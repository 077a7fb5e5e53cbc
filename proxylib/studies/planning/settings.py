"""Settings of `proxylib plan`, what is known of candidates and what can be bought; and of the study of ways to choose them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from proxylib.errors import UserError
from proxylib.settings import Frozen, read_yaml, validated
from proxylib.stats import Bootstrap

#: what a candidate has -> how columns are usually called; the first that is there counts
SPELLINGS = {
    "name": ("name", "candidate", "model", "configuration", "config", "run", "cell", "checkpoint"),
    "loss": ("loss", "final_loss", "train_loss", "training_loss", "eval_loss", "held_out_loss"),
    "size": ("size", "parameters", "params", "n_params"),
    "data": ("data", "examples", "tokens", "train_examples"),
    "score": ("score", "pass_rate", "accuracy", "acc"),
    "items": ("items", "notes", "n_items", "n"),
    "stderr": ("stderr", "score_stderr", "acc_stderr", "se"),
    "judge": ("judge", "grader", "voter"),
}
SAME = "the same evaluation"
ITEMS = (25, 100, 400)


class Layer(Frozen):
    """A way to evaluate a candidate: what it costs, and how far it errs."""

    price: float = Field(default=1.0, ge=0, allow_inf_nan=False, description="of an item")
    look: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="of a candidate, however few items")
    spread: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="SD of an item's score, as a share; none: that of right or wrong"
    )
    off: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="SD by which it errs on a candidate with endless items, as a share"
    )
    items: tuple[int, ...] = Field(default=ITEMS, min_length=1, description="numbers of items that can be bought at once")

    @field_validator("items")
    @classmethod
    def _counts(cls, items: tuple[int, ...]) -> tuple[int, ...]:
        if min(items) < 1 or max(items) > 10**9:
            raise ValueError("a number of items lies between 1 and 1,000,000,000")
        return tuple(sorted(set(items)))


class Plan(Frozen):
    """Say which candidate to evaluate next, on how many items, what that is worth, and when to stop.

    TABLE is a CSV, TSV or Parquet file, a row per candidate: its loss, size and data (numbers of parameters and of examples or
    tokens) as far as they are known, a score where it was evaluated, and items or stderr of that score. Exit code 0: a plan
    stands, or nothing is worth its price; 4: the scores do not tell which way they follow the signals, so there is no order.
    """

    table: Path = Field(description="CSV, TSV or Parquet file of candidates", json_schema_extra={"positional": True})
    out: Path = Field(description="folder for what is made")
    fields: dict[str, str] = Field(default={}, description="columns of other names: name=run loss=final_loss score=acc")
    signals: tuple[str, ...] = Field(default=(), description="columns that may tell more: proxies, losses by domain")
    percent: bool = Field(default=False, description="scores and stderr are in percent")
    judge: str | None = Field(default=None, description="whose scores count, where a column judge has several; default most")
    items: tuple[int, ...] = Field(default=ITEMS, min_length=1, description="numbers of items that can be bought at once")
    price: float = Field(default=1.0, ge=0, allow_inf_nan=False, description="of an item")
    layers: Path | None = Field(default=None, description="YAML file of what can be bought: name, and price, look, spread, off")
    budget: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="most that may be spent")
    tolerance: float = Field(default=0.01, ge=0, lt=1, description="expected loss of score at which buying ends, as a share")
    level: float = Field(default=0.95, gt=0.5, lt=1, description="coverage of intervals")
    dry_run: bool = Field(default=False, description="say what would be planned with, and write nothing")

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: dict[str, str]) -> dict[str, str]:
        if unknown := [name for name in fields if name not in SPELLINGS]:
            raise ValueError(f"{unknown[0]} is nothing that a candidate has; there are {', '.join(SPELLINGS)}")
        for name, theirs in fields.items():
            if other := next((other for other in fields if other != name and fields[other] == theirs), None):
                raise ValueError(f"column {theirs} cannot be both {name} and {other}; name another for one of them")
        return fields

    @field_validator("items")
    @classmethod
    def _counts(cls, items: tuple[int, ...]) -> tuple[int, ...]:
        return Layer(items=items).items


class Planning(Frozen):
    """Ways to choose the next cell, tried on a grid whose scores are known."""

    repeats: int = Field(ge=1, description="random beginnings and draws of notes")
    cells: int = Field(ge=2, description="most that are bought")
    decided: int = Field(ge=2, description="cells at which claims are decided")
    notes: tuple[int, ...] = Field(min_length=1, description="of a purchase")
    notes_decided: int = Field(ge=1, description="notes at which claims are decided")

    @model_validator(mode="after")
    def _consistent(self) -> Planning:
        if self.notes_decided not in self.notes:
            raise ValueError(f"notes_decided: {self.notes_decided} is none of notes")
        return self


class SurgicalSettings(Frozen):
    """What a `surgical` run is made from, beside its parents."""

    planning: Planning
    bootstrap: Bootstrap


class Section(Frozen):
    """What the study adds to a profile."""

    planning: Planning


def layers(given: Plan) -> dict[str, Layer]:
    """What can be bought: the file's layers, or more items of the evaluation that the table holds.

    Raises
    ------
    UserError
        Naming the file and the key.
    """
    if given.layers is None:
        return {SAME: Layer(price=given.price, items=given.items)}
    values = read_yaml(given.layers)
    if not values:
        raise UserError(f"{given.layers}: no layer in it; write a name, and below it price: 0.02")
    return {str(name): _layer(given.layers, str(name), value, given) for name, value in values.items()}


def _layer(path: Path, name: str, value: Any, given: Plan) -> Layer:
    if not isinstance(value, Mapping):
        raise UserError(f"{path}: {name} is no mapping; write price, look, spread, off and items below it")
    values = {"items": given.items, "price": given.price} | dict(value)
    if isinstance(values["items"], list):
        values["items"] = tuple(values["items"])
    return validated(Layer, values, lambda key: f"{path}, {name}.{key}")
