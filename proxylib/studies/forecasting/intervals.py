"""Intervals from how wrong backtests were, over (run, task) pairs.

An error is counted in units that grow with what could be expected at its moment (`Series.doubt`), and an interval reaches as
many of today's units.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

ENOUGH = 9  # pairs: from here on the latest test of each says enough
#: sums of fractions are not exact
_CLOSE = 1e-9


def unit(doubt: np.ndarray) -> np.ndarray:
    """What errors are counted in: the root of the doubt.

    Notes
    -----
    In doubts themselves, intervals covered too little where scores flatten out before the target; in plain points they were as
    wide everywhere as the worst needs. Half way between, they covered at every horizon that was simulated, and were
    the narrowest.
    """
    return np.sqrt(doubt)


def multiple(errors: pd.DataFrame, level: float, horizon: float) -> float:
    """How many units an interval reaches to either side.

    Parameters
    ----------
    errors : columns error (size, in units), pair, x (asked about); a row per test
    level : coverage
    horizon : of the tests

    Returns
    -------
    float
        Student's quantile times the root mean square of errors: of each pair the latest, with as many degrees of freedom as
        there are pairs. Where there are fewer than nine, over all tests, pairs counting alike, with as many degrees as
        there are tests that do not overlap.

    Notes
    -----
    Past errors are those of less data, which makes intervals wide; a score that has not begun to move tells nothing of when it
    will. A scale takes all errors in, where a quantile of nine or ten is their largest: as often right, and narrower. A scale
    that other runs' errors taught was narrower still, and too narrow for runs that it had not seen (experiment log).
    """
    from scipy.stats import t

    latest = _latest(errors)
    if len(latest) >= ENOUGH:
        return float(t.ppf((1 + level) / 2, len(latest)) * np.sqrt((latest**2).mean()))
    squares = (errors["error"] ** 2).groupby(errors["pair"]).mean()
    return float(t.ppf((1 + level) / 2, _apart(errors, horizon)) * np.sqrt(squares.mean()))


def _apart(errors: pd.DataFrame, horizon: float) -> float:
    """How many tests do not overlap: of each pair one, and one more for every horizon between its first and last moment."""
    spans = np.log(errors["x"]).groupby(errors["pair"]).agg(np.ptp)
    return float((1 + spans / np.log(horizon)).sum())


def conformal(errors: pd.DataFrame, level: float, horizon: float) -> float:
    """The same by split conformal: of K pairs, the smallest error of which ceil(level (K + 1)) are no larger.

    Notes
    -----
    Exact where a pair's error now is exchangeable with those of the past, which know less. Where pairs are too
    few for that (at 90 % fewer than nine), as `multiple`.
    """
    latest = _latest(errors)
    rank = int(np.ceil(level * (len(latest) + 1) - _CLOSE))
    return float(np.sort(latest)[rank - 1]) if rank <= len(latest) else multiple(errors, level, horizon)


def _latest(errors: pd.DataFrame) -> np.ndarray:
    """The error of each pair in its latest test."""
    return errors.sort_values("x", kind="stable").groupby("pair")["error"].last().to_numpy()


def ends(value: np.ndarray, doubt: np.ndarray, reach: float, noise: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Low and high of forecasts, within 0 and 1; never nearer than the items' noise alone would put them.

    Parameters
    ----------
    value, doubt : [n] forecasts, and how far off each might be expected to be
    reach : see `multiple`; nan where there is no interval
    noise : [n] standard error with which the score will be measured
    level : coverage
    """
    from scipy.stats import norm

    half = np.where(np.isfinite(reach), np.maximum(reach * unit(doubt), norm.ppf((1 + level) / 2) * noise), np.nan)
    return np.clip(value - half, 0, 1), np.clip(value + half, 0, 1)
