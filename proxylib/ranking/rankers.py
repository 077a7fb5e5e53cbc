"""Rankers: from features of models to an order, fitted to pairs or to ranks."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.stats import rankdata

from proxylib.errors import UserError
from proxylib.ranking.panel import SAME, mean_rho, unit_ranks

COSTS = tuple(10.0**exponent for exponent in range(-4, 3))
MAX_ITER = 1000  # passes over the pairs; a cost that needs more is not used, lest one cost take nine tenths of the time
PATIENCE = 10_000  # passes where one cost alone is named, and there is no other to take
SCREENED = 8192  # subsets of highest mean linear correlation, which are ranked at all: a tenth of all triples of eighty
BLOCK = 2048  # subsets scored together: their scores, 18 x 6 x 2048 float32, stay in a core's second-level cache
SHORTLIST = 200  # best subsets of the quick ranking that are ranked exactly
RIDGE = 1e-10  # of a feature's own sum of squares; only lets collinear subsets be solved


Scorer = Callable[[np.ndarray], np.ndarray]  # [m, T', F] standardised features -> [m, T'] scores, more is better


class Ranker(Protocol):
    """What the protocols ask of a ranker: hashable, deterministic, and `fit`."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Scorer:
        """Learn from standardised features [n, T, F] and accuracies [n, T] of the held-in models and tasks."""


