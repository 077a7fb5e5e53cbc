"""Whether a loss that should fall has risen, asked at every checkpoint with what was known by then.

The null is a loss that has never risen, with noise; of all such losses the one that stays level sets off most false alarms, so
that is what thresholds are simulated on. The search for the lowest point, the noise that must be estimated and the number of
checkpoints at which is asked are all part of the simulation.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from pydantic import Field

from proxylib.alarms.table import frame
from proxylib.settings import Frozen

BLOCKS = (1, 2, 4)  # checkpoints that are averaged before two places are compared: a slow rise shows in longer ones only
LAGS = (1, 2, 3)  # of second differences; noise that lasts over several checkpoints shows in longer ones
#: checkpoints before anything is said: by then the noise rests on four second differences of the longest lag
FEWEST = 10
MEDIAN = 0.6745  # of the size of a standard normal variable


class RiseSettings(Frozen):
    """When a loss counts as risen."""

    error: float = Field(0.05, gt=0, lt=0.5, description="share of runs without a rise in which any task sets off an alarm")
    draws: int = Field(2000, ge=100, description="simulated level losses behind a threshold")
    seed: int = Field(0, ge=0)


def noise(values: np.ndarray) -> np.ndarray:
    """Standard deviation of a series about its smooth course, as known at every place.

    Parameters
    ----------
    values : [..., n]

    Returns
    -------
    [..., n], nan before the fifth place. The largest over `LAGS` of the median size of second differences so far: a straight
    line has none, a curve few, and the median passes over the steep beginning of a training.
    """
    values = np.asarray(values, float)
    scales = np.full((len(LAGS), *values.shape), np.nan)
    for row, lag in enumerate(LAGS):
        sizes = np.abs(values[..., 2 * lag :] - 2 * values[..., lag:-lag] + values[..., : -2 * lag])
        count = 3  # differences at least
        while count <= sizes.shape[-1]:
            median = np.median(sizes[..., :count], axis=-1, keepdims=True)
            scales[row, ..., 2 * lag + count - 1 :] = median / (MEDIAN * np.sqrt(6))
            count = max(count + 1, int(1.1 * count))  # a tenth more of them hardly move a median
    with np.errstate(invalid="ignore"):
        return np.fmax.reduce(scales, axis=0)


def statistics(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far a series stands above its lowest earlier level, at every place.

    Parameters
    ----------
    values : [..., n]

    Returns
    -------
    [..., n] each: the rise in standard errors (the largest over `BLOCKS`; -inf before `FEWEST`), the rise itself, and the place
    at which the lowest block ends
    """
    values = np.asarray(values, float)
    scale, places = noise(values), np.arange(values.shape[-1])
    best = np.full(values.shape, -np.inf)
    rise, since = np.zeros(values.shape), np.zeros(values.shape, int)
    for block in BLOCKS:
        if values.shape[-1] < 2 * block:
            continue
        sums = np.cumsum(values, axis=-1)
        means = (sums - np.concatenate([np.zeros((*values.shape[:-1], block)), sums[..., :-block]], axis=-1)) / block
        means[..., : block - 1] = np.inf
        lowest = np.minimum.accumulate(means, axis=-1)
        where = np.maximum.accumulate(np.where(means <= lowest, places, 0), axis=-1)
        now, before = means[..., 2 * block - 1 :], lowest[..., block - 1 : -block]
        with np.errstate(divide="ignore", invalid="ignore"):
            size = (now - before) / (scale[..., 2 * block - 1 :] * np.sqrt(2 / block))
        better = size > best[..., 2 * block - 1 :]  # nan is not
        for target, value in ((best, size), (rise, now - before), (since, where[..., block - 1 : -block])):
            target[..., 2 * block - 1 :] = np.where(better, value, target[..., 2 * block - 1 :])
    best[..., : FEWEST - 1] = -np.inf
    return best, rise, since


@lru_cache(maxsize=64)
def null(length: int, draws: int, seed: int) -> np.ndarray:
    """[draws] sorted: the largest statistic that a level loss with independent noise reaches within so many checkpoints."""
    values = np.random.default_rng(seed).normal(size=(draws, length))
    return np.sort(statistics(values)[0].max(axis=-1))


def chances(values: np.ndarray, settings: RiseSettings) -> np.ndarray:
    """[n] at every place, the share of level losses as long that reach as large a statistic anywhere; never rises again."""
    largest = np.maximum.accumulate(statistics(values)[0])
    reached = null(len(largest), settings.draws, settings.seed)
    return (1 + len(reached) - np.searchsorted(reached, largest, side="left")) / (1 + len(reached))


def risen(name: str, losses: pd.DataFrame, settings: RiseSettings) -> pd.DataFrame:
    """The first rise of every task that has one.

    Parameters
    ----------
    name : of the alarm
    losses : columns task, at (place on the axis) and value; every task at the same places
    settings : the rate of false alarms

    Returns
    -------
    `table.COLUMNS`; `change` is the rise above the lowest earlier level, low and high its two-sided interval of
    level 1 - error, from the noise alone

    Notes
    -----
    *False alarms*: of runs in which no task ever rises, at most a share `error` sets off any alarm, over all tasks and all
    checkpoints (Holm over tasks, whose noise may be shared). It holds for noise that is independent from checkpoint to
    checkpoint and of one size; noise that lasts over more than three checkpoints sets off more.

    *Misleads*: `change` is measured where it first looked large, from where the loss looked lowest, so that it is too large on
    average.
    """
    from scipy.stats import norm

    wide = losses.pivot(index="at", columns="task", values="value").sort_index()
    if len(wide) < FEWEST:
        return frame([])
    places = wide.index.to_numpy()
    chance = np.column_stack([chances(wide[task].to_numpy(float), settings) for task in wide])
    corrected = _holm(chance)
    rows = []
    for number, task in enumerate(wide):
        raised = np.flatnonzero(corrected[:, number] <= settings.error)
        if len(raised):
            now, values = raised[0], wide[task].to_numpy(float)
            size, rise, since = (part[now] for part in statistics(values))
            reach = norm.ppf(1 - settings.error / 2) * rise / size
            rows.append((name, task, places[now], places[since], rise, rise - reach, rise + reach, corrected[now, number]))
    return frame(rows)


def _holm(chance: np.ndarray) -> np.ndarray:
    """[places, tasks] every row corrected; statsmodels' function collects the garbage of the process at every call."""
    order = np.argsort(chance, axis=1)
    factors = chance.shape[1] - np.arange(chance.shape[1])
    sorted_rows = np.maximum.accumulate(np.take_along_axis(chance, order, axis=1) * factors, axis=1)
    corrected = np.empty_like(chance)
    np.put_along_axis(corrected, order, np.minimum(1, sorted_rows), axis=1)
    return corrected
