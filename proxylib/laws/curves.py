"""Laws in one variable: a signal or a score over compute, tokens or steps; and a score over a signal.

Every law is a frozen object that `fit` turns into a `Fitted`, which predicts and says how the search went. x may have any
unit: it is scaled inside, and parameters come back in the units given. The ladder's own forms stand in `ladder.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from proxylib.errors import UserError
from proxylib.laws import fitting
from proxylib.laws.fitting import Fit
from proxylib.settings import Frozen

#: range of a power's exponent; at its lower end the law is nearly a straight line in log x
EXPONENTS = np.geomspace(0.01, 2, 60)
#: how often an exponential falls to 1/e over the range of the points
RATES = np.geomspace(0.02, 50, 60)
#: steepness of a sigmoid in ranges of the points, and its middle as a place in that range
STEEPNESS, MIDDLES = np.geomspace(0.3, 60, 16), np.linspace(-1.5, 2.5, 25)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A law with parameters.

    Parameters
    ----------
    law : its name
    parameters : by name, in the units of the points
    fit : how the search went; look at `fit.converged` before trusting anything
    curve : x -> y
    """

    law: str
    parameters: dict[str, float]
    fit: Fit
    curve: Callable[[np.ndarray], np.ndarray]

    def predict(self, x: object) -> np.ndarray:
        """The law at x ([n], or [n, 2] for laws in size and tokens); nan where the fit has no parameters."""
        with np.errstate(all="ignore"):
            return self.curve(np.asarray(x, float))


def named(**parameters: float) -> dict[str, float]:
    """Parameters by name, in plain floats."""
    return {name: float(value) for name, value in parameters.items()}


def turns(rising: bool | None) -> tuple[bool, ...]:
    """The directions that are to be tried: the one that is known, or both."""
    return (True, False) if rising is None else (rising,)


def better(fits: list[Fitted]) -> Fitted:
    """The lowest loss of those that converged; the first where none did."""
    return min(fits, key=lambda fitted: (not fitted.fit.converged, fitted.fit.loss))


class Power(Frozen):
    """y = a - b t^(-c) with c in [0.01, 2]: towards a from below (b > 0), or from above (b < 0).

    Parameters
    ----------
    rising : whether y is to rise with t; None lets the points decide
    least, most : bounds of a, where y itself has them: 1 for the share of items that are right, 0 for a loss

    Notes
    -----
    Setting 3 of the proxy-metrics paper fits it to a proxy over steps, and to scores as its baseline; the paper leaves open
    how. Here b and a are solved exactly for every c (`fitting.profile`), so that no start can be wrong. It misleads where the
    points are few or early: then c runs to 0.01 and a lies far outside of what a score can be, while the fit looks perfect;
    bounds of a keep it from the worst.
    """

    name: ClassVar[str] = "power"
    rising: bool | None = None
    least: float | None = None
    most: float | None = None

    def fit(self, x: object, y: object, weights: object = None) -> Fitted:
        """Least squares of y; x [n] above 0, parameters a, b, c."""
        x, y, weights = fitting.checked(self.name, x, y, weights, 3, positive=True)
        logs = np.log(x)
        middle = logs.mean()
        basis = lambda c: np.exp(-c[:, None] * (logs - middle))

        sign = {None: 0, True: -1, False: 1}[self.rising]
        ends = (-np.inf if self.least is None else self.least, np.inf if self.most is None else self.most)
        fit = fitting.profile(basis, EXPONENTS, y, weights, sign, ends=ends)
        a, slope, c = fit.parameters
        curve = lambda t: a + slope * np.exp(-c * (np.log(t) - middle))
        return Fitted(self.name, named(a=a, b=-slope * np.exp(c * middle), c=c), fit, curve)