@dataclass(frozen=True, eq=False)
class Linear:
    """A scorer: the dot product with weights [F]."""

    weights: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Scores [m, T'] of features [m, T', F]."""
        return X @ self.weights


def _one_hot(index: int, sign: float, size: int) -> Linear:
    weights = np.zeros(size)
    weights[index] = sign
    return Linear(weights)


@dataclass(frozen=True)
class Fixed:
    """One feature with one sign, both fixed in advance; nothing is learned.

    Parameters
    ----------
    index : of the feature
    sign : +1 where more is better, -1 where less is
    """

    index: int
    sign: float

    def fit(self, X: np.ndarray, y: np.ndarray) -> Linear:
        """The same scorer whatever is shown."""
        return _one_hot(self.index, self.sign, X.shape[-1])


@dataclass(frozen=True)
class Univariate:
    """The feature and sign with the highest mean held-in Spearman correlation; ties go to the lowest feature index.

    Notes
    -----
    The held-in correlation of the choice is the best of 2 F and says little: see `best_of_null`.
    """

    def fit(self, X: np.ndarray, y: np.ndarray) -> Linear:
        """Choose on [n, T, F] and [n, T]."""
        rho = mean_rho(X, y)
        best = int(np.argmax(np.abs(rho)))
        return _one_hot(best, -1.0 if rho[best] < 0 else 1.0, len(rho))


@dataclass(frozen=True)
class SparseLinear:
    """The best linear combination of `size` features, of all there are (82,160 triples of 80 features).

    Every subset's weights are the least squares of the preferences sign(y_i - y_j) on the differences x_i - x_j over all
    ordered pairs within a task, tied pairs included with preference 0; every task has the same number of pairs and so the
    same weight. The subset kept has the highest mean held-in Spearman correlation, ties to the first in lexical order.

    Notes
    -----
    No pair is written out. With r the centred mid-ranks of y, sum_j sign(y_i - y_j) = 2 r_i, so over ordered pairs
    sum (x_i - x_j)(x_i - x_j)' = 2 n X'X and sum sign(y_i - y_j)(x_i - x_j) = 4 X'r for centred X: the weights are
    (2 / n) (X'X)^-1 X'r, with X'X and X'r summed over tasks. All subsets share one F x F Gram matrix. A ridge of 1e-10 of
    a feature's sum of squares keeps collinear subsets solvable.

    Where there are more than `SCREENED` subsets, those whose scores have the highest mean linear correlation with the ranks of
    accuracy are kept; in simulated panels the best subset by ranks stood among the first thousand. The quick pass ranks by
    counting, in float32, how many models each one beats; it breaks ties among scores arbitrarily,
    and so the best 200 subsets are ranked again exactly. A subset whose scores tie so often that it falls behind 200
    others in the quick pass can be missed. The least squares see only ranks of y but are no rank correlation: the choice
    between subsets is made on one criterion and the weights on another, as far as is known like the source's.
    """

    size: int = 3

    def fit(self, X: np.ndarray, y: np.ndarray) -> Linear:
        """Search on [n, T, F] and [n, T]; F must be at least `size`."""
        features = X.shape[-1]
        if features < self.size:
            raise UserError(f"sparse ranker: {self.size} features are needed, found {features}")
        subsets = _subsets(features, self.size)
        solutions = _solutions(X, y, subsets)
        if len(subsets) > SCREENED:
            kept = np.sort(np.argpartition(_linear_r(X, y, subsets, solutions), -SCREENED)[-SCREENED:])
            subsets, solutions = subsets[kept], solutions[kept]
        quick = _quick_rho(X, y, subsets, solutions)
        last = np.partition(quick, -min(SHORTLIST, len(quick)))[-min(SHORTLIST, len(quick))]
        short = np.flatnonzero(quick >= last - 1e-6)  # float32 cannot tell these from the last one
        scores = np.einsum("ntck,ck->ntc", X[:, :, subsets[short]], solutions[short])
        best = short[np.argmax(mean_rho(scores, y))]
        weights = np.zeros(features)
        weights[subsets[best]] = solutions[best]
        return Linear(weights)


@functools.lru_cache(maxsize=4)
def _subsets(features: int, size: int) -> np.ndarray:
    return np.array(list(itertools.combinations(range(features), size)))


def _solutions(X: np.ndarray, y: np.ndarray, subsets: np.ndarray) -> np.ndarray:
    """[subsets, size] least-squares weights, from the Gram matrix."""
    n, tasks, features = X.shape
    centred = (X - X.mean(0)).reshape(n * tasks, features)
    ranks = rankdata(y, axis=0) - (n + 1) / 2
    gram = centred.T @ centred
    gram[np.diag_indices(features)] += RIDGE * n * tasks
    moment = 2 / n * centred.T @ ranks.reshape(n * tasks)
    return np.linalg.solve(gram[subsets[:, :, None], subsets[:, None, :]], moment[subsets][:, :, None])[:, :, 0]


def _linear_r(X: np.ndarray, y: np.ndarray, subsets: np.ndarray, solutions: np.ndarray) -> np.ndarray:
    """[subsets] correlation of scores with the ranks of accuracy, mean over tasks, from each task's Gram matrix."""
    centred, ranks = X - X.mean(0), unit_ranks(y)
    total = np.zeros(len(subsets))
    for t in range(X.shape[1]):
        gram, moment = centred[:, t].T @ centred[:, t], centred[:, t].T @ ranks[:, t]
        square = sum(
            solutions[:, i] * solutions[:, j] * gram[subsets[:, i], subsets[:, j]]
            for i, j in itertools.product(range(subsets.shape[1]), repeat=2)
        )
        total += (solutions * moment[subsets]).sum(1) / np.sqrt(np.maximum(square, np.finfo(float).tiny))
    return total / X.shape[1]


def _quick_rho(X: np.ndarray, y: np.ndarray, subsets: np.ndarray, solutions: np.ndarray) -> np.ndarray:
    """[subsets] mean Spearman correlation over tasks, in float32 and as if no scores were tied."""
    n, tasks, features = X.shape
    flat = X.reshape(n * tasks, features).astype(np.float32)
    untied = np.sqrt(n * (n**2 - 1) / 12)  # length of the centred ranks 1..n
    share = (unit_ranks(y) / (untied * tasks)).astype(np.float32)  # [n, T]; sums to 0, so counts need no centring
    count = np.min_scalar_type(n)
    rho = np.empty(len(subsets), np.float32)
    for start in range(0, len(subsets), BLOCK):
        block = subsets[start : start + BLOCK]
        weights = np.zeros((features, len(block)), np.float32)
        weights[block.T, np.arange(len(block))] = solutions[start : start + BLOCK].T
        scores = (flat @ weights).reshape(n, tasks, len(block))
        # bytes compared and added are an order faster than sorting 18 numbers half a million times
        beaten = ((scores[i] > scores).view(np.uint8).sum(0, dtype=count) for i in range(n))  # each [T, block]
        rho[start : start + BLOCK] = sum(share[i] @ counts for i, counts in enumerate(beaten))
    return rho


@dataclass(frozen=True)
class LinearRankSVM:
    """Linear ranking support vector machine on preferences within tasks (Joachims 2002).

    Minimises 1/2 |w|^2 + C times the mean over tasks of the mean hinge loss max(0, 1 - w.d) over the task's pairs, where d
    is better minus worse; no intercept. Pairs tied in accuracy are skipped.

    Parameters
    ----------
    costs : candidates for C; where there are several, the one with the highest Spearman correlation when each held-in
        task in turn is left out of the fit, ties to the smallest

    Notes
    -----
    Listing -d as well, as the usual formulation does, doubles every term and its normaliser: nothing changes. A cost at
    which the solver does not converge is never chosen. With 80 nearly collinear features single weights mean nothing.
    """

    costs: tuple[float, ...] = COSTS

    def fit(self, X: np.ndarray, y: np.ndarray) -> Linear:
        """Choose C and fit on [n, T, F] and [n, T].

        Raises
        ------
        UserError
            If there are fewer than two untied pairs, or one task and several costs, or if no cost converges.
        """
        single = len(self.costs) == 1
        for cost in self.costs if single else _costs_by_merit(X, y, self.costs):
            weights = _hinge(*_preferences(X, y), cost, PATIENCE if single else MAX_ITER)
            if weights is not None:
                return Linear(weights)
        raise UserError("ranking SVM: the solver converges at none of the costs; standardise the features")


def _preferences(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[pairs, F] better minus worse within a task, and [pairs] shares of the loss: equal tasks, equal pairs in a task."""
    i, j = np.triu_indices(len(y), 1)
    sign = np.sign(y[i] - y[j])  # [all pairs, T]
    usable = sign != 0
    differences = (sign[:, :, None] * (X[i] - X[j]))[usable]
    share = (usable / np.maximum(usable.sum(0), 1) / max(usable.any(0).sum(), 1))[usable]
    return differences, share


def _hinge(differences: np.ndarray, share: np.ndarray, cost: float, passes: int = MAX_ITER) -> np.ndarray | None:
    """Weights [F] of the linear SVM without intercept; None if the solver does not converge."""
    from sklearn.exceptions import ConvergenceWarning  # loaded where a fit is asked for: it takes a second
    from sklearn.svm import LinearSVC

    if len(share) < 2:
        raise UserError("ranking SVM: fewer than two pairs of models differ in accuracy")
    weights = cost * share @ differences
    if (differences @ weights <= 1).all():
        return weights  # every pair is inside its margin, as at small costs: the loss is linear there and this its minimum
    label = np.where(np.arange(len(share)) % 2, 1, -1)  # the solver wants two classes: every other pair is turned round
    solver = LinearSVC(loss="hinge", fit_intercept=False, C=cost, tol=1e-5, max_iter=passes, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            solver.fit(label[:, None] * differences, label, sample_weight=share)
        except ConvergenceWarning:
            return None
    return solver.coef_[0]


def _costs_by_merit(X: np.ndarray, y: np.ndarray, costs: tuple[float, ...]) -> list[float]:
    """Costs from best to worst mean correlation on left-out held-in tasks; those that do not converge are missing."""
    tasks = X.shape[1]
    if tasks < 2:
        raise UserError("ranking SVM: choosing the cost needs at least two held-in tasks; give a single cost")
    merit = {cost: [] for cost in sorted(costs)}
    for task in range(tasks):
        kept = np.arange(tasks) != task
        pairs = _preferences(X[:, kept], y[:, kept])
        for cost in list(merit):
            weights = _hinge(*pairs, cost)
            if weights is None:
                del merit[cost]
            else:
                merit[cost].append(float(mean_rho(X[:, ~kept] @ weights, y[:, ~kept])))
    return sorted(merit, key=lambda cost: -round(np.mean(merit[cost]), SAME))  # stable: ties to the smallest


@dataclass(frozen=True, eq=False)
class KernelMap:
    """Coordinates z with z(a).z(b) = exp(-gamma |a - b|^2) whenever a is a training point; from the kernel's eigenvectors.

    Parameters
    ----------
    points : [N, F] training points
    gamma : of the kernel
    """

    points: np.ndarray
    gamma: float

    @functools.cached_property
    def _basis(self) -> np.ndarray:
        values, vectors = np.linalg.eigh(self.kernel(self.points))
        kept = values > 1e-10 * values[-1]  # the rest is rounding
        return vectors[:, kept] / np.sqrt(values[kept])

    def kernel(self, points: np.ndarray) -> np.ndarray:
        """[..., N] kernel values of points [..., F] with the training points."""
        squares = (points**2).sum(-1)[..., None] + (self.points**2).sum(-1) - 2 * points @ self.points.T
        return np.exp(-self.gamma * np.maximum(squares, 0))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """[..., m] coordinates of points [..., F], with m <= N."""
        return self.kernel(points) @ self._basis


@dataclass(frozen=True)
class KernelRankSVM:
    """Ranking support vector machine with a Gaussian kernel, gamma = 1 / (F * variance of the training features).

    Parameters
    ----------
    costs : as for `LinearRankSVM`

    Notes
    -----
    Solved exactly and without a matrix over pairs: in the coordinates of `KernelMap` the pair kernel
    k(i,k) - k(i,l) - k(j,k) + k(j,l) is the dot product of differences, so this is the linear machine on coordinates. The
    coordinates come from all held-in points, labels unseen. The paper's gamma is not known; this one is a start, untuned.
    """

    costs: tuple[float, ...] = COSTS

    def fit(self, X: np.ndarray, y: np.ndarray) -> Scorer:
        """Fit on [n, T, F] and [n, T]; errors as for `LinearRankSVM`."""
        variance = X.var()
        if not variance > 0:
            raise UserError("kernel ranking SVM: the features do not vary")
        coordinates = KernelMap(X.reshape(-1, X.shape[-1]), 1 / (X.shape[-1] * variance))
        linear = LinearRankSVM(self.costs).fit(coordinates(X), y)
        return lambda points: linear(coordinates(points))


@dataclass(frozen=True)
class RankAverage:
    """Ours: the mean of all features, each turned so that more is better by a sign fixed in advance. Nothing is learned.

    Parameters
    ----------
    signs : F numbers, +1 or -1

    Notes
    -----
    It averages standardised values, not ranks, so one model far out in many features moves it. A statistic counted under
    eight weightings counts eight times.
    """

    signs: tuple[float, ...]

    def fit(self, X: np.ndarray, y: np.ndarray) -> Linear:
        """The same scorer whatever is shown."""
        if len(self.signs) != X.shape[-1]:
            raise UserError(f"rank average: {len(self.signs)} signs for {X.shape[-1]} features")
        return Linear(np.array(self.signs, float) / X.shape[-1])


@dataclass(frozen=True)
class LowRank:
    """Ours: a linear ranking SVM on the first principal components of the held-in features, all tasks pooled.

    Parameters
    ----------
    components : how many
    costs : as for `LinearRankSVM`
    """

    components: int = 3
    costs: tuple[float, ...] = COSTS

    def fit(self, X: np.ndarray, y: np.ndarray) -> Linear:
        """Fit on [n, T, F] and [n, T]; errors as for `LinearRankSVM`."""
        axes = principal_axes(X.reshape(-1, X.shape[-1]), self.components)
        return Linear(axes @ LinearRankSVM(self.costs).fit(X @ axes, y).weights)


def principal_axes(rows: np.ndarray, components: int) -> np.ndarray:
    """[columns, components] leading axes of rows about their mean, each turned so that its loadings add up to 0 or more."""
    axes = np.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][:components].T
    return axes * np.where(axes.sum(0) < 0, -1, 1)  # a decomposition leaves signs open
