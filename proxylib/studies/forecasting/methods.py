"""Ways to forecast a score from what a series holds so far; each takes a series and a target, and one that fails says so.

Published forms, then ours, whose names say "(ours)". What ours learn from backtests stands in `choose`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from proxylib.errors import UserError
from proxylib.laws.curves import Exponential, Linear, LogPower, Power, Sigmoid
from proxylib.laws.ladder import Chinchilla
from proxylib.studies.forecasting.history import LEAST, History
from proxylib.studies.forecasting.series import Series, Target

PERSISTENCE = "persistence"
OURS = " (ours)"
MAPS = {"linear": Linear, "exponential": Exponential, "sigmoid": Sigmoid}
#: about how long a fit takes, in fits of a power: what decides how many backtests there is time for
COSTS = {"linear": 0.2, "exponential": 2.0, "sigmoid": 20.0}


class Prediction(NamedTuple):
    """A score, as a share.

    Parameters
    ----------
    value : of the method, or of persistence where that did not work
    failed : whether a fit failed
    fallback : why the last score stands for a forecast; empty where it does not
    """

    value: float
    failed: bool = False
    fallback: str = ""


@dataclass(frozen=True)
class Method:
    """A way to forecast.

    Parameters
    ----------
    name : as tables show it
    score : series, target -> score; raises `UserError` where a fit fails
    cost : about how many fits of a power it takes
    """

    name: str
    score: Callable[[Series, Target], float]
    cost: float = 1.0


def methods(history: History, signals: tuple[str, ...]) -> tuple[Method, ...]:
    """All that apply to a history, persistence first.

    Parameters
    ----------
    history : decides whether laws in size and tokens apply
    signals : those that are forecast on the way to the score
    """
    axis = history.axis
    direct = [
        Method(PERSISTENCE, lambda series, target: last_score(series), 0.0),
        Method(f"power in {axis}", power_in_compute),
        Method(f"log power in {axis}", log_power_in_compute),
        Method(f"persistence, smoothed{OURS}", lambda series, target: last_score(series.smoothed), 0.0),
        Method(f"power in {axis}, smoothed{OURS}", lambda series, target: power_in_compute(series.smoothed, target)),
    ]
    two_steps = [_two_step(name, kind, joint=False) for name in signals for kind in MAPS]
    joint = [_two_step(name, kind, joint=True) for name in signals for kind in ("sigmoid",) if history.joint]
    return (*direct, *two_steps, *joint)


def predict(method: Method, series: Series, target: Target) -> Prediction:
    """What a method says, within 0 and 1; persistence where it says nothing, with the reason."""
    last = last_score(series)
    if method.name == PERSISTENCE:
        return Prediction(last)
    if series.at_chance:
        return Prediction(last, fallback="scores at chance")
    if len(series.ends) < LEAST:
        return Prediction(last, fallback="too few points")
    if np.ptp(series.score) == 0:
        return Prediction(last, fallback="constant scores")
    try:
        value = method.score(series, target)
    except UserError as error:
        return Prediction(last, True, str(error))
    if not np.isfinite(value):
        return Prediction(last, True, "no finite forecast")
    return Prediction(float(np.clip(value, 0, 1)))


def last_score(series: Series) -> float:
    """The score furthest along."""
    return float(series.score[-1])


def power_in_compute(series: Series, target: Target) -> float:
    """score = a - b x^(-c) with c in [.01, 2], and a between 0 and 1, where a share can end."""
    points = series.ends
    return _settled(Power(rising=_rising(points.x, points.score), least=0.0, most=1.0).fit(points.x, points.score), target.x)


def log_power_in_compute(series: Series, target: Target) -> float:
    """-log score = A x^(-alpha) (Krajewski et al. 2025); scores of zero have no logarithm and are left out."""
    points = series.ends
    above = points.score > 0
    return _settled(LogPower().fit(points.x[above], points.score[above]), target.x)


def _two_step(signal: str, kind: str, joint: bool) -> Method:
    return Method(
        f"{signal}{' in N and D' if joint else ''}, then {kind}",
        lambda series, target: from_signal(series, target, signal, kind, joint),
        (3.0 if joint else 1.0) + COSTS[kind],
    )


def from_signal(series: Series, target: Target, signal: str, kind: str, joint: bool = False) -> float:
    """The signal by a power law of the axis, or of parameters and tokens, and from there to the score.

    Parameters
    ----------
    signal : its name
    kind : of the map, see `MAPS`
    joint : whether the first step is the ladder's, in parameters and tokens

    Notes
    -----
    The first step stands on the ends of runs, the second on all checkpoints, as the ladder has it; of one run both stand on
    its checkpoints. The linear map is fitted to checkpoints above chance, where `chance` is known.
    """
    ends, points = _with(series.ends, signal), _with(series.thinned, signal)
    if joint:
        first = Chinchilla().fit(np.column_stack([ends.parameters, ends.tokens]), ends.signals[signal])
        expected = _settled(first, np.array([[target.parameters, target.tokens]]))
    else:
        first = Power(rising=_rising(ends.x, ends.signals[signal])).fit(ends.x, ends.signals[signal])
        expected = _settled(first, target.x)
    if kind == "linear":
        points = points.take(np.flatnonzero(points.emerged))
        law = Linear()
    else:
        law = MAPS[kind](rising=_rising(points.signals[signal], points.score))
    return _settled(law.fit(points.signals[signal], points.score), expected)


def _with(series: Series, signal: str) -> Series:
    """Points that have the signal."""
    return series.take(np.flatnonzero(np.isfinite(series.signals[signal])))


def _settled(fitted, at) -> float:
    """The forecast of a fit that came to a minimum."""
    if not fitted.fit.converged:
        raise UserError(f"{fitted.law}: {fitted.fit.reason}")
    return float(np.ravel(fitted.predict(np.atleast_1d(at)))[0])


def _rising(x: np.ndarray, y: np.ndarray) -> bool | None:
    """Whether y rises with x by a straight line in ranks; None where it does neither."""
    if len(x) < 2:
        return None
    ranks = [np.argsort(np.argsort(values, kind="stable"), kind="stable") for values in (x, y)]
    slope = float(np.cov(*ranks)[0, 1])
    return None if slope == 0 else slope > 0
