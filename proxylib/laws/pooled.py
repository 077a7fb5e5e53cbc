"""Power laws of several series, whose exponents are drawn to each other: what one series cannot tell, the others do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proxylib.laws import fitting
from proxylib.laws.curves import EXPONENTS

#: middles and spreads of the normal law of log exponents that are weighed against each other
MIDDLES = np.linspace(np.log(EXPONENTS[0]), np.log(EXPONENTS[-1]), 20)
SPREADS = np.geomspace(0.1, 3.2, 6)
EXACT = 1e-4  # a residual below this, in shares, tells one exponent from another no better


@dataclass(frozen=True, eq=False)
class Profile:
    """y = a - b x^(-c) of one series at every exponent of a grid, a and b solved.

    Parameters
    ----------
    losses, levels, slopes : [k] halved sum of squares; a; -b at the middle of the points
    middle : mean log x
    points : how many there are
    """

    losses: np.ndarray
    levels: np.ndarray
    slopes: np.ndarray
    middle: float
    points: int

    def at(self, x: float) -> np.ndarray:
        """[k] the law at x, for every exponent."""
        return self.levels + self.slopes * np.exp(-EXPONENTS * (np.log(x) - self.middle))

    def best(self, x: float) -> float:
        """The law at x, for the exponent of the least loss."""
        return float(self.at(x)[np.argmin(self.losses)])

    @property
    def likelihood(self) -> np.ndarray:
        """[k] of the exponents, the noise integrated out under a prior flat in its logarithm; 1 at the best."""
        squares = 2 * self.losses + self.points * EXACT**2
        return (squares / squares.min()) ** (-(self.points - 2) / 2)


def profile(
    x: np.ndarray, y: np.ndarray, rising: bool | None, least: float | None = None, most: float | None = None
) -> Profile:
    """A series at every exponent; the parameters are those of `curves.Power`, the errors those of `fitting.checked`."""
    x, y, weights = fitting.checked("power", x, y, None, 3, positive=True)
    logs = np.log(x)
    middle = float(logs.mean())
    sign = {None: 0, True: -1, False: 1}[rising]
    ends = (-np.inf if least is None else least, np.inf if most is None else most)
    values = np.exp(-EXPONENTS[:, None] * (logs - middle))
    losses, slopes, levels = fitting.lines(values, y, weights, sign, ends=ends)
    return Profile(losses, levels, slopes, middle, len(y))


def posteriors(likelihoods: np.ndarray) -> np.ndarray:
    """[n, k] how much each exponent weighs in each series, from [n, k] likelihoods.

    Notes
    -----
    Empirical Bayes: log exponents are drawn from a normal law, of which every middle and spread of a grid counts by its
    marginal likelihood. A series without a trend has a flat likelihood and takes the others' exponents; one with a clear
    course keeps its own. A single series takes the whole prior.
    """
    logs = np.log(EXPONENTS)
    middles, spreads = (values.ravel()[:, None] for values in np.meshgrid(MIDDLES, SPREADS, indexing="ij"))
    prior = np.exp(-(((logs - middles) / spreads) ** 2) / 2)
    prior /= prior.sum(axis=1, keepdims=True)  # [h, k]
    marginal = np.maximum(prior @ likelihoods.T, np.finfo(float).tiny)  # [h, n]
    evidence = np.log(marginal).sum(axis=1)
    hyper = np.exp(evidence - evidence.max())
    hyper /= hyper.sum()
    weights = (hyper[:, None] / marginal).T @ prior * likelihoods  # [n, k]
    return weights / weights.sum(axis=1, keepdims=True)