class LogPower(Frozen):
    """-log y = A t^(-alpha): a power law of the log score, which ends at 1.

    Notes
    -----
    Krajewski et al. 2025 (2512.08894), who fit it over compute at a fixed ratio of tokens to parameters. Least squares of
    log y. It misleads for tasks whose scores do not end at 1, and near chance, where log y hardly moves.
    """

    name: ClassVar[str] = "log_power"

    def fit(self, x: object, y: object, weights: object = None) -> Fitted:
        """Least squares of log y; x [n] above 0, y in (0, 1], parameters A, alpha."""
        x, y, weights = fitting.checked(self.name, x, y, weights, 2, positive=True)
        if ((y <= 0) | (y > 1)).any():
            worst = y[(y <= 0) | (y > 1)][0]
            raise UserError(f"{self.name}: a score is {worst:g}; give shares above 0 and up to 1")
        logs = np.log(x)
        middle = logs.mean()
        basis = lambda alpha: np.exp(-alpha[:, None] * (logs - middle))
        fit = fitting.profile(basis, EXPONENTS, np.log(y), weights, -1, intercept=False)
        _, slope, alpha = fit.parameters
        curve = lambda t: np.exp(slope * np.exp(-alpha * (np.log(t) - middle)))
        return Fitted(self.name, named(A=-slope * np.exp(alpha * middle), alpha=alpha), fit, curve)


class Linear(Frozen):
    """score = w0 + w1 x, over the points whose score lies above chance: past emergence.

    Parameters
    ----------
    chance : score of guessing; None takes every point
    margin : above chance by which a score has emerged

    Notes
    -----
    Second stage of FLP (Chen et al. 2024, 2410.08527). Keeping the points whose noise lay above chance, and leaving those
    whose noise lay below, tilts the line; the more, the nearer a task is to chance. It ends at no ceiling.
    """

    name: ClassVar[str] = "linear"
    chance: float | None = Field(default=None, ge=0, lt=1)
    margin: float = Field(default=0.0, ge=0)

    def fit(self, x: object, y: object, weights: object = None) -> Fitted:
        """Weighted least squares of y; x [n], parameters w0, w1."""
        if self.chance is not None:
            y = np.asarray(y, float)
            weights = np.where(y > self.chance + self.margin, np.ones(y.shape) if weights is None else weights, 0.0)
        x, y, weights = fitting.checked(f"{self.name} (points above chance)", x, y, weights, 2)
        share = weights / weights.sum()
        centred = x - x @ share
        with np.errstate(over="ignore"):
            spread = centred**2 @ share
        if not 0 < spread < np.inf:
            raise UserError(f"{self.name}: x varies by {np.ptp(x):g}, whose square is no number; give it in another unit")
        w1 = (centred * y) @ share / spread
        w0 = y @ share - w1 * (x @ share)
        loss = weights @ (y - w0 - w1 * x) ** 2 / 2
        fit = Fit(np.array([w0, w1]), float(loss), True, "solved exactly", 1, 0)
        return Fitted(self.name, named(w0=w0, w1=w1), fit, lambda t: w0 + w1 * t)


class Exponential(Frozen):
    """score = floor + k exp(-gamma x) for a loss x: error rises to 1 - floor as the loss grows.

    Parameters
    ----------
    rising : whether the score rises with x (a probability) or falls (a loss); None lets the points decide

    Notes
    -----
    Gadre et al. 2024 (2403.08540): Err(L) = eps - k exp(-gamma L), so floor = 1 - eps; their code writes it
    e - a exp(x)^(-b) and fits it unbounded from parameters that are all 1, which may end anywhere. Here floor and k are solved
    exactly for every gamma (`fitting.profile`) and k, gamma > 0. It ends at no ceiling: below the losses that were seen, the
    score grows without bound.
    """

    name: ClassVar[str] = "exponential"
    rising: bool | None = None

    def fit(self, x: object, y: object, weights: object = None) -> Fitted:
        """Least squares of y; x [n], parameters floor, k, gamma (below 0 where the score rises with x)."""
        x, y, weights = fitting.checked(self.name, x, y, weights, 3)
        low, span = x.min(), np.ptp(x)

        def fitted(rising: bool) -> Fitted:
            turn, start = (-1.0, low + span) if rising else (1.0, low)
            basis = lambda rate: np.exp(-rate[:, None] * turn * (x - start) / span)
            fit = fitting.profile(basis, RATES, y, weights, 1)
            floor, height, rate = fit.parameters
            gamma = turn * rate / span
            curve = lambda t: floor + height * np.exp(-gamma * (t - start))
            with np.errstate(over="ignore"):  # a steep fit's k is infinite as published; the curve is not written with it
                k = height * np.exp(gamma * start)
            return Fitted(self.name, named(floor=floor, k=k, gamma=gamma), fit, curve)

        return better([fitted(rising) for rising in turns(self.rising)])


