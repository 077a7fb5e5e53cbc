"""Published forms of a forecast, each from a series and a target to a score; one that cannot be fitted raises `UserError`.

Formulas, bounds and starts are those of `laws`; which form is whose stands with each.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from proxylib.errors import UserError
from proxylib.laws.curves import Exponential, Fitted, Linear, LogPower, Power, Sigmoid
from proxylib.laws.ladder import Chinchilla, Chinchilla1, LadderSigmoid, SingleStep
from proxylib.studies.forecasting.series import Series, Target

#: from a signal to the score
MAPS = ("linear", "exponential", "sigmoid", "ladder sigmoid")
#: from the axis to a signal: a - b x^(-c); A x^(-alpha); A N^(-alpha) + B D^(-beta) + E
STEPS = ("power", "power without floor", "power in N and D")
CHANCE = 0.25  # where the ladder's search starts if nobody said what guessing gets


def last_score(series: Series) -> float:
    """The score furthest along."""
    return float(series.score[-1])


def power_in_compute(series: Series, target: Target) -> float:
    """score = a - b x^(-c) with c in [.01, 2], and a between 0 and 1, where a share can end (the proxy-metrics paper)."""
    points = series.ends
    return settled(Power(rising=rising(points.x, points.score), least=0.0, most=1.0).fit(points.x, points.score), target.x)


def log_power_in_compute(series: Series, target: Target) -> float:
    """-log score = A x^(-alpha) (Krajewski et al. 2025); scores of zero have no logarithm and are left out."""
    points = series.ends
    above = points.score > 0
    return settled(LogPower().fit(points.x[above], points.score[above]), target.x)


def single_step(series: Series, target: Target, joint: bool) -> float:
    """A sigmoid of a power law of compute, or of parameters and tokens, in one fit (DataDecide; `laws.ladder.SingleStep`)."""
    points = series.ends
    points = points.take(np.flatnonzero(points.score > 0))
    if joint:
        return settled(SingleStep(variables=2).fit(_sizes(points), points.score), _size(target))
    return settled(SingleStep(variables=1).fit(points.x, points.score), target.x)


def from_signal(series: Series, target: Target, signal: str, kind: str, joint: bool = False, floor: bool = True) -> float:
    """The signal by a power law of the axis, or of parameters and tokens, and from there to the score.

    Parameters
    ----------
    signal : its name
    kind : of the map, see `MAPS`
    joint : whether the first step is the ladder's, in parameters and tokens
    floor : whether a power law of the axis ends at a floor

    Notes
    -----
    The first step stands on the ends of runs, the second on all checkpoints, as the ladder has it; of one run both stand on
    its checkpoints. The linear map is fitted to checkpoints above chance, where `chance` is known. Power law without floor,
    then linear, is FLP (Chen et al. 2024); N and D, then exponential, is Gadre et al. 2024; N and D, then the ladder's
    sigmoid, is Bhagia et al. 2024; with any sigmoid, the proxy-metrics paper's baseline.
    """
    expected = _expected(series, target, signal, STEPS[2] if joint else STEPS[0] if floor else STEPS[1])
    return mapped(series, signal, kind, expected)


@lru_cache(maxsize=32)  # every map of a signal stands on the same first step
def _expected(series: Series, target: Target, signal: str, step: str) -> float:
    ends = with_signal(series.ends, signal)
    values = ends.signals[signal]
    if step == "power in N and D":
        return settled(Chinchilla().fit(_sizes(ends), values), _size(target))
    if step == "power without floor":
        fitted = Chinchilla1(floor=False).fit(ends.x, values)
        if fitted.parameters["alpha"] <= 0:
            raise UserError(f"{fitted.law}: {signal} does not fall")
        return settled(fitted, target.x)
    return settled(Power(rising=rising(ends.x, values)).fit(ends.x, values), target.x)


def mapped(series: Series, signal: str, kind: str, expected: float) -> float:
    """The score where a signal has a value, by a map fitted to the series' checkpoints."""
    points = with_signal(series.thinned, signal)
    if kind == "linear":
        points = points.take(np.flatnonzero(points.emerged))
        law = Linear()
    elif kind == "ladder sigmoid":
        law = LadderSigmoid(chance=points.chance if np.isfinite(points.chance) else CHANCE)
    else:
        law = {"exponential": Exponential, "sigmoid": Sigmoid}[kind](rising=rising(points.signals[signal], points.score))
    return settled(law.fit(points.signals[signal], points.score), expected)


def with_signal(series: Series, signal: str) -> Series:
    """Points that have the signal."""
    return series.take(np.flatnonzero(np.isfinite(series.signals[signal])))


def settled(fitted: Fitted, at: object) -> float:
    """The forecast of a fit that came to a minimum."""
    if not fitted.fit.converged:
        raise UserError(f"{fitted.law}: {fitted.fit.reason}")
    return float(np.ravel(fitted.predict(np.atleast_1d(at)))[0])


def rising(x: np.ndarray, y: np.ndarray) -> bool | None:
    """Whether y rises with x by a straight line in ranks; None where it does neither."""
    if len(x) < 2:
        return None
    ranks = [np.argsort(np.argsort(values, kind="stable"), kind="stable") for values in (x, y)]
    slope = float(np.cov(*ranks)[0, 1])
    return None if slope == 0 else slope > 0


def _sizes(points: Series) -> np.ndarray:
    return np.column_stack([points.parameters, points.tokens])


def _size(target: Target) -> np.ndarray:
    return np.array([[target.parameters, target.tokens]])
