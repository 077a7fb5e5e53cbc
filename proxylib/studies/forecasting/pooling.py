"""Forecasts that look at a run's other tasks, and at other runs, as far as they had come at the same moment (ours)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from proxylib.errors import UserError
from proxylib.laws import pooled
from proxylib.studies.forecasting.forms import rising
from proxylib.studies.forecasting.history import LEAST, History
from proxylib.studies.forecasting.series import Series, Target

MOST_PEERS = 40  # series that one is pooled with: more tell nothing new


class Pool:
    """Series of a history, each as it was at a moment.

    Parameters
    ----------
    history : whose series they are
    """

    def __init__(self, history: History) -> None:
        self._all = history.series
        self._cut: dict[tuple[str, str, float], Series] = {}
        self._kept: dict[tuple, object] = {}

    def tasks(self, series: Series) -> list[Series]:
        """Other tasks of the same run (of a ladder, of the same runs), as they were when the series was what it is."""
        return self._at(series, [s for s in self._all if s.run == series.run and s.task != series.task])

    def peers(self, series: Series) -> list[Series]:
        """Other tasks of the run first, then tasks of other runs at the same place."""
        others = [s for s in self._all if s.run != series.run]
        room = max(MOST_PEERS - len(self.tasks(series)), 0)
        if len(others) > room:
            others = [others[place] for place in np.linspace(0, len(others) - 1, room).round().astype(int)]
        return [*self.tasks(series), *self._at(series, others)]

    def _at(self, series: Series, others: list[Series]) -> list[Series]:
        if len(others) > MOST_PEERS:
            others = [others[place] for place in np.linspace(0, len(others) - 1, MOST_PEERS).round().astype(int)]
        cut = moment(series)
        points = [self._until(other, cut) for other in others]
        return [p for p in points if len(p) and len(p.ends) > LEAST and np.ptp(p.ends.score)]

    def _until(self, series: Series, cut: float) -> Series:
        key = (series.task, series.run, cut)
        if key not in self._cut:
            self._cut[key] = series.until(cut * (1 + 1e-9))
        return self._cut[key]

    def kept(self, key: tuple, make) -> object:
        """What was computed before under a key."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


def moment(series: Series) -> float:
    """How far what is known of a series goes."""
    return float(series.end.max())


def power_of_peers(pool: Pool, series: Series, target: Target) -> float:
    """A power law whose exponent is drawn to those of other tasks and runs: the mean over what its posterior leaves open."""
    alone = _profile(series)
    others = [
        pool.kept(("exponents", peer.task, peer.run, moment(series)), lambda peer=peer: _profile(peer).likelihood)
        for peer in pool.peers(series)
    ]
    weights = pooled.posteriors(np.stack([alone.likelihood, *others]))[0]
    return float(weights @ alone.at(target.x))


def _profile(series: Series) -> pooled.Profile:
    points = series.ends
    return pooled.profile(points.x, points.score, rising(points.x, points.score), 0.0, 1.0)


class Trend(NamedTuple):
    """A line in log x through the later half of a series' points, in ratios.

    Parameters
    ----------
    level, middle : mean score and mean log x
    slope, error : per unit of log x, and its standard error by what lies off the line
    noise : the slope's standard error by the noise of the scores themselves
    """

    level: float
    middle: float
    slope: float
    error: float
    noise: float


def line_of_peers(pool: Pool, series: Series, target: Target) -> float:
    """A line in log x through the later half, its slope drawn to the mean of the run's tasks by how noisy both are."""
    trend = pooled_trend(pool, series)
    return trend.level + trend.slope * (np.log(target.x) - trend.middle)


def pooled_trend(pool: Pool, series: Series) -> Trend:
    """The recent trend of a series, its slope drawn to those of the run's other tasks."""
    mine = _trend(series)
    others = [
        pool.kept(("line", peer.task, peer.run, moment(series)), lambda peer=peer: _trend(peer)) for peer in pool.tasks(series)
    ]
    if not others:
        return mine
    slopes, errors = (np.array([getattr(trend, name) for trend in (mine, *others)]) for name in ("slope", "error"))
    between = max(float(np.var(slopes, ddof=1) - np.mean(errors**2)), 0.0)
    kept = between / (between + mine.error**2) if between + mine.error**2 else 1.0
    return mine._replace(slope=float(slopes.mean() + kept * (mine.slope - slopes.mean())))


def _trend(series: Series) -> Trend:
    points = series.ends
    logs = np.log(points.x)
    later = logs >= (logs[0] + logs[-1]) / 2
    if later.sum() < LEAST:
        later = np.arange(len(points)) >= len(points) - LEAST
    x, y = logs[later], points.score[later]
    centred = x - x.mean()
    if not centred.any():
        raise UserError("line: all points lie at one place")
    squares = float(centred @ centred)
    slope = float(centred @ y / squares)
    left = y - y.mean() - slope * centred
    error = np.sqrt(left @ left / max(len(y) - 2, 1) / squares)
    noise = np.median(points.spread[later]) / np.sqrt(squares)
    return Trend(float(y.mean()), float(x.mean()), slope, float(error), float(noise))
