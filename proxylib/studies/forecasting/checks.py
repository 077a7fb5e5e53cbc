"""What is wrong with a history, in one line that names row or column, and the mend."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxylib.data.histories.table import Table
from proxylib.errors import UserError
from proxylib.studies.forecasting.settings import AXES, NAMES
from proxylib.text import line

JUMP = 1e5  # from one checkpoint to the next: in different units


def refuse_missing(table: Table, names: Mapping[str, str]) -> None:
    """`UserError` where a column that is needed, or was named, is not there, or no rows are."""
    there = ", ".join(list(table.columns)[:12]) or "none"
    for name in ("task", "score"):
        if names[name] not in table.columns:
            raise UserError(
                f"{table.path}: column {names[name]} is missing (there are {there}); name it: --fields {name}=THEIRS; a "
                "row is one task at one checkpoint"
            )
    for name in NAMES:
        if names[name] != name and names[name] not in table.columns:
            raise UserError(f"{table.path}: column {names[name]}, given for {name}, is missing; there are {there}")
    if table.rows == 0:
        raise UserError(f"{table.path}: holds no rows below the names of its columns")


def signals_of(table: Table, names: Mapping[str, str], asked: tuple[str, ...]) -> list[str]:
    """Columns that are signals: those asked for, or all numbers that are nothing else."""
    taken = {names[name] for name in NAMES}
    if asked:
        for name in asked:
            if name not in table.columns:
                raise UserError(f"parameter signals: {table.path} has no column {name}; there are {', '.join(table.columns)}")
            if name in taken:
                raise UserError(f"parameter signals: {name} is no signal, but what a signal is to forecast, or over what")
        return list(dict.fromkeys(asked))
    return [name for name in table.columns if name not in taken and table.numeric(name)]


def columns_of(table: Table, names: Mapping[str, str]) -> dict[str, np.ndarray]:
    """task, and every other known column as numbers; nan where there is none."""
    nothing = np.full(table.rows, np.nan)
    columns: dict[str, np.ndarray] = {"task": table.words(names["task"])}
    for name in ("score", *AXES, "items", "stderr", "chance"):
        columns[name] = table.numbers(names[name]) if names[name] in table.columns else nothing
    for name in (*AXES, "items", "stderr"):
        if len(below := np.flatnonzero(columns[name] < 0)):
            row = below[0]
            raise UserError(f"{table.place(row)}: {names[name]} is {columns[name][row]:g}; it cannot lie below 0")
    for name in ("parameters", "items"):
        if len(zero := np.flatnonzero(columns[name] == 0)):
            raise UserError(f"{table.place(zero[0])}: {names[name]} is 0; leave the cell empty, or the row away")
    return columns


def shares_of(table: Table, names: Mapping[str, str], frame: pd.DataFrame, percent: bool) -> tuple[np.ndarray, ...]:
    """Score, chance and standard error as shares."""
    score = frame["score"].to_numpy()
    _refuse_units(table, names, frame, percent)
    scale = 100.0 if percent else 1.0
    score, chance, error = score / scale, frame["chance"].to_numpy() / scale, frame["stderr"].to_numpy() / scale
    for name, values in (("chance", chance), ("stderr", error)):
        if len(beyond := np.flatnonzero((values < 0) | (values >= 1))):
            raise UserError(
                f"{table.place(beyond[0])}: {names[name]} is {values[beyond[0]] * scale:g}; as scores, it is a share below 1"
                f"{' (or --percent)' if not percent else ' in percent'}"
            )
    chances = frame.assign(chance=chance).groupby("task", sort=False)["chance"].agg(["min", "max"])
    if len(uneven := chances[chances["min"] < chances["max"]]):
        raise UserError(f"{table.path}: task {line(uneven.index[0])} has more than one {names['chance']}; a task has one")
    chance = frame["task"].map(chances["min"]).to_numpy(float)
    items = frame["items"].to_numpy()
    likely = (score * items + 1) / (items + 2)  # a score of 0 is not known without error
    noise = np.where(np.isfinite(error), error, np.sqrt(likely * (1 - likely) / items))
    return score.clip(0, 1) + 0.0, chance, noise  # no -0


def _refuse_units(table: Table, names: Mapping[str, str], frame: pd.DataFrame, percent: bool) -> None:
    score, most = frame["score"].to_numpy(), 100.0 if percent else 1.0
    unit = "percent" if percent else "a share of 1"
    if len(below := np.flatnonzero(score < 0)):
        raise UserError(
            f"{table.place(below[0])}: {names['score']} is {score[below[0]]:g}; a score is {unit}, higher is better"
        )
    if len(above := np.flatnonzero(score > most * (1 + 1e-6))):
        row, tops = above[0], frame.groupby("task", sort=False)["score"].max()
        mixed = (tops <= 1).any() and not percent
        mend = (
            "bring all tasks to shares"
            if mixed
            else "a score is at most 100"
            if percent
            else "give --percent, or divide by 100"
        )
        others = f", while task {line(tops.index[tops <= 1][0])} is in shares" if mixed else ""
        raise UserError(f"{table.place(row)}: {names['score']} is {score[row]:g}{others}, expected {unit}; {mend}")
    if percent and np.isfinite(score).any() and np.nanmax(score) <= 1:
        raise UserError(
            f"{table.path}: column {names['score']} never exceeds {np.nanmax(score):g}: shares; leave out --percent"
        )


def refuse_mixed(table: Table, names: Mapping[str, str], frame: pd.DataFrame) -> None:
    """Axes that disagree about the order of checkpoints, or jump: a row in another unit, or of another run."""
    inside = ((frame["task"] == frame["task"].shift()) & (frame["run"] == frame["run"].shift())).to_numpy()
    x = frame["x"].to_numpy()
    jumps = inside & (x > JUMP * np.concatenate([[np.inf], x[:-1]]))
    if jumps.any():
        place = int(np.flatnonzero(jumps)[0])
        raise UserError(
            f"{table.place(int(frame['row'].iloc[place]))}: from {x[place - 1]:g} to {x[place]:g} within one run; give all "
            "rows in one unit"
        )
    for name in ("step", "tokens", "flops"):
        values = frame[name].to_numpy()
        falls = inside & (values < np.concatenate([[np.nan], values[:-1]]))
        if falls.any():
            place = int(np.flatnonzero(falls)[0])
            raise UserError(
                f"{table.place(int(frame['row'].iloc[place]))}: {names[name]} is {values[place]:g}, below that of a checkpoint "
                f"before it ({values[place - 1]:g}); give one unit, or tell runs apart in a column {names['run']}"
            )
