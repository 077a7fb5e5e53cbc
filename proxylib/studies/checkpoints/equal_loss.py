"""How far apart accuracies lie where losses are equal, beyond the noise of items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from proxylib.errors import UserError
from proxylib.stats import Bootstrap, Resampling

COMPOSITE, SHARED = "composite", "what tasks share"
NULLS, TAIL = 200, 0.95  # simulated populations in which accuracy follows loss alone, and where their upper tail begins


@dataclass(frozen=True, eq=False)
class Models:
    """Models, or checkpoints, with one loss and several accuracies.

    Parameters
    ----------
    loss : [n]
    accuracy, variance : [n, tasks] shares of items, and the variances of their noise
    tasks : names
    runs : [n] labels; two of one run make no pair
    groups : [n] labels; only two of one group make a pair
    clusters : [n] labels of what is drawn for intervals
    """

    loss: np.ndarray
    accuracy: np.ndarray
    variance: np.ndarray
    tasks: tuple[str, ...]
    runs: Sequence[object]
    groups: Sequence[object]
    clusters: Sequence[object]

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Places of both models of every pair."""
        first, second = np.triu_indices(len(self.loss), 1)
        runs, groups = (pd.factorize(pd.Series(list(labels)))[0] for labels in (self.runs, self.groups))
        kept = (runs[first] != runs[second]) & (groups[first] == groups[second])
        return first[kept], second[kept]


def line_noise(series: Sequence[np.ndarray]) -> float:
    """Scatter of several series about a straight line through each, pooled: what a loss wobbles by between checkpoints."""
    squares, freedom = 0.0, 0
    for values in series:
        places = np.arange(len(values))
        squares += float(np.sum((values - np.polyval(np.polyfit(places, values, 1), places)) ** 2))
        freedom += len(values) - 2
    return float(np.sqrt(squares / freedom))


def spread(models: Models, tolerance: float, bootstrap: Bootstrap) -> pd.DataFrame:
    """Standard deviation of accuracy among models of equal loss, beyond the items' noise.

    Parameters
    ----------
    tolerance : losses that differ by at most so much are equal

    Returns
    -------
    task (`COMPOSITE` and `SHARED` first), estimate, low, high (points), null, bar (what accuracy that follows loss alone comes
    to, mean and what 95 % stay below), all (the same among all pairs, whatever their loss), pairs

    Notes
    -----
    Of a task and of the composite the items' variance is taken off as if both models had answered others; where the items are
    the same, too much is, and the spread is too small. `SHARED` needs no variance: items of different tasks have nothing in
    common, so that the product of two tasks' differences has no noise in its mean. It leaves out what single tasks alone differ
    by. A spread says nothing about why: shape, data and skill that loss does not see are all in it.

    Raises
    ------
    UserError
        If no two models have equal losses.
    """
    first, second = models.pairs()
    equal = np.abs(models.loss[first] - models.loss[second]) <= tolerance
    if not equal.any():
        raise UserError(f"equal loss: no two models differ by at most {tolerance:.3g}; there is nothing to compare")
    near, other = first[equal], second[equal]
    resampling = bootstrap.over(models.clusters)
    rng = np.random.default_rng(bootstrap.seed)
    each, every = (_squares(models.accuracy, models.variance, *pair) for pair in ((near, other), (first, second)))
    means = _means(each, near, other, resampling)
    nulls = []
    for _ in range(NULLS):
        follows = np.column_stack(
            [_follows(models.loss, *task, rng) for task in zip(models.accuracy.T, models.variance.T, strict=True)]
        )
        nulls.append(_squares(follows, models.variance, near, other).mean(0))
    null, drawn, whole = _root(np.array(nulls)), _root(means), _root(every.mean(0))
    low, high = np.nanquantile(drawn[1:], [(1 - bootstrap.level) / 2, (1 + bootstrap.level) / 2], axis=0)
    columns = {"estimate": drawn[0], "low": low, "high": high, "null": null.mean(0), "bar": np.quantile(null, TAIL, axis=0)}
    points = {name: 100 * values for name, values in (columns | {"all": whole}).items()}
    return pd.DataFrame({"task": [COMPOSITE, SHARED, *models.tasks]} | points | {"pairs": len(near)})


def _squares(accuracy: np.ndarray, variance: np.ndarray, near: np.ndarray, other: np.ndarray) -> np.ndarray:
    """[pairs, 2 + tasks] half the squared difference less the items' noise: of the composite, shared by tasks, of each task."""
    apart, noise = accuracy[near] - accuracy[other], (variance[near] + variance[other]) / 2
    tasks = accuracy.shape[1]
    whole = apart.sum(1) ** 2
    composite = whole / 2 / tasks**2 - noise.sum(1) / tasks**2
    shared = (whole - (apart**2).sum(1)) / 2 / max(1, tasks * (tasks - 1))
    return np.column_stack([composite, shared, apart**2 / 2 - noise])


def _means(each: np.ndarray, near: np.ndarray, other: np.ndarray, resampling: Resampling) -> np.ndarray:
    """[1 + draws, columns] means over pairs; nan where a draw holds no pair."""
    means = np.empty((len(resampling.weights), each.shape[1]))
    for place, weights in enumerate(resampling.weights):
        both = weights[near] * weights[other]
        with np.errstate(invalid="ignore"):
            means[place] = both @ each / both.sum()
    return means


def _root(variance: np.ndarray) -> np.ndarray:
    """Of what is below zero, zero: less than the items' noise is none."""
    return np.sqrt(np.maximum(variance, 0.0))


def _follows(loss: np.ndarray, values: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Accuracies that follow loss alone, with the items' noise."""
    order = np.argsort(loss, kind="stable")
    fitted = np.empty(len(loss))
    fitted[order] = isotonic_regression(values[order], increasing=False).x
    return fitted + rng.normal(size=len(loss)) * np.sqrt(noise)
