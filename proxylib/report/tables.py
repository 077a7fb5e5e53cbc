"""Looking things up in tidy frames: the rows with some values, the one row, the one interval."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
