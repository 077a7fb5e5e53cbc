"""Overfitting: a validation loss that has risen while the training loss went on falling."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.alarms.rises import RiseSettings, risen

NAME = "overfit"


def overfit(losses: pd.DataFrame, training: pd.DataFrame | None = None, settings: RiseSettings | None = None) -> pd.DataFrame:
    """Alarms where a validation loss has turned.

    Parameters
    ----------
    losses : columns task, at, value: validation losses at checkpoints
    training : columns at, value: the training loss at the same places or others, noise and all; without it a rise of the
        validation loss alone counts, as an unstable run also shows one
    settings : the rate of false alarms

    Returns
    -------
    See `table.COLUMNS`; a row for every loss that has turned

    Notes
    -----
    False alarms: see `rises.risen`. The training loss can only take an alarm back, so that the rate stays below what is said.
    A validation loss that stops falling is no alarm here; see `plateau`.
    """
    alarms = risen(NAME, losses, settings or RiseSettings())
    if training is not None and len(alarms):
        fell = [_level(training, row.since, row.at) < _level(training, -np.inf, row.since) for row in alarms.itertuples()]
        alarms = alarms[fell].reset_index(drop=True)
    return alarms


def naive(values: np.ndarray, rises: int = 2) -> int | None:
    """Place at which the loss has risen so many times in a row, the rule of thumb; None where it never does."""
    up = np.diff(np.asarray(values, float)) > 0
    for place in range(rises, len(values)):
        if up[place - rises : place].all():
            return place
    return None


def _level(training: pd.DataFrame, start: float, stop: float) -> float:
    """Median of the later half of what lies in (start, stop], at least the last one."""
    inside = training[(training["at"] > start) & (training["at"] <= stop)].sort_values("at")["value"]
    return float(inside.iloc[len(inside) // 2 :].tail(20).median()) if len(inside) else np.nan
