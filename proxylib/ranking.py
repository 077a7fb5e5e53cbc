"""Rankers over the eighty proxies: fits, hold-out protocols, and what their orders are worth. Returns tidy frames.

Source of the rankers and of leave-two-tasks-out: Patel, Reddy, Mosbach and Bahdanau 2026 (arXiv 2605.18607), whose text was
not at hand; what notes about it leave open is ours and marked so. Under leave-tasks-out the same models are in training and
test, so a ranker can pass by remembering which model is good: `held_in_score` shows how far that alone goes, and
leave-family-out takes it away. Folds are no observations: every interval draws families whole and none is over folds.
"""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from scipy.optimize import curve_fit
from scipy.stats import rankdata

from . import stats
from .config import Inference
from .errors import UserError

TASKS_OUT, FAMILY_OUT, BOTH_OUT = "leave-tasks-out", "leave-family-out", "leave-both-out"
ORACLE = "leave-tasks-out, oracle"
RHO, AGREEMENT, DIFFERENCE = "rho", "pair agreement", "rho minus that of {}"
COLUMNS = ["protocol", "fold", "family", "task", "model", "score", "held_out"]
COSTS = tuple(10.0**exponent for exponent in range(-4, 3))
MAX_ITER = 10_000  # passes over the pairs; a cost that needs more is not used, lest one cost take nine tenths of the time
BLOCK = 2048  # subsets scored together: their scores, 18 x 6 x 2048 float32, stay in a core's second-level cache
SHORTLIST = 200  # best subsets of the quick ranking that are ranked exactly
RIDGE = 1e-10  # of a feature's own sum of squares; only lets collinear subsets be solved
SAME = 12  # decimals to which correlations are compared, lest rounding break their ties


@dataclass(frozen=True, eq=False)
class Panel:
    """Proxies and accuracies of one training seed's population; arrays are copied and read-only.

    Parameters
    ----------
    models : n names
    families : [n] labels; the cluster of every interval
    tasks : T names
    features : [n, T, F] proxies as measured, in their own units
    names : F names
    accuracy : [n, T] shares correct

    Raises
    ------
    UserError
        Where shapes disagree, a name occurs twice or is empty, a value is not finite, or a task's accuracies are all
        alike: no order of the models is then right or wrong, and the task belongs to no mean.
    """

    models: Sequence[str]
    families: np.ndarray
    tasks: Sequence[str]
    features: np.ndarray
    names: Sequence[str]
    accuracy: np.ndarray

    def __post_init__(self):
        for field, kind in (("families", str), ("features", float), ("accuracy", float)):
            copy = np.array(getattr(self, field), kind)
            copy.setflags(write=False)  # fits are remembered per panel
            object.__setattr__(self, field, copy)
        for field in ("models", "tasks", "names"):
            labels = list(getattr(self, field))
            object.__setattr__(self, field, labels)
            if len(set(labels)) < len(labels):
                raise UserError(f"panel: {field} holds a name twice")
        shape = (len(self.models), len(self.tasks), len(self.names))
        expected = {"families": shape[:1], "features": shape, "accuracy": shape[:2]}
        for field, size in expected.items():
            found = getattr(self, field)
            if found.shape != size:
                raise UserError(f"panel: {field} has shape {found.shape}, expected {size} (models, tasks, features)")
            if field != "families" and not np.isfinite(found).all():
                raise UserError(f"panel: {field} holds a value that is not finite")
        if "" in self.families:
            raise UserError("panel: a family has no name")
        alike = np.flatnonzero(np.ptp(self.accuracy, axis=0) == 0)
        if len(alike):
            raise UserError(f"panel: all models score alike on {self.tasks[alike[0]]}; leave that task out")


# ---------------------------------------------------------------------------------------------------- ranks and scales


