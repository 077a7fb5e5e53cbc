"""Tidy frames looked up and laid out: the rows with some values, the one row, the one interval, a table for reading."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.report import words
from proxylib.stats import Interval

ENDS = ["estimate", "low", "high"]


def rows(frame: pd.DataFrame, **keys: object) -> pd.DataFrame:
    """The rows that have these values in these columns, in their order."""
    for column, value in keys.items():
        frame = frame[frame[column] == value]
    return frame


def row(frame: pd.DataFrame, **keys: object) -> pd.Series:
    """The one row that has these values.

    Raises
    ------
    LookupError
        If there is none, or more than one: a page that shows the first of several would be wrong in silence.
    """
    matching = rows(frame, **keys)
    if len(matching) != 1:
        raise LookupError(f"{len(matching)} rows have {keys}, expected one")
    return matching.iloc[0]


def interval(frame: pd.DataFrame, **keys: object) -> Interval:
    """Estimate and interval of the one row that has these values; nan where there is none, LookupError where several."""
    if rows(frame, **keys).empty:
        return Interval(np.nan, np.nan, np.nan, 0)
    return Interval(*map(float, row(frame, **keys)[ENDS]), 0)


def shown(frame: pd.DataFrame, scale: float = 1.0) -> list[str]:
    """`estimate [low, high]` of every row, in the words of `words.with_interval`."""
    return [words.with_interval(ends, scale) for ends in frame[ENDS].to_numpy(float)]


def crossed(frame: pd.DataFrame, down: str, across: str) -> pd.DataFrame:
    """Estimates with intervals as a table: a row per value of `down`, a column per value of `across`.

    Both in order of appearance; a dash where a pair does not occur. The values of `down` are the index.

    Raises
    ------
    ValueError
        If a pair occurs twice.
    """
    cells = frame.assign(shown=shown(frame)).pivot(index=down, columns=across, values="shown")
    return cells.loc[frame[down].unique(), frame[across].unique()].fillna(words.MISSING).rename_axis(columns=None)
