"""Tidy frames looked up and laid out: the rows with some values, the one row, the one interval, a table for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from proxylib.report import words
from proxylib.stats import Decision, Interval, decide

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
        return Interval(np.nan, np.nan, np.nan)
    return Interval(*map(float, row(frame, **keys)[ENDS]))


def shown(frame: pd.DataFrame, scale: float = 1.0) -> list[str]:
    """`estimate [low, high]` of every row, in the words of `words.with_interval`."""
    return [words.with_interval(ends, scale) for ends in frame[ENDS].to_numpy(float)]


def decided(frame: pd.DataFrame, null: float = 0.0) -> list[Decision]:
    """What the interval of every row says against a null value."""
    return [decide(ends, null) for ends in frame[ENDS].to_numpy(float)]


def labelled(frame: pd.DataFrame, column: str, labels: Mapping[str, str]) -> pd.DataFrame:
    """The rows whose value in a column has a label, under that label, in the order of the labels."""
    parts = [rows(frame, **{column: value}).assign(**{column: label}) for value, label in labels.items()]
    return pd.concat(parts, ignore_index=True)


def wide(frame: pd.DataFrame, index: Sequence[str], columns: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Intervals in words, a row per combination of values in `index`, a column per combination of labels.

    Parameters
    ----------
    frame : columns estimate, low, high, `index` and those that `columns` names
    index : whose values name a row of the table, in their order in the frame
    columns : column of the frame -> {value: label}, from the outermost on; rows with other values are left out

    Returns
    -------
    A column per name in `index`, then "label: label" for all combinations; a dash where the frame has no row.

    Raises
    ------
    LookupError
        If two rows of the frame belong into one place.
    """
    for column, labels in columns.items():
        frame = frame[frame[column].isin(list(labels))]
    keys = frame[[*index, *columns]].itertuples(index=False, name=None)
    cells = dict(zip(keys, shown(frame), strict=True))
    if len(cells) < len(frame):
        raise LookupError(f"two rows have the same {', '.join([*index, *columns])}")
    body = [
        [*place, *(cells.get((*place, *values), words.MISSING) for values in product(*columns.values()))]
        for place in dict.fromkeys(key[: len(index)] for key in cells)
    ]
    heads = [": ".join(labels) for labels in product(*(labels.values() for labels in columns.values()))]
    return pd.DataFrame(body, columns=[*index, *heads])


def crossed(frame: pd.DataFrame, down: str, across: str) -> pd.DataFrame:
    """A row per value of one column, a column per value of another, both in order of appearance; see `wide`."""
    return wide(frame, [down], {across: {value: value for value in frame[across].unique()}})