def standardise(features: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Each feature within each task to mean 0 and standard deviation 1 over the given models.

    Parameters
    ----------
    features : [n, ...] values, models first
    rows : [n] bool or indices of the models whose mean and population standard deviation are used

    Returns
    -------
    Same shape; 0 for every model, given or not, where the given models do not differ

    Notes
    -----
    Labels are not used, so a held-out task may be standardised over all models. A held-out family may not take part: its
    values would say where it stands among the others.
    """
    centre, spread = features[rows].mean(0), features[rows].std(0)
    # a column of equal numbers can have a spread of one rounding; dividing by that would invent differences
    flat = spread <= 1e-12 * np.abs(features[rows]).max(0)
    return np.where(flat, 0.0, (features - centre) / np.where(flat, 1.0, spread))


def unit_ranks(values: np.ndarray) -> np.ndarray:
    """Centred mid-ranks of unit length along the first axis: Spearman's correlation is the dot product of two such.

    Parameters
    ----------
    values : [n, ...]

    Returns
    -------
    Same shape; all 0 where the values are constant, so an undefined correlation counts as 0 in a mean
    """
    ranks = rankdata(values, axis=0) - (len(values) + 1) / 2
    length = np.sqrt((ranks**2).sum(0))
    return ranks / np.where(length > 0, length, 1.0)


def _mean_rho(values: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's correlation over models of [n, T, ...] with [n, T], mean over tasks, rounded so that ties stay ties."""
    y = y.reshape(y.shape + (1,) * (values.ndim - 2))
    return np.round((unit_ranks(values) * unit_ranks(y)).sum(0).mean(0), SAME)


# ------------------------------------------------------------------------------------------------------------- rankers

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
        rho = _mean_rho(X, y)
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

    The quick pass ranks by counting, in float32, how many models each one beats; it breaks ties among scores arbitrarily,
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
        quick = _quick_rho(X, y, subsets, solutions)
        last = np.partition(quick, -min(SHORTLIST, len(quick)))[-min(SHORTLIST, len(quick))]
        short = np.flatnonzero(quick >= last - 1e-6)  # float32 cannot tell these from the last one
        scores = np.einsum("ntck,ck->ntc", X[:, :, subsets[short]], solutions[short])
        best = short[np.argmax(_mean_rho(scores, y))]
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


def _quick_rho(X: np.ndarray, y: np.ndarray, subsets: np.ndarray, solutions: np.ndarray) -> np.ndarray:
    """[subsets] mean Spearman correlation over tasks, in float32 and as if no scores were tied."""
    n, tasks, features = X.shape
    flat = X.reshape(n * tasks, features).astype(np.float32)
    untied = np.sqrt(n * (n**2 - 1) / 12)  # length of the centred ranks 1..n
    share = (unit_ranks(y) / (untied * tasks)).astype(np.float32)  # [n, T]; sums to 0, so counts need no centring
    count = np.min_scalar_type(n)
    found = np.empty(len(subsets), np.float32)
    for start in range(0, len(subsets), BLOCK):
        block = subsets[start : start + BLOCK]
        weights = np.zeros((features, len(block)), np.float32)
        weights[block.T, np.arange(len(block))] = solutions[start : start + BLOCK].T
        scores = (flat @ weights).reshape(n, tasks, len(block))
        # bytes compared and added are an order faster than sorting 18 numbers half a million times
        beaten = ((scores[i] > scores).view(np.uint8).sum(0, dtype=count) for i in range(n))  # each [T, block]
        found[start : start + BLOCK] = sum(share[i] @ counts for i, counts in enumerate(beaten))
    return found


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
        order = self.costs if len(self.costs) == 1 else _costs_by_merit(X, y, self.costs)
        for cost in order:
            weights = _hinge(*_preferences(X, y), cost)
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


def _hinge(differences: np.ndarray, share: np.ndarray, cost: float) -> np.ndarray | None:
    """Weights [F] of the linear SVM without intercept; None if the solver does not converge."""
    from sklearn.exceptions import ConvergenceWarning  # loaded where a fit is asked for: it takes a second
    from sklearn.svm import LinearSVC

    if len(share) < 2:
        raise UserError("ranking SVM: fewer than two pairs of models differ in accuracy")
    weights = cost * share @ differences
    if (differences @ weights <= 1).all():
        return weights  # every pair is inside its margin, as at small costs: the loss is linear there and this its minimum
    label = np.where(np.arange(len(share)) % 2, 1, -1)  # the solver wants two classes: every other pair is turned round
    solver = LinearSVC(loss="hinge", fit_intercept=False, C=cost, tol=1e-5, max_iter=MAX_ITER, random_state=0)
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
                merit[cost].append(float(_mean_rho(X[:, ~kept] @ weights, y[:, ~kept])))
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
        axes = _principal_axes(X.reshape(-1, X.shape[-1]), self.components)
        return Linear(axes @ LinearRankSVM(self.costs).fit(X @ axes, y).weights)


def _principal_axes(rows: np.ndarray, components: int) -> np.ndarray:
    """[columns, components] leading axes of rows about their mean, each turned so that its loadings add up to 0 or more."""
    axes = np.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][:components].T
    return axes * np.where(axes.sum(0) < 0, -1, 1)  # a decomposition leaves signs open


