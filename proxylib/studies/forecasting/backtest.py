"""The history's own past, forecast again: at earlier moments every method sees what there was, and is asked about a checkpoint
that lies as far ahead, in ratio, as the target does now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from proxylib.studies.forecasting.history import LEAST, History
from proxylib.studies.forecasting.methods import Method, predict
from proxylib.studies.forecasting.series import Series, Target
from proxylib.studies.forecasting.signals import NAMED

MOMENTS = 3  # of one series, half a horizon apart, the last one as late as can be: the later, the more like now
MOST_MOMENTS = 6  # where pairs are few
ENOUGH = 9  # pairs: from here on the errors of pairs have a 90 % quantile of their own
LEAST_TESTS = 24  # however dear they are
MOST_TESTS = 240
BUDGET = 4500.0  # fits of a power, in all backtests together: what 100,000 rows may take, in seconds
LEAST_HORIZON = 1.25  # below, backtests say nothing of a forecast
MOST_SIGNALS = 8
COLUMNS = ["task", "run", "tested", "horizon", "x", "method", "estimate", "score", "last", "doubt", "failed", "fallback"]


class Test(NamedTuple):
    """One forecast of the past.

    Parameters
    ----------
    known : what there was
    target : which checkpoint is asked about
    score : what it scored
    run : that it belongs to
    """

    known: Series
    target: Target
    score: float
    run: str


def reach(history: History) -> float:
    """The longest horizon, up to the target's own, at which half of the open series can be asked about their past."""
    longest = [max((h for h in _horizons(series)), default=0.0) for series in history.open]
    return float(min(history.horizon, np.median(longest) * (1 - 1e-9)))


def _horizons(series: Series) -> Iterator[float]:
    """From the first moment at which a law can be fitted to each later checkpoint."""
    ends = np.sort(series.end[series.x == series.end])
    if len(ends) > LEAST:
        yield from ends[LEAST:] / ends[LEAST - 1]


def tests(history: History, horizon: float, cost: float) -> list[Test]:
    """Forecasts of the past at a horizon, as many as there is time for.

    Parameters
    ----------
    history : whose series are asked
    horizon : ratio of what is asked about to what is known
    cost : of one forecast by all methods, in fits

    Returns
    -------
    list
        Of series spread evenly over the history where there are too many; of moments the latest, half a horizon apart.
    """
    places = [(series, _askable(series, horizon)) for series in history.series]
    places = [(series, rows) for series, rows in places if len(rows)]
    if not places:
        return []
    room = room_for(cost)
    if len(places) > room:
        places = [places[number] for number in np.linspace(0, len(places) - 1, room).round().astype(int)]
    each = min(MOMENTS if len(places) >= ENOUGH else MOST_MOMENTS, max(1, room // len(places)))
    asked = [(series, row) for series, rows in places for row in _latest(series, rows, horizon, each)]
    if history.across:  # every run is one of its own
        asked = [(series, row) for series, rows in places for row in rows[-max(1, room // len(places)) :]]
    return [_test(series, row, horizon) for series, row in asked]


def room_for(cost: float) -> int:
    """How many tests there is time for, if one takes so many fits."""
    return int(np.clip(BUDGET / max(cost, 1e-9), LEAST_TESTS, MOST_TESTS))


def _askable(series: Series, horizon: float) -> np.ndarray:
    """Points that lie so far beyond at least `LEAST` others: checkpoints of a run, or ends of runs."""
    rows = np.flatnonzero(series.x == series.end)
    ends = np.sort(series.end[rows])
    before = np.searchsorted(ends, series.x[rows] / horizon * (1 + 1e-9), side="right")
    return rows[before >= LEAST]


def _latest(series: Series, rows: np.ndarray, horizon: float, count: int) -> np.ndarray:
    """Of the points that can be asked about, the last one and those half a horizon apart before it, in order."""
    x = series.x[rows]
    places = np.searchsorted(x, x[-1] * horizon ** (-np.arange(count) / 2) * (1 + 1e-9), side="right") - 1
    return rows[np.unique(places[places >= 0])]


def _test(series: Series, row: int, horizon: float) -> Test:
    x = float(series.x[row])
    target = Target(x, float(series.parameters[row]), float(series.tokens[row]))
    run = series.run or str(series.runs[row])
    return Test(series.until(x / horizon * (1 + 1e-9)), target, float(series.score[row]), run)


def replay(methods: Sequence[Method], asked: Sequence[Test]) -> pd.DataFrame:
    """A row per test and method.

    Returns
    -------
    pd.DataFrame
        task, run; tested (number of the test); horizon (ratio asked about); x (asked about); method, estimate, score (what
        came), last (what was known last), doubt (see `Series.doubt`), all scores as shares; failed, fallback (see `methods`)
    """
    rows = []
    for number, test in enumerate(asked):
        known = test.known
        horizon = test.target.x / float(known.end.max())
        about = (known.task, test.run, number, horizon, test.target.x)
        doubt = known.doubt(horizon)
        for method in methods:
            said = predict(method, known, test.target)
            rows.append(
                (*about, method.name, said.value, test.score, float(known.score[-1]), doubt, said.failed, said.fallback)
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def screened(history: History, horizon: float) -> tuple[str, ...]:
    """The signals that are forecast one by one: all, or those that the paper names and those that go best with scores.

    Judged by the mean size of the rank correlation with the score over series, on what was known at the first test alone. Which
    of all signals to trust is another matter, and decided on other tasks (`signals.held_in`).
    """
    if len(history.signals) <= MOST_SIGNALS:
        return history.signals
    merit = dict.fromkeys(history.signals, 0.0)
    for series in history.open[:50]:
        rows = _askable(series, horizon)
        first = series.until(series.x[rows[0]] / horizon * (1 + 1e-9)) if len(rows) else series
        for name in history.signals:
            values = first.signals[name]
            known = np.isfinite(values)
            if known.sum() >= LEAST and np.ptp(values[known]) and np.ptp(first.score[known]):
                merit[name] += abs(float(spearmanr(values[known], first.score[known]).statistic))
    best = sorted(history.signals, key=lambda name: (name not in NAMED, -merit[name]))[:MOST_SIGNALS]
    return tuple(name for name in history.signals if name in best)
