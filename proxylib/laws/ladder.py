"""The ladder's laws (Bhagia et al. 2024, 2412.04403), by the formulas of its code (allenai/OLMo-ladder).

Step 1 takes parameters and tokens, or compute, to a loss; step 2 takes the loss to a score; single steps do both at once.
x is scaled to its geometric mean inside, which changes the search and not the minimum; the ladder's bounds log A >= 0, which
depend on the unit of x, are left out.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from proxylib.errors import UserError
from proxylib.laws import fitting
from proxylib.laws.curves import Fitted, named, sigmoid, slopes_of_sigmoid
from proxylib.settings import Frozen

#: where the Huber loss of log residuals turns from squares to distances; nearly all residuals lie above it
DELTA = 1e-3
#: step 2's further starts, tried in turn without bounds where the first, bounded one fails: a, L0, k, b
FALLBACKS = (
    (-0.7, 0.6, 7.0, 1.0),
    (-0.7, 1.4, 3.2, 1.3),
    (-2.7, 1.4, 3.2, 1.3),
    (-0.09, 0.6, 6.5, 0.1),
    (-0.64, -0.41, 12.7, 1.05),
    (-2.15771768e-02, 1.39273020, -58.5129498, 4.54084320e-01),
    (-1.60006552, 1.36001561, -495.252012, 4.10217043e-01),
)
_TERMS = ("A", "B"), ("alpha", "beta")


class Chinchilla(Frozen):
    """L(N, D) = A / N^alpha + B / D^beta + E, by a Huber loss (delta 1e-3) of log residuals.

    Notes
    -----
    Step 1 of the ladder. Its delta is so small that the loss is one of absolute deviations. Differences from its code: two
    starts rather than p0 = [3, 6, .1, .2, 1], and a search that does not end for rounding. Few sizes say little about alpha,
    few ratios D / N little about which term a decrease belongs to: extrapolate along the ratios that were seen.
    """

    name: ClassVar[str] = "chinchilla"

    def fit(self, x: object, y: object, weights: object = None) -> Fitted:
        """x [n, 2] parameters and tokens, both above 0; y [n] above 0; parameters A, B, alpha, beta, E."""
        x, y, weights = fitting.checked(self.name, x, y, weights, 5, positive=True, columns=2)
        for column, what in enumerate(("sizes", "numbers of tokens")):
            if len(np.unique(x[:, column])) < 2:
                raise UserError(f"{self.name}: all {len(y)} points have the same {what}; use a law in one variable")
        return _additive(self.name, x, y, weights, exponents=((0.1, 0.2), (0.5, 0.5)), most=np.inf, floor=True)


class Chinchilla1(Frozen):
    """L(C) = A / C^alpha + E with alpha in [0, 1]; without E where `floor` is False. By the same loss.

    Notes
    -----
    Step 1 of the ladder in compute (`step1_flops.py`, p0 = [10, .4, .5]) and DataDecide's form of three and of two
    parameters. The latter is a straight line in logs.
    """

    name: ClassVar[str] = "chinchilla1"
    floor: bool = Field(default=True, description="whether there is an E")

    def fit(self, x: object, y: object, weights: object = None) -> Fitted:
        """x [n] compute above 0; y [n] above 0; parameters A, alpha, and E with a floor."""
        x, y, weights = fitting.checked(self.name, x, y, weights, 3 if self.floor else 2, positive=True)
        return _additive(self.name, x[:, None], y, weights, exponents=((0.4,), (0.1,)), most=1.0, floor=self.floor)


class SingleStep(Frozen):
    """score = p / (1 + exp(-L)) + q with p in [-1, 0], q in [0, 1]; L = A / C^alpha + E, or with B / D^beta too.

    Parameters
    ----------
    variables : 1 for compute, DataDecide's "3-parameter single step"; 2 for parameters and tokens, its "5-parameter" one

    Notes
    -----
    The ladder's `single_step.py`. Its form in compute has a steepness and a middle besides, which say nothing that A and E do
    not, and its gradient by them stands in the wrong order: with 7 parameters for 5, their values mean nothing. Here both
    forms share one parametrisation and loss, the Huber loss of log scores. Without a loss in between, scores at chance tell
    nothing about where the rise will begin.
    """

    name: ClassVar[str] = "single_step"
    variables: int = Field(default=2, ge=1, le=2)

    def fit(self, x: object, y: object, weights: object = None) -> Fitted:
        """x [n] or [n, 2], above 0; y [n] scores above 0; parameters A (B) alpha (beta) E, p, q."""
        size = 2 * self.variables + 3
        x, y, weights = fitting.checked(self.name, x, y, weights, size, positive=True, columns=self.variables)
        _positive(self.name, y)
        logs = np.log(x.reshape(len(y), -1))
        middle, aims = logs.mean(axis=0), np.log(y)

        def values(p: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            loss, by_loss = _sum_of_powers(p[:-2], at)
            share = sigmoid(loss, 1.0, 1.0, 0.0, 0.0)
            score = np.maximum(p[-2] * share + p[-1], 1e-6)
            slopes = np.column_stack([p[-2] * (share * (1 - share))[:, None] * by_loss, share, np.ones(len(share))])
            return score, slopes * (score > 1e-6)[:, None]

        def loss(p: np.ndarray) -> tuple[float, np.ndarray]:
            return _huber(*values(p, logs - middle), aims, weights)

        m = self.variables
        bounds = [(-30.0, 30.0)] * m + [(0.0, 10.0)] * m + [(-30.0, 30.0), (-1.0, 0.0), (0.0, 1.0)]
        low = float(min(y.min(), 0.95))
        starts = [[0.0] * m + [0.25] * m + [level, low - 1, 1.0] for level in (-3.0, -1.0, 0.0)]
        fit = fitting.minimise(loss, starts, bounds, gradient=True)
        p = fit.parameters
        parameters = _in_units(p[:-2], middle) | named(p=p[-2], q=p[-1])
        return Fitted(self.name, parameters, fit, lambda at: values(p, np.log(at.reshape(-1, m)) - middle)[0])


class LadderSigmoid(Frozen):
    """Acc(L) = a / (1 + exp(-k (L - L0))) + b, as the ladder's step 2 fits it to a task's loss in bits per byte.

    Parameters
    ----------
    chance, most : least and greatest score of the task, from which the search starts
    helper : whether a point (L = 0, Acc = most) is added, as the published fits do

    Notes
    -----
    Least squares from [chance - 1, .9, 3, most] within a in [-1, 0], L0 >= 0, k >= 0, b in [0, 1]. Where that does not
    converge, seven further starts follow without bounds; published code returns the last of them whether it converged or not,
    here `converged` tells, and `starts_failed` counts. The helper point pulls the curve to a perfect score at a loss of zero:
    a task whose labels have errors gets a ceiling that it never reaches. The further starts are numbers that suited some tasks.
    """

    name: ClassVar[str] = "ladder_sigmoid"
    chance: float = Field(default=0.25, ge=0, lt=1)
    most: float = Field(default=1.0, gt=0, le=1)
    helper: bool = True

    def fit(self, x: object, y: object, weights: object = None) -> Fitted:
        """x [n] loss; y [n] scores; parameters a, L0, k, b."""
        x, y, weights = fitting.checked(self.name, x, y, weights, 4)
        if self.helper:
            x, y, weights = np.append(x, 0.0), np.append(y, self.most), np.append(weights, 1.0)
        root = np.sqrt(weights)
        residuals = lambda p: root * (sigmoid(x, p[0], p[2], p[1], p[3]) - y)
        jacobian = lambda p: root[:, None] * slopes_of_sigmoid(x, p[0], p[2], p[1], p[3])[:, [0, 2, 1, 3]]
        bounds = [(-1.0, 0.0), (0.0, np.inf), (0.0, np.inf), (0.0, 1.0)]
        fit = fitting.minimise(residuals, [(self.chance - 1, 0.9, 3.0, self.most)], bounds, jacobian)
        if not fit.converged:
            later = fitting.minimise(residuals, FALLBACKS, [(-np.inf, np.inf)] * 4, jacobian, first=True)
            fit = fitting.joined(fit, later)
        a, middle, k, b = fit.parameters
        return Fitted(self.name, named(a=a, L0=middle, k=k, b=b), fit, lambda at: sigmoid(at, a, k, middle, b))


def _additive(name, x, y, weights, exponents, most, floor) -> Fitted:
    """Fit a sum of powers, one of each column of x, and a floor."""
    _positive(name, y)
    logs, aims, m = np.log(x), np.log(y), x.shape[1]
    middle = logs.mean(axis=0)

    def full(p: np.ndarray) -> np.ndarray:
        return p if floor else np.append(p, 0.0)

    def loss(p: np.ndarray) -> tuple[float, np.ndarray]:
        values, slopes = _sum_of_powers(full(p), logs - middle)
        return _huber(values, slopes[:, : len(p)], aims, weights)

    level = float(np.log(np.median(y)))
    starts = [
        [level - np.log(m + 1)] * m + list(powers) + [y.min() * share] * floor
        for powers, share in zip(exponents, (0.3, 0.8), strict=True)
    ]
    bounds = [(-np.inf, np.inf)] * m + [(0.0, most)] * m + [(0.0, np.inf)] * floor
    fit = fitting.minimise(loss, starts, bounds, gradient=True)
    p = full(fit.parameters)
    parameters = _in_units(p, middle)
    if not floor:
        del parameters["E"]
    return Fitted(name, parameters, fit, lambda at: _sum_of_powers(p, np.log(at.reshape(-1, m)) - middle)[0])


def _sum_of_powers(p: np.ndarray, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """sum_j exp(a_j - alpha_j logs_j) + E at p = (a_1.., alpha_1.., E), and its derivatives [n, 2 m + 1]."""
    m = logs.shape[1]
    terms = np.exp(p[:m] - logs * p[m : 2 * m])
    return terms.sum(axis=1) + p[-1], np.column_stack([terms, -terms * logs, np.ones(len(logs))])


def _huber(values: np.ndarray, slopes: np.ndarray, aims: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray]:
    """Huber loss of log values against log aims, and its gradient."""
    off = np.log(values) - aims
    size = np.abs(off)
    losses = np.where(size < DELTA, off**2 / 2, DELTA * (size - DELTA / 2))
    return float(weights @ losses), (weights * np.clip(off, -DELTA, DELTA) / values) @ slopes


def _in_units(p: np.ndarray, middle: np.ndarray) -> dict[str, float]:
    """Parameters of a sum of powers in the units of x."""
    m = len(middle)
    with np.errstate(over="ignore"):  # a steep power's factor may lie beyond all numbers, and is infinite then
        factors = {name: np.exp(p[j] + p[m + j] * middle[j]) for j, name in enumerate(_TERMS[0][:m])}
    return named(**factors) | named(**{name: p[m + j] for j, name in enumerate(_TERMS[1][:m])}) | named(E=p[2 * m])


def _positive(name: str, y: np.ndarray) -> None:
    if (y <= 0).any():
        raise UserError(f"{name}: a value is {y.min():g}; its logarithm is fitted, so give values above 0")