# ----------------------------------------------------------------------------------------------------------- protocols


def leave_tasks_out(panel: Panel, ranker: Ranker, k: int = 2, oracle: bool = False) -> pd.DataFrame:
    """Train on all models and all but k tasks, rank all models on those k: the source's protocol.

    Parameters
    ----------
    panel, ranker : what is ranked, and by what
    k : tasks held out at a time, in every combination
    oracle : fit and choose on the held-out tasks instead: an upper bound for the ranker's form, not a prediction

    Returns
    -------
    columns protocol, fold (number of the combination of held-out tasks), family (held out; "" here), task (held out),
    model, score, held_out (whether the row is part of the ranking to be judged; always here)

    Notes
    -----
    Models are not held out, so a good result need not come from the proxies' meaning: compare `held_in_score`.
    """
    return _predictions(panel, ranker, ORACLE if oracle else TASKS_OUT, _task_folds(panel, k), [""])


def leave_family_out(panel: Panel, ranker: Ranker) -> pd.DataFrame:
    """Train on all families but one and all tasks, score the family left out; features are scaled without it.

    Returns
    -------
    columns as from `leave_tasks_out`; fold is 0, held_out is True for the models of `family` and False for those that the
    scorer was fitted on

    Notes
    -----
    Within a fold and task all scores are shifted and scaled, without labels, to mean 0 and standard deviation 1 over the
    training models. Only so can scores of different folds be pooled into one ranking, and it remains a ranking across
    different scorers: `pair_agreement` compares only inside the family left out. A `Fixed` score is the same in all folds
    and is pooled as it is.
    """
    return _predictions(panel, ranker, FAMILY_OUT, [()], _families(panel))


def leave_both_out(panel: Panel, ranker: Ranker, k: int = 2) -> pd.DataFrame:
    """Train without a family and without k tasks, score that family on those tasks: nothing about either has been seen.

    Returns
    -------
    columns as from `leave_family_out`; fold is the number of the combination of held-out tasks
    """
    return _predictions(panel, ranker, BOTH_OUT, _task_folds(panel, k), _families(panel))


def _task_folds(panel: Panel, k: int) -> list[tuple[int, ...]]:
    if not 1 <= k < len(panel.tasks):
        raise UserError(f"hold-out: k = {k} tasks of {len(panel.tasks)} cannot be left out")
    return list(itertools.combinations(range(len(panel.tasks)), k))


def _families(panel: Panel) -> list[str]:
    labels = list(dict.fromkeys(panel.families.tolist()))
    if len(labels) < 2:
        raise UserError("hold-out: at least 2 families are needed")
    return labels


def _predictions(
    panel: Panel, ranker: Ranker, protocol: str, folds: list[tuple[int, ...]], families: list[str]
) -> pd.DataFrame:
    """Every fold: without tasks in it, all are both trained on and ranked; with family "", no model is held out."""
    everything = tuple(range(len(panel.tasks)))
    frames = []
    for family in families:
        kept = panel.families != family
        # what fits nothing has one scale in all folds, its own; scaling it fold by fold would change the pooled ranking
        scale = (lambda values: values) if isinstance(ranker, Fixed) else (lambda values, kept=kept: standardise(values, kept))
        X = scale(panel.features)
        for fold, out in enumerate(folds):
            asked = out or everything
            seen = asked if protocol == ORACLE else tuple(t for t in everything if t not in out)
            scores = _fitted(panel, ranker, seen, family)(X[:, asked])
            frames.append(_fold_frame(panel, protocol, fold, family, asked, scale(scores)))
    return pd.concat(frames, ignore_index=True)


