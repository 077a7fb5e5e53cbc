"""Ways to forecast a score from what a series holds so far; each takes a series and a target, and one that fails says so.

Published forms (`forms`), and ours (`pooling`, `signals`), whose names say "(ours)". What ours learn from backtests stands in
`choose`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from proxylib.errors import UserError
from proxylib.studies.forecasting.forms import (
    from_signal,
    last_score,
    log_power_in_compute,
    power_in_compute,
    rising,
    single_step,
)
from proxylib.studies.forecasting.history import LEAST, History
from proxylib.studies.forecasting.pooling import Pool, line_of_peers, power_of_peers
from proxylib.studies.forecasting.series import Series, Target
from proxylib.studies.forecasting.signals import held_in

PERSISTENCE = "persistence"
OURS = " (ours)"
MOST_JUDGED = 50  # series that say whether a signal is a loss
#: about how long a fit takes, in fits of a power: what decides how many backtests there is time for
COSTS = {
    "linear": 0.2,
    "exponential": 3.0,
    "sigmoid": 10.0,
    "ladder sigmoid": 10.0,
    "flp": 12.0,
    "joint": 20.0,
    "single": 200.0,
}


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
    pool = Pool(history)
    single = _single_steps(history) if history.across else []
    two_steps = [way for name in signals for way in _two_steps(history, name)]
    return (*direct, *_pooled(history, pool), *single, *two_steps, *_of_many(history, pool))


def _pooled(history: History, pool: Pool) -> list[Method]:
    """Ours, which look at other tasks and runs; of a single series there is nothing to pool."""
    axis = history.axis
    if len(history.series) < 2:
        return [Method(f"line in log {axis}{OURS}", partial(line_of_peers, pool), 0.3)]
    return [
        Method(f"power in {axis}, exponents pooled{OURS}", partial(power_of_peers, pool), 2.0),
        Method(f"line in log {axis}, slopes pooled{OURS}", partial(line_of_peers, pool), 0.3),
    ]


def _of_many(history: History, pool: Pool) -> list[Method]:
    """Ways that take all signals of a history, however many."""
    signals = history.signals
    if len(signals) < 2:
        return []
    chosen = partial(held_in, pool, signals=signals)
    return [
        Method(f"held-in signal, then {kind}", partial(chosen, kind=kind), 0.3 * len(signals) + COSTS[kind])
        for kind in ("linear", "sigmoid")
    ]


def _two_steps(history: History, signal: str) -> list[Method]:
    """All maps after a power law of the axis; FLP and the ladder's for a signal that is a loss."""
    way = lambda name, kind, cost, **step: Method(name, partial(from_signal, signal=signal, kind=kind, **step), cost)
    ways = [way(f"{signal}, then {kind}", kind, 1 + COSTS[kind]) for kind in ("linear", "exponential", "sigmoid")]
    if _is_loss(history, signal):
        ways.append(way(f"{signal}, then linear (FLP)", "linear", COSTS["flp"], floor=False))
    if history.joint:
        kinds = ["exponential", "sigmoid", *(["ladder sigmoid"] if _is_loss(history, signal) else [])]
        ways += [way(f"{signal} in N and D, then {kind}", kind, COSTS["joint"] / 2 + COSTS[kind], joint=True) for kind in kinds]
    return ways


def _single_steps(history: History) -> list[Method]:
    """DataDecide's, of the ends of runs."""
    ways = [Method(f"single step in {history.axis}", partial(single_step, joint=False), COSTS["single"])]
    if history.joint:
        ways.append(Method("single step in N and D", partial(single_step, joint=True), COSTS["single"]))
    return ways


def _is_loss(history: History, signal: str) -> bool:
    """Whether a signal lies above 0 and falls in most series: forms that are made for a loss take no other."""
    falls = []
    for series in history.series[:MOST_JUDGED]:
        known = np.isfinite(series.signals[signal])
        values = series.signals[signal][known]
        if (values <= 0).any():
            return False
        falls.append(rising(series.x[known], values) is False)
    return bool(np.mean(falls) > 0.5)


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
