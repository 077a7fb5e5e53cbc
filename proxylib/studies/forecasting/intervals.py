"""Intervals from how wrong backtests were, over (run, task) pairs, and from how wrong such forecasts were of other runs.

An error is counted in units that grow with what could be expected at its moment (`Series.doubt`), and an interval reaches as
many of today's units.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

#: fitted to forecasts of published runs and simulated histories (experiment log; `tools/forecast_constants.py`)
COMMON = 0.070  # what the scale of errors is, in units
OWN = 0.38  # share of the log of a scale that is the history's own
FREEDOM = 3.3  # of Student's t
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


def multiple(errors: pd.DataFrame, level: float) -> float:
    """How many units an interval reaches to either side.

    Parameters
    ----------
    errors : columns error (size, in units), pair, x (asked about); a row per test
    level : coverage

    Returns
    -------
    float
        Student's quantile times a scale: the root mean square over pairs, each by its latest test, drawn to what it is in other
        histories, as a mean of logs.

    Notes
    -----
    Past errors are those of less data, and nine or ten of them say little of a scale: alone, by split conformal, they gave
    intervals that were up to three times as wide. What others' errors say assumes a run like those: language models, scores
    of benchmarks.
    """
    from scipy.stats import t

    own = float(np.sqrt((_latest(errors) ** 2).mean()))
    return float(t.ppf((1 + level) / 2, FREEDOM) * COMMON ** (1 - OWN) * own**OWN)


def conformal(errors: pd.DataFrame, level: float) -> float:
    """The same by split conformal: of K pairs, the smallest error of which ceil(level (K + 1)) are no larger.

    Notes
    -----
    Exact where a pair's error now is exchangeable with those of the past, which know less. Infinite where pairs are fewer than
    level / (1 - level): at 90 %, than nine.
    """
    latest = _latest(errors)
    rank = int(np.ceil(level * (len(latest) + 1) - _CLOSE))
    return float(np.sort(latest)[rank - 1]) if rank <= len(latest) else np.inf


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