@functools.lru_cache(
    maxsize=8192
)  # all fits of three seeds: the stability of a choice asks for the very fits that the predictions came from
def _fitted(panel: Panel, ranker: Ranker, tasks: tuple[int, ...], family: str) -> Scorer:
    """The ranker fitted on some tasks and on the models outside a family."""
    kept = panel.families != family
    X = standardise(panel.features, kept)[kept][:, tasks]
    return ranker.fit(X, panel.accuracy[kept][:, tasks])


def _fold_frame(panel: Panel, protocol: str, fold: int, family: str, tasks: Sequence[int], scores: np.ndarray) -> pd.DataFrame:
    """One fold's rows from scores [n, tasks]."""
    n = len(panel.models)
    held_out = (panel.families == family) | (family == "")
    columns = {
        "protocol": protocol,
        "fold": fold,
        "family": family,
        "task": np.repeat([panel.tasks[t] for t in tasks], n),
        "model": np.tile(panel.models, len(tasks)),
        "score": np.asarray(scores, float).T.ravel(),
        "held_out": np.tile(held_out, len(tasks)),
    }
    return pd.DataFrame(columns)


# ----------------------------------------------------------------------------------- baselines that look at accuracies


def held_in_score(panel: Panel, k: int = 2) -> pd.DataFrame:
    """Rank models by their mean standardised accuracy on the held-in tasks: no proxy at all.

    Returns
    -------
    columns as from `leave_tasks_out`

    Notes
    -----
    What a ranker must beat under leave-tasks-out to have shown more than that good models are good. It has no counterpart
    where a family is held out: that family's accuracies are unseen.
    """
    return _from_held_in(panel, k, lambda held_in: held_in.mean(1))


def principal_component(panel: Panel, k: int = 2) -> pd.DataFrame:
    """Rank models by the first principal component of their standardised held-in accuracies, mean loading positive.

    Returns
    -------
    columns as from `leave_tasks_out`
    """
    return _from_held_in(panel, k, lambda held_in: held_in @ _principal_axes(held_in, 1)[:, 0])


def _from_held_in(panel: Panel, k: int, score: Callable[[np.ndarray], np.ndarray]) -> pd.DataFrame:
    every = np.ones(len(panel.models), bool)
    accuracy = standardise(panel.accuracy, every)
    frames = []
    for fold, out in enumerate(_task_folds(panel, k)):
        scores = standardise(score(np.delete(accuracy, out, axis=1)), every)
        frames.append(_fold_frame(panel, TASKS_OUT, fold, "", out, np.repeat(scores[:, None], k, axis=1)))
    return pd.concat(frames, ignore_index=True)


def observational_scaling(panel: Panel, components: int = 3) -> pd.DataFrame:
    """Predict a task's accuracy from principal components of the other tasks' accuracies, family by family left out.

    Fits y = b + (1 - b) / (1 + exp(-(w0 + w.PC))) with b in [0, 0.2] on the training families by bounded least squares
    (Ruan, Maddison and Hashimoto 2024, arXiv 2405.10938), from their start w = 0.03, b = 0.

    Parameters
    ----------
    panel : accuracies must be shares
    components : at most so many; fewer where there are not so many other tasks

    Returns
    -------
    columns as from `leave_family_out`; scores are nan where the fit fails, and whatever is computed from them is too

    Notes
    -----
    Dearer than a proxy: it needs the held-out models' own accuracies on every other task. Accuracies are standardised
    over the training families before the components are taken (ours). Five parameters on 15 models are many.
    """
    if not ((panel.accuracy >= 0) & (panel.accuracy <= 1)).all():
        raise UserError("observational scaling: accuracies must be shares between 0 and 1")
    if len(panel.tasks) < 2:
        raise UserError("observational scaling: at least 2 tasks are needed")
    frames = []
    for family in _families(panel):
        kept = panel.families != family
        z = standardise(panel.accuracy, kept)
        for task in range(len(panel.tasks)):
            others = np.delete(z, task, axis=1)
            inputs = others @ _principal_axes(others[kept], components)
            scores = standardise(_logistic_prediction(inputs, panel.accuracy[:, task], kept), kept)
            frames.append(_fold_frame(panel, FAMILY_OUT, 0, family, [task], scores[:, None]))
    return pd.concat(frames, ignore_index=True)


