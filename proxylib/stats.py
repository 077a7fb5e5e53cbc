"""Intervals: bootstrap over what was sampled, clustered where the sampling was.

Pairs, folds and criteria are not observations; corpora, models, runs, items and judges are. A cluster is drawn whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from pydantic import Field

from proxylib.errors import UserError
from proxylib.settings import Frozen


class Interval(NamedTuple):
    """A point estimate with a percentile interval; `draws` counts the bootstrap draws that gave a finite value."""

    estimate: float
    low: float
    high: float
    draws: int


def cluster_weights(clusters: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """How often each unit occurs in each draw of a clustered bootstrap.

    Parameters
    ----------
    clusters : [n] labels; units of one label are drawn together
    draws : number of draws
    seed : of the generator

    Returns
    -------
    [draws, n] int64: the multiplicity of a unit is that of its cluster.

    Notes
    -----
    As many clusters are drawn as there are. With few clusters (below about ten) percentile intervals are too short:
    with five, nominal 95 % intervals cover nearer 80 to 90 %. A page that uses few clusters says how many.
    """
    labels, index = np.unique(np.asarray(clusters), return_inverse=True)
    if len(labels) < 2:
        raise UserError(f"bootstrap: at least 2 clusters are needed, found {len(labels)}")
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), size=draws)  # [draws, clusters]
    return counts[:, index]


def percentile_interval(estimate: float, draws: np.ndarray, level: float = 0.95) -> Interval:
    """Percentile interval of the finite draws around a point estimate.

    Raises
    ------
    UserError
        If fewer than half of the draws are finite: the statistic is then mostly undefined, and an interval of the
        rest would describe only the convenient resamples.
    """
    draws = np.asarray(draws, float)
    finite = draws[np.isfinite(draws)]
    if len(finite) * 2 < len(draws) or not len(finite):
        raise UserError(f"bootstrap: only {len(finite)} of {len(draws)} draws gave a finite value")
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(estimate), float(low), float(high), len(finite))


def correlation_interval(r: float, draws: np.ndarray, level: float = 0.95) -> Interval:
    """Basic bootstrap interval of a correlation: quantiles of the draws, reflected at the estimate, within -1 and 1.

    Notes
    -----
    A draw carries the noise of sampling twice, the estimate once: correlations shrink from truth to estimate and again from
    estimate to draw, so that percentile intervals of strong ones shift the wrong way and leave out their own estimate.
    Reflecting corrects the shift (Davison and Hinkley 1997, 5.2). Of the scales on which one could reflect, squares fail near
    zero and Fisher's z fails near one; r itself does for both. Correlations of ranks jump, and no interval here covers them
    well.

    Raises
    ------
    UserError
        As `percentile_interval`.
    """
    found = percentile_interval(r, draws, level)
    low, high = (float(np.clip(2 * found.estimate - end, -1, 1)) for end in (found.high, found.low))
    return Interval(found.estimate, min(low, found.estimate), max(high, found.estimate), found.draws)


def fisher_interval(r: float, n: int, level: float = 0.95) -> Interval:
    """Interval of a correlation of n pairs drawn from a normal population (Fisher 1921); of no use where they are fixed."""
    from scipy.stats import norm

    if n < 4:
        raise UserError(f"fisher: {n} pairs, at least 4 are needed")
    reach = norm.ppf((1 + level) / 2) / np.sqrt(n - 3)
    return Interval(r, float(np.tanh(np.arctanh(r) - reach)), float(np.tanh(np.arctanh(r) + reach)), 0)


def critical_r(degrees: int, level: float = 0.95) -> float:
    """Size that a correlation with so many residual degrees of freedom passes by chance with probability 1 - level."""
    from scipy.stats import t

    if degrees < 1:
        return 1.0
    value = float(t.ppf((1 + level) / 2, degrees))
    return value / np.sqrt(degrees + value**2)


def proportion_interval(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson interval of a proportion of independent items (Wilson 1927, by way of statsmodels)."""
    from statsmodels.stats.proportion import proportion_confint

    if n < 1:
        raise UserError("proportion: no items")
    low, high = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    return Interval(successes / n, float(low), float(high), 0)


def spearman_draws(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Spearman correlation with mid-ranks, once per row of multiplicities.

    Parameters
    ----------
    x, y : [n] values
    weights : [draws, n] how often each unit counts; a row of ones gives the sample's own correlation

    Returns
    -------
    [draws] correlations; nan where a side is constant or fewer than three different units are drawn

    Notes
    -----
    A unit of weight w is ranked as w tied copies, so a bootstrap draw need not be written out.

    Raises
    ------
    UserError
        For fewer than 3 units, or where x or y holds a value that is not finite.
    """
    x, y, weights = np.asarray(x, float), np.asarray(y, float), np.asarray(weights, float)
    if len(x) < 3:
        raise UserError(f"correlation: at least 3 points are needed, found {len(x)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise UserError("correlation: a value is not finite")
    total = weights.sum(1, keepdims=True)
    a, b = (_weighted_midranks(values, weights) for values in (x, y))
    a, b = (ranks - (weights * ranks).sum(1, keepdims=True) / total for ranks in (a, b))
    covariance = (weights * a * b).sum(1)
    scale = np.sqrt((weights * a * a).sum(1) * (weights * b * b).sum(1))
    usable = (scale > 1e-12) & ((weights > 0).sum(1) >= 3)
    return np.where(usable, covariance / np.where(usable, scale, 1.0), np.nan)


def _weighted_midranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[draws, n] mid-ranks of values whose copies are counted by `weights` [draws, n]."""
    below = weights @ (values[:, None] < values[None, :]).astype(float)  # mass strictly below each unit
    equal = weights @ (values[:, None] == values[None, :]).astype(float)  # its own and its ties'
    return below + (equal + 1) / 2


class Decision(StrEnum):
    """What an interval says of a quantity against a null value."""

    HIGHER = "higher"
    LOWER = "lower"
    UNDECIDED = "undecided"


def decide(interval: Interval | Sequence[float], null: float = 0.0) -> Decision:
    """Whether an interval lies above a null value, below it, or holds it; undecided where an end is not defined."""
    low, high = tuple(interval)[1:3]
    if low > null:
        return Decision.HIGHER
    return Decision.LOWER if high < null else Decision.UNDECIDED


class Bootstrap(Frozen):
    """Bootstrap and permutation."""

    draws: int = Field(ge=50, description="bootstrap draws")
    level: float = Field(gt=0.5, lt=1, description="coverage of every interval")
    seed: int = Field(ge=0)