class Sigmoid(Frozen):
    """score = a / (1 + exp(-k (x - x0))) + b with a in [-1, 0] and b in [0, 1], for a signal of any unit and direction.

    Parameters
    ----------
    rising : whether the score rises with x; None lets the points decide

    Notes
    -----
    The form of the ladder's second step (Bhagia et al. 2024); that one's own starts and bounds suit bits per byte alone and
    stand in `ladder.LadderSigmoid`. Here x is scaled to the range of the points and turned so that the score falls with it;
    a grid over steepness and middle, with a and b solved, gives the start. Both ends of the curve are guesses where the
    points show one of them or none.
    """

    name: ClassVar[str] = "sigmoid"
    rising: bool | None = None

    def fit(self, x: object, y: object, weights: object = None) -> Fitted:
        """Least squares of y; x [n], parameters a, k, x0, b (k below 0 where the score rises with x)."""
        x, y, weights = fitting.checked(self.name, x, y, weights, 4)
        low, span = x.min(), np.ptp(x)
        return better([self._turned(x, y, weights, low, span, rising) for rising in turns(self.rising)])

    def _turned(self, x, y, weights, low, span, rising) -> Fitted:
        place = lambda t: (low + span - t) / span if rising else (t - low) / span
        z, root = place(x), np.sqrt(weights)

        def residuals(p: np.ndarray) -> np.ndarray:
            return root * (sigmoid(z, *p) - y)

        def jacobian(p: np.ndarray) -> np.ndarray:
            return root[:, None] * slopes_of_sigmoid(z, *p)

        bounds = [(-1.0, 0.0), (0.0, 100.0), (-5.0, 6.0), (0.0, 1.0)]
        fit = fitting.minimise(residuals, self._starts(z, y, weights), bounds, jacobian, first=True)
        a, k, middle, b = fit.parameters
        flat = weights @ (y - np.average(y, weights=weights)) ** 2 / 2
        if fit.converged and fit.loss > (1 - 1e-6) * flat:
            fit = fit.failed(fitting.NO_TREND)
        turn = -1.0 if rising else 1.0
        x0 = low + span * (1 - middle if rising else middle)
        return Fitted(self.name, named(a=a, k=turn * k / span, x0=x0, b=b), fit, lambda t: sigmoid(place(t), a, k, middle, b))

    @staticmethod
    def _starts(z: np.ndarray, y: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
        """The two best nodes of the grid that are of different steepness, with a and b solved by weighted least squares."""
        k, middle = (values.ravel() for values in np.meshgrid(STEEPNESS, MIDDLES, indexing="ij"))
        values = sigmoid(z, 1.0, k[:, None], middle[:, None], 0.0)  # [nodes, n]
        share = weights / weights.sum()
        centred = values - (values @ share)[:, None]
        spread = centred**2 @ share
        a = np.divide(centred @ (share * y), spread, out=np.zeros(len(k)), where=spread > 1e-12).clip(-1, -1e-3)
        b = np.clip(y @ share - a * (values @ share), 0, 1)
        losses = (y - a[:, None] * values - b[:, None]) ** 2 @ share
        by_steepness = losses.reshape(len(STEEPNESS), -1).argmin(axis=1) + np.arange(len(STEEPNESS)) * len(MIDDLES)
        best = by_steepness[np.argsort(losses[by_steepness], kind="stable")[[0, 4]]]
        return [np.array([a[node], k[node], middle[node], b[node]]) for node in best]


def sigmoid(x: np.ndarray, a: object, k: object, x0: object, b: object) -> np.ndarray:
    """a / (1 + exp(-k (x - x0))) + b, without overflow."""
    return a / (1 + np.exp(-np.clip(k * (x - x0), -500, 500))) + b


def slopes_of_sigmoid(x: np.ndarray, a: float, k: float, x0: float, b: float) -> np.ndarray:
    """[n, 4] derivatives of `sigmoid` by a, k, x0, b."""
    share = sigmoid(x, 1.0, k, x0, 0.0)
    bend = a * share * (1 - share)
    return np.stack([share, bend * (x - x0), -bend * k, np.ones_like(share)], axis=1)