def _logistic_prediction(inputs: np.ndarray, y: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """[n] predictions of a curve fitted on the kept models; nan throughout if it cannot be fitted."""
    size = inputs.shape[1]

    def curve(x, floor, start, *slopes):
        return floor + (1 - floor) / (1 + np.exp(-np.clip(start + x @ np.array(slopes), -500, 500)))

    bounds = ([0.0] + [-np.inf] * (1 + size), [0.2] + [np.inf] * (1 + size))
    try:
        found = curve_fit(curve, inputs[kept], y[kept], [0.0, 0.0] + [0.03] * size, bounds=bounds, max_nfev=10_000)[0]
    except RuntimeError:
        return np.full(len(y), np.nan)
    return curve(inputs, *found)


# ------------------------------------------------------------------------------------------------------------- scoring


def rho(predictions: pd.DataFrame, panel: Panel, weights: np.ndarray) -> np.ndarray:
    """Spearman correlation of scores with accuracy over models, mean over folds and held-out tasks, once per draw.

    Parameters
    ----------
    predictions : of one protocol; only rows with held_out are used, so under leave-family-out a task's ranking is pooled
        from the families' folds
    panel : the accuracies
    weights : [draws, n] multiplicities of the models, from `stats.cluster_weights` over families; a row of ones for the
        estimate itself

    Returns
    -------
    [draws] mean correlations; nan where a draw leaves some task without a correlation or where a score is nan. Scores that
    do not tell the drawn models apart count as 0.

    Notes
    -----
    Draws are conditional on the fitted rankers: the interval omits what refitting on other families would add, so it is
    too short, the more so the more a ranker has to choose. A pooled ranking compares scores of different fits.
    """
    table = _table(predictions[predictions["held_out"]], panel, ["fold", "task"], "score")
    total = np.zeros(len(weights))
    for (_, task), scores in table.items():
        total += _drawn_rho(scores.to_numpy(), panel.accuracy[:, panel.tasks.index(task)], weights)
    return total / table.shape[1]


def _table(predictions: pd.DataFrame, panel: Panel, groups: list[str], values: str) -> pd.DataFrame:
    """A row per model of the panel and a column per ranking."""
    if len(set(predictions["protocol"])) != 1:
        raise UserError("scoring: give the predictions of one protocol at a time")
    return predictions.pivot(index="model", columns=groups, values=values).reindex(panel.models)


def _drawn_rho(scores: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[draws] correlations; constant scores give 0, where accuracies leave it defined."""
    if not np.isfinite(scores).all():
        return np.full(len(weights), np.nan)
    found = stats.spearman_draws(scores, y, weights)
    if np.isnan(found).any():  # dropping the draws in which a ranker tells nothing apart would flatter it
        found = np.where(np.isnan(found) & np.isfinite(stats.spearman_draws(y, y, weights)), 0.0, found)
    return found


def pair_agreement(predictions: pd.DataFrame, panel: Panel, weights: np.ndarray) -> np.ndarray:
    """Share of pairs of held-out models that a fold's scores put in the order of accuracy, once per draw.

    Parameters
    ----------
    predictions, panel, weights : as for `rho`

    Returns
    -------
    [draws] shares over all folds and tasks; under leave-family-out, of pairs inside the family left out. A pair counts as
    often as the product of its models' multiplicities. Pairs tied in accuracy are skipped, tied scores count one half. nan
    where no pair is left or a score is nan.

    Notes
    -----
    Half is chance. A pair of a held-out model with one that the ranker was fitted on is not counted: the fit knows where the
    latter stands. Not comparable between protocols: they count different pairs. As for `rho`, refitting is omitted.
    """
    groups = ["fold", "family", "task"]
    scores = _table(predictions, panel, groups, "score")
    held_out = _table(predictions, panel, groups, "held_out").to_numpy(bool)
    y = panel.accuracy[:, [panel.tasks.index(task) for task in scores.columns.get_level_values("task")]]
    s = scores.to_numpy()
    order = np.sign(y[:, None] - y[None])  # [n, n, groups]
    counted = (order != 0) & held_out[:, None] & held_out[None]
    agreeing = (counted * (1 + order * np.sign(s[:, None] - s[None])) / 2).sum(2)  # [n, n]
    # every pair stands in both matrices twice, which cancels
    right, all_pairs = (((weights @ pairs) * weights).sum(1) for pairs in (agreeing, counted.sum(2)))
    return np.where(all_pairs > 0, right / np.where(all_pairs > 0, all_pairs, 1), np.nan)


def summary(
    panels: Sequence[Panel],
    predictions: dict[str, Sequence[pd.DataFrame]],
    inference: Inference,
    baselines: Sequence[str] = (),
) -> pd.DataFrame:
    """Every method's correlation and pair agreement, averaged over seeds, and paired differences from baselines.

    Parameters
    ----------
    panels : one per seed, of the same models
    predictions : method -> one frame per panel; a frame may hold several protocols
    inference : draws, level and seed of the bootstrap
    baselines : methods; every other method of the same protocol gets its difference from each

    Returns
    -------
    columns method, protocol, quantity ("rho", "pair agreement", "rho minus that of <baseline>"), estimate, low, high,
    seed_low, seed_high (range of the seeds' own estimates), models, families, seeds

    Notes
    -----
    All seeds and methods see the same draws of families, so differences are paired. Seeds are averaged before the
    quantiles are taken: the interval is about families, the range about training. It is conditional on the fitted rankers
    (see `rho`), nan where fewer than half of the draws are defined, and too short with fewer than about ten families.
    """
    panels = _aligned(panels)
    for name, frames in predictions.items():
        if len(frames) != len(panels):
            raise UserError(f"summary: {name} has {len(frames)} frames for {len(panels)} panels")
    if unknown := set(baselines) - set(predictions):
        raise UserError(f"summary: baseline {sorted(unknown)[0]} has no predictions")
    weights = np.vstack([np.ones(len(panels[0].models), int), _family_weights(panels[0], inference)])
    found = {}  # (method, protocol, quantity) -> [seeds, 1 + draws]
    for method, frames in predictions.items():
        for protocol in frames[0]["protocol"].unique():
            parts = [frame[frame["protocol"] == protocol] for frame in frames]
            for quantity, measure in ((RHO, rho), (AGREEMENT, pair_agreement)):
                found[method, protocol, quantity] = np.stack(
                    [measure(part, panel, weights) for part, panel in zip(parts, panels, strict=True)]
                )
    for method, protocol, quantity in list(found):
        for other in baselines:
            if quantity == RHO and method != other and (other, protocol, RHO) in found:
                difference = found[method, protocol, RHO] - found[other, protocol, RHO]
                found[method, protocol, DIFFERENCE.format(other)] = difference
    rows = [(*keys, *_row(values, inference.level), *_sizes(panels)) for keys, values in found.items()]
    keys, numbers = ["method", "protocol", "quantity"], ["estimate", "low", "high", "seed_low", "seed_high"]
    return pd.DataFrame(rows, columns=keys + numbers + ["models", "families", "seeds"])


def _row(values: np.ndarray, level: float) -> tuple[float, ...]:
    """estimate, low, high, seed_low, seed_high of [seeds, 1 + draws], whose first column is the sample itself."""
    mean, own = values.mean(0), values[:, 0]
    try:
        interval = stats.percentile_interval(mean[0], mean[1:], level)[:3]
    except UserError:
        interval = (float(mean[0]), np.nan, np.nan)
    return (*interval, float(own.min()), float(own.max()))


def _family_weights(panel: Panel, inference: Inference) -> np.ndarray:
    return stats.cluster_weights(panel.families, inference.draws, inference.seed)


def _sizes(panels: list[Panel]) -> tuple[int, int, int]:
    return len(panels[0].models), len(set(panels[0].families)), len(panels)


def _aligned(panels: Panel | Sequence[Panel]) -> list[Panel]:
    """The panels as a list, checked to hold the same models, families, tasks and features in the same order."""
    panels = [panels] if isinstance(panels, Panel) else list(panels)
    if not panels:
        raise UserError("panels: none given")
    for field in ("models", "families", "tasks", "names"):
        if any(list(getattr(panel, field)) != list(getattr(panels[0], field)) for panel in panels):
            raise UserError(f"panels: {field} differ between seeds")
    return panels


# ------------------------------------------------------------------------------------------------------ what chance gives


def univariate_rho(panels: Panel | Sequence[Panel]) -> np.ndarray:
    """[F] Spearman correlation of each feature, as measured, with accuracy: mean over tasks and seeds."""
    return np.mean([_mean_rho(panel.features, panel.accuracy) for panel in _aligned(panels)], axis=0)


def best_of_null(panels: Panel | Sequence[Panel], draws: int, seed: int, families_whole: bool = False) -> np.ndarray:
    """What the best single feature scores when no feature knows anything: the whole choice, repeated under permutation.

    Parameters
    ----------
    panels : one per seed; the choice is made once, on the mean over tasks and seeds
    draws : permutations
    seed : of the generator
    families_whole : exchange families of one size as wholes, and models inside them, instead of models freely

    Returns
    -------
    [draws] highest correlation over features and signs; the observed one is `np.abs(univariate_rho(panels)).max()`

    Notes
    -----
    Models' accuracies are permuted as whole rows and alike for all seeds, so tasks and seeds stay as dependent as they
    are. Freely, models of one family are treated as exchangeable with others: where features and accuracies both go by
    family, that null is too narrow; `families_whole` keeps what a family shares. A share of draws above the observed value
    must count the observed one: (1 + above) / (1 + draws).
    """
    panels = _aligned(panels)
    orders = _permutations(_blocks(panels[0], families_whole), draws, seed)
    return np.abs(np.mean([_permuted_rho(panel, orders).mean(0) for panel in panels], axis=0)).max(1)


def choice_null(panels: Panel | Sequence[Panel], draws: int, seed: int, families_whole: bool = False, k: int = 2) -> np.ndarray:
    """What `Univariate` scores under leave-tasks-out when no feature knows anything: every fold's choice, repeated.

    Parameters
    ----------
    panels : one per seed; each chooses for itself
    draws, seed, families_whole : as for `best_of_null`
    k : tasks held out at a time

    Returns
    -------
    [draws] mean correlation over folds, held-out tasks and seeds

    Notes
    -----
    Permuted as in `best_of_null`. The tasks' dependence is kept and with it the part of a held-out correlation that comes
    from the same models being in training and test: where tasks agree, this null is much wider than chance on new models.
    """
    panels = _aligned(panels)
    orders = _permutations(_blocks(panels[0], families_whole), draws, seed)
    return np.mean([_choices(_permuted_rho(panel, orders), _task_folds(panel, k)) for panel in panels], axis=0)


def _blocks(panel: Panel, families_whole: bool) -> np.ndarray:
    return panel.families if families_whole else np.zeros(len(panel.models))


def _permutations(blocks: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """[draws, n]: the model whose accuracies each model is given; blocks [n] of one size are exchanged whole."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(blocks == label) for label in dict.fromkeys(blocks.tolist())]
    orders = np.empty((draws, len(blocks)), int)
    for order in orders:
        for size in {len(block) for block in members}:
            alike = [block for block in members if len(block) == size]
            for block, other in zip(alike, rng.permutation(len(alike)), strict=True):
                order[block] = rng.permutation(alike[other])
    return orders


def _permuted_rho(panel: Panel, orders: np.ndarray) -> np.ndarray:
    """[T, draws, F] Spearman correlations with permuted accuracies: one product of unit ranks per task."""
    y = unit_ranks(panel.accuracy)[orders]  # [draws, n, T]
    return np.moveaxis(y, 2, 0) @ np.moveaxis(unit_ranks(panel.features), 1, 0)


def _choices(rhos: np.ndarray, folds: list[tuple[int, ...]]) -> np.ndarray:
    """[draws] mean held-out correlation of the feature and sign chosen in each fold, from [T, draws, F]."""
    total = 0.0
    for out in folds:
        held_in = np.round(np.delete(rhos, out, axis=0).mean(0), SAME)
        best = np.abs(held_in).argmax(1)[:, None]
        sign = np.where(np.take_along_axis(held_in, best, 1) < 0, -1, 1)
        total = total + (sign * np.take_along_axis(rhos[list(out)].mean(0), best, 1))[:, 0]
    return total / len(folds)


# --------------------------------------------------------------------------------------------------- looking at features


def univariate_grid(panels: Panel | Sequence[Panel], signs: Sequence[float], inference: Inference) -> pd.DataFrame:
    """Every feature's correlation with accuracy, in its orientation fixed in advance, per task and on average.

    Parameters
    ----------
    panels : one per seed
    signs : F numbers, +1 where more is better and -1 where less is
    inference : draws, level and seed of the bootstrap over families

    Returns
    -------
    columns feature, task ("mean" for the mean over tasks), estimate, low, high, seed_low, seed_high, models, families,
    seeds

    Notes
    -----
    Eighty intervals, none corrected for the others: the best of them is best partly by luck (`best_of_null`).
    """
    panels = _aligned(panels)
    if len(signs) != len(panels[0].names):
        raise UserError(f"univariate grid: {len(signs)} signs for {len(panels[0].names)} features")
    weights = np.vstack([np.ones(len(panels[0].models), int), _family_weights(panels[0], inference)])
    rows = []
    for f, (name, sign) in enumerate(zip(panels[0].names, signs, strict=True)):
        found = np.array(  # [seeds, T, 1 + draws]
            [[_drawn_rho(sign * p.features[:, t, f], p.accuracy[:, t], weights) for t in range(len(p.tasks))] for p in panels]
        )
        layers = {"mean": found.mean(1)} | {task: found[:, t] for t, task in enumerate(panels[0].tasks)}
        rows += [(name, task, *_row(values, inference.level), *_sizes(panels)) for task, values in layers.items()]
    numbers = ["estimate", "low", "high", "seed_low", "seed_high", "models", "families", "seeds"]
    return pd.DataFrame(rows, columns=["feature", "task", *numbers])


def stability(panel: Panel, ranker: Ranker, k: int = 2) -> pd.DataFrame:
    """Which features a ranker chooses in each fold of leave-tasks-out.

    Parameters
    ----------
    panel : one seed's
    ranker : one whose scorers are `Linear`
    k : tasks held out at a time

    Returns
    -------
    columns fold, held_out (task names), chosen (features of non-zero weight), signs (as "+-+", in their order), folds (how
    many folds choose the same features)

    Notes
    -----
    Folds share most of their tasks, so a choice repeated in all of them is not confirmed that often.
    """
    rows = []
    everything = range(len(panel.tasks))
    for fold, out in enumerate(_task_folds(panel, k)):
        scorer = _fitted(panel, ranker, tuple(t for t in everything if t not in out), "")
        if not isinstance(scorer, Linear):
            raise UserError("stability: the ranker's scorer is not linear in the features")
        chosen = np.flatnonzero(scorer.weights)
        signs = "".join("+" if scorer.weights[f] > 0 else "-" for f in chosen)
        held_out = ", ".join(panel.tasks[t] for t in out)
        rows.append((fold, held_out, ", ".join(panel.names[f] for f in chosen), signs))
    frame = pd.DataFrame(rows, columns=["fold", "held_out", "chosen", "signs"])
    return frame.assign(folds=frame.groupby("chosen")["fold"].transform("size"))


class FeatureCorrelation(NamedTuple):
    """[F, F] correlations, and share of variance -> how many of their principal components hold it."""

    correlation: pd.DataFrame
    components: dict[float, int]


def feature_correlation(panels: Panel | Sequence[Panel], shares: Sequence[float] = (0.9, 0.99)) -> FeatureCorrelation:
    """How much the features say the same: Spearman correlation over models between features, mean over tasks and seeds.

    Parameters
    ----------
    panels : one per seed
    shares : of the variance of ranks, for the count of principal components

    Notes
    -----
    Components are of the mean matrix, which has more than any one task's: redundancy within a task is higher. A feature
    that does not vary has correlation 0 even with itself.
    """
    panels = _aligned(panels)
    ranks = np.stack([unit_ranks(panel.features) for panel in panels])  # [seeds, n, T, F]
    flat = ranks.reshape(-1, ranks.shape[-1])
    matrix = flat.T @ flat / (len(panels) * ranks.shape[2])
    held = np.cumsum(np.linalg.eigvalsh(matrix)[::-1]) / np.trace(matrix)
    names = panels[0].names
    components = {share: int(np.argmax(held >= share - 1e-12)) + 1 for share in shares}
    return FeatureCorrelation(pd.DataFrame(matrix, index=names, columns=names), components)
