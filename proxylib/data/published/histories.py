"""One shape for scores along training, whatever set they come from: what forecasts read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from proxylib.errors import UserError

#: columns of every history; every other column is a signal
COLUMNS = ("run", "parameters", "tokens", "flops", "step", "task", "score", "chance", "items", "stderr")
_KEYS = ["run", "task", "tokens"]
_ALWAYS = ["parameters", "tokens", "flops", "score", "chance"]


def tidy(frame: pd.DataFrame, source: Path) -> pd.DataFrame:
    """A history in its one shape and order, or an error that names what is odd.

    Parameters
    ----------
    frame : run, parameters, tokens, task, score (share of items), chance; optionally flops, step, items, stderr; signals
    source : file or folder that it was read from

    Returns
    -------
    One row per run, task and checkpoint, in that order; numbers are floats, as 6 N D exceeds 64-bit integers; `flops` is 6 N D
    where it was not given, `step`, `items` and `stderr` nan where unknown; `stderr` that of a share where `items` are known.

    Raises
    ------
    UserError
        A row given twice; a number missing or infinite; a score or chance outside of 0 and 1.
    """
    frame = frame.copy()
    numbers = [column for column in frame if column not in ("run", "task")]
    frame[numbers] = frame[numbers].astype(float)
    frame["flops"] = frame["flops"] if "flops" in frame else 6.0 * frame["parameters"] * frame["tokens"]
    for column in ("step", "items", "stderr"):
        frame[column] = frame.get(column, np.nan)
    spread = (frame["score"] * (1 - frame["score"])).clip(lower=0)
    frame["stderr"] = frame["stderr"].fillna(np.sqrt(spread / frame["items"]))
    twice = frame[frame.duplicated(_KEYS)]
    if len(twice):
        raise UserError(f"{source}: {_place(twice)} is there twice; fetch the set again")
    odd = frame[~np.isfinite(frame[_ALWAYS]).all(axis=1) | ~frame["score"].between(0, 1) | ~frame["chance"].between(0, 1)]
    if len(odd):
        raise UserError(f"{source}: {_place(odd)} has a number that is missing or no share; fetch the set again")
    signals = [column for column in frame if column not in COLUMNS]
    order = {name: place for place, name in enumerate(dict.fromkeys(frame["run"]))}
    frame = frame.sort_values(_KEYS, key=lambda column: column.map(order) if column.name == "run" else column, kind="stable")
    return frame[[*COLUMNS, *signals]].reset_index(drop=True)


def _place(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    return f"{first['task']} of {first['run']} at {first['tokens']:g} tokens"
