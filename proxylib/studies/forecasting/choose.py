"""What backtests decide, and nothing else does: which method is recommended, how far each is drawn to persistence, and
what each weighs in a mean of all. What is learnt for a test is learnt from others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from proxylib.studies.forecasting.methods import OURS

MEAN = f"weighted mean{OURS}"
MEDIAN = f"median of all{OURS}"
LEAST_FOLDS = 3
CLEAR = 0.5  # of the weighted mean's error, at every pair: a method that is no further off stands for itself
_RIDGE = 10.0  # of the weights' squares, in squared points: what moved by less than about three is left to persistence


def shrunk(method: str) -> str:
    """The name of a method that is drawn to persistence."""
    return f"{method.removesuffix(OURS)}, shrunk{OURS}"


@dataclass(frozen=True, eq=False)
class Panel:
    """Backtests as arrays.

    Parameters
    ----------
    methods : [m] names, persistence first
    values : [n, m] what each said
    score, last, doubt : [n] what came, what was known last, and how far off one might expect to be (`Series.doubt`)
    pairs : [n] number of the (run, task) pair
    folds : [n] what is left out together, and drawn together: runs, where there are three or more, else pairs, else moments
    unit : which of these
    weights : [n] a pair counts once
    """

    methods: tuple[str, ...]
    values: np.ndarray
    score: np.ndarray
    last: np.ndarray
    doubt: np.ndarray
    pairs: np.ndarray
    folds: np.ndarray
    unit: str
    weights: np.ndarray

    def error(self, values: np.ndarray) -> np.ndarray:
        """[m] root mean squared error, over pairs."""
        return np.sqrt(self.weights @ (values - self.score[:, None]) ** 2)


def panel(rows: pd.DataFrame) -> Panel:
    """Backtests of `backtest.replay`, of basic methods only."""
    names = tuple(dict.fromkeys(rows["method"]))
    tests = rows.drop_duplicates("tested").set_index("tested")
    values = rows.pivot(index="tested", columns="method", values="estimate")[list(names)].to_numpy()
    pairs = pd.factorize(tests["run"].astype(str) + "\0" + tests["task"].astype(str))[0]
    runs = pd.factorize(tests["run"])[0]
    candidates = {"runs": runs, "tasks": pairs, "moments": np.arange(len(tests))}
    unit = next((name for name, folds in candidates.items() if folds.max() + 1 >= LEAST_FOLDS), "moments")
    weights = 1 / np.bincount(pairs)[pairs]
    arrays = (tests[name].to_numpy(float) for name in ("score", "last", "doubt"))
    return Panel(names, values, *arrays, pairs, candidates[unit], unit, weights / weights.sum())


@dataclass(frozen=True, eq=False)
class Learnt:
    """What some backtests taught.

    Parameters
    ----------
    shrink : [m] of each basic method, share of its step away from persistence that is kept
    mean : [m] weight of each basic method's step in the mean
    """

    shrink: np.ndarray
    mean: np.ndarray

    def applied(self, values: np.ndarray, last: np.ndarray) -> np.ndarray:
        """[n, 2 m + 1] basic methods, each but persistence drawn to it, their mean and median: from [n, m] values."""
        steps = values - last[:, None]
        drawn = last[:, None] + self.shrink * steps
        mean, median = last + steps @ self.mean, np.median(values, axis=1)
        return np.clip(np.column_stack([values, drawn[:, 1:], mean, median]), 0, 1)


def learn(given: Panel, rows: np.ndarray) -> Learnt:
    """From some of the tests: each method's best share, and weights above 0 of at most 1 in all, the rest persistence's."""
    steps = given.values[rows] - given.last[rows, None]
    moves, weights = given.score[rows] - given.last[rows], given.weights[rows] / given.weights[rows].sum()
    squares = weights @ steps**2
    shrink = np.divide(weights @ (steps * moves[:, None]), squares, out=np.zeros(len(squares)), where=squares > 1e-12)
    return Learnt(shrink.clip(0, 1), _mixed(steps, moves, weights))


def _mixed(steps: np.ndarray, moves: np.ndarray, weights: np.ndarray) -> np.ndarray:
    root = np.sqrt(weights)[:, None]
    ridge = np.sqrt(_RIDGE) / 100 * np.eye(steps.shape[1])
    mean, _ = nnls(np.vstack([root * steps, ridge]), np.concatenate([root[:, 0] * moves, np.zeros(steps.shape[1])]))
    return mean / max(mean.sum(), 1.0)


def names(methods: tuple[str, ...]) -> tuple[str, ...]:
    """Of the columns of `Learnt.applied`."""
    return (*methods, *map(shrunk, methods[1:]), MEAN, MEDIAN)


@dataclass(frozen=True, eq=False)
class Choice:
    """The outcome.

    Parameters
    ----------
    names : [k] of all methods
    values : [n, k] what each said in the tests; what is learnt for a test comes from other folds
    chosen : the weighted mean, or a method that is clearly less wrong (see `_best`)
    honest : [n] what the choice itself said: in each fold, what was chosen in the others
    learnt : from all tests, for the forecast
    """

    names: tuple[str, ...]
    values: np.ndarray
    chosen: str
    honest: np.ndarray
    learnt: Learnt


def choose(given: Panel) -> Choice:
    """Learn and choose, with every fold left out in turn."""
    every = names(given.methods)
    values = np.zeros((len(given.score), len(every)))
    numbers = np.unique(given.folds)
    for fold in numbers:
        out = given.folds == fold
        taught = learn(given, np.flatnonzero(~out) if len(numbers) > 1 else np.flatnonzero(out))
        values[out] = taught.applied(given.values[out], given.last[out])
    squares = (values - given.score[:, None]) ** 2
    honest = np.zeros(len(given.score))
    for fold in numbers:
        out = given.folds == fold
        honest[out] = values[out, _best(given, squares, ~out if len(numbers) > 1 else out)]
    best, learnt = every[_best(given, squares, np.ones(len(given.score), bool))], learn(given, np.arange(len(given.score)))
    if best == MEAN and not learnt.mean.any():
        best = every[0]  # a mean of nothing is persistence
    return Choice(every, values, best, honest, learnt)


def _best(given: Panel, squares: np.ndarray, rows: np.ndarray) -> int:
    """The weighted mean, unless some method was at most `CLEAR` times as wrong at every pair; of those the least wrong.

    Of methods that are equal but for rounding the first, persistence before all.
    """
    pairs = pd.factorize(given.pairs[rows])[0]
    sums = np.zeros((pairs.max() + 1, squares.shape[1]))
    np.add.at(sums, pairs, squares[rows])
    means = sums / np.bincount(pairs)[:, None]
    mean = names(given.methods).index(MEAN)
    clear = (means <= CLEAR**2 * means[:, [mean]] + 1e-15).all(axis=0)
    if not clear.any():
        return mean
    losses = np.where(clear, means.mean(axis=0), np.inf)
    return int(np.flatnonzero(losses <= losses.min() * (1 + 1e-9) + 1e-15)[0])
