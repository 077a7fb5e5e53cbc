"""What a method of forecasting sees: checkpoints of one task up to a moment, and the place it is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

MOST_POINTS = 40  # checkpoints of a series that laws are fitted to, spaced by ratios: more tell a curve nothing new
NEIGHBOURS = 1.3  # checkpoints within this factor of each other are averaged where a method smooths
NEGLIGIBLE = 0.005  # half a point: nobody decides by less
_Z = 2.0  # standard errors within which a score is no better than chance


@dataclass(frozen=True)
class Target:
    """Where a score is asked for: `x` on the axis of the horizon, size and tokens where they are columns (nan elsewhere)."""

    x: float
    parameters: float = np.nan
    tokens: float = np.nan


@dataclass(frozen=True, eq=False)
class Series:
    """Checkpoints of one task: of one run, in order; or the ends of runs of many sizes, and what lies before them.

    Parameters
    ----------
    task, run : names; `run` is empty where many runs are one series
    chance : share that guessing gets right; nan where nobody said
    x : [n] place on the axis, above 0, in order
    score : [n] shares
    noise : [n] standard error of each score; nan where neither items nor stderr are given
    parameters, tokens : [n]; nan where they are no columns
    signals : name -> [n]; nan where a checkpoint lacks one
    end : [n] where the point's run ends; `x` itself for a series of one run
    runs : [n] number of the run that a point belongs to
    """

    task: str
    run: str
    chance: float
    x: np.ndarray
    score: np.ndarray
    noise: np.ndarray
    parameters: np.ndarray
    tokens: np.ndarray
    signals: Mapping[str, np.ndarray]
    end: np.ndarray
    runs: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: np.ndarray | slice) -> Series:
        """Some of the points, in their order."""
        columns = ("x", "score", "noise", "parameters", "tokens", "end", "runs")
        picked = {name: getattr(self, name)[rows] for name in columns}
        return replace(self, **picked, signals={name: values[rows] for name, values in self.signals.items()})

    def until(self, cut: float) -> Series:
        """What was known at a moment: points of runs, or of the one run, that had come no further."""
        if self.run:
            return self.take(slice(0, int(np.searchsorted(self.x, cut, side="right"))))
        return self.take(np.flatnonzero(self.end <= cut))

    @cached_property
    def ends(self) -> Series:
        """Points that laws in compute are fitted to: the ends of runs, or checkpoints of the one run, thinned."""
        return self.thinned if self.run else self.take(np.flatnonzero(self.x == self.end)).thinned

    @cached_property
    def thinned(self) -> Series:
        """At most `MOST_POINTS` checkpoints (a run, where there are many): the last one of each step of equal ratio."""
        if len(self) <= MOST_POINTS:
            return self
        kept = [rows[_spaced(self.x[rows], self._each)] for rows in self._by_run()]
        return self.take(np.sort(np.concatenate(kept)))

    @property
    def _each(self) -> int:
        return MOST_POINTS if self.run else max(MOST_POINTS // len(np.unique(self.runs)), 4)

    def _by_run(self) -> list[np.ndarray]:
        return [np.flatnonzero(self.runs == number) for number in np.unique(self.runs)]

    @cached_property
    def smoothed(self) -> Series:
        """The thinned points, each the mean of all checkpoints of its run within a factor around it."""
        points = self.thinned
        reach = np.sqrt(NEIGHBOURS)
        score, signals = points.score.copy(), {name: values.copy() for name, values in points.signals.items()}
        for place, (x, run) in enumerate(zip(points.x, points.runs, strict=True)):
            near = slice(np.searchsorted(self.x, x / reach), np.searchsorted(self.x, x * reach, side="right"))
            mine = self.runs[near] == run
            score[place] = self.score[near][mine].mean()
            for name, values in signals.items():
                around = self.signals[name][near][mine]
                values[place] = around[np.isfinite(around)].mean() if np.isfinite(around).any() else np.nan
        return replace(points, score=score, signals=signals)

    @cached_property
    def at_chance(self) -> bool:
        """Whether no checkpoint is better than guessing; False where nobody said what guessing gets."""
        return bool(np.isfinite(self.chance)) and bool((self.score <= self.chance + _Z * self.spread).all())

    @cached_property
    def emerged(self) -> np.ndarray:
        """[n] points that are better than guessing, or all where nobody said what guessing gets."""
        return self.score > self.chance + _Z * self.spread if np.isfinite(self.chance) else np.ones(len(self), bool)

    @cached_property
    def spread(self) -> np.ndarray:
        """[n] standard error of each score: the items', or how far scores lie from the middle of their neighbours."""
        if np.isfinite(self.noise).all():
            return self.noise
        if len(self) < 5:
            return np.where(np.isfinite(self.noise), self.noise, 0.0)
        bends = self.score[1:-1] - (self.score[:-2] + self.score[2:]) / 2
        return np.where(np.isfinite(self.noise), self.noise, 1.4826 * np.median(np.abs(bends)) / np.sqrt(1.5))

    def doubt(self, ratio: float) -> float:
        """How far off a forecast may be expected to be as x grows by a ratio, as a share.

        Its square adds up the items' noise in what is known last and in what will come, the change that a straight line through
        the later half of the points expects, and the noise of that change. Intervals are wider where a score still moves, or is
        badly known.
        """
        points = self.ends
        logs, steps = np.log(points.x), float(np.log(ratio))
        later = logs >= (logs[0] + logs[-1]) / 2
        if later.sum() < 3:
            later = np.arange(len(points)) >= len(points) - 3
        noise = float(np.median(points.spread[later]))
        square = 2 * noise**2 + NEGLIGIBLE**2
        centred = logs[later] - logs[later].mean()
        if centred.any():
            slope = float(centred @ points.score[later] / (centred @ centred))
            square += (slope * steps) ** 2 + (noise * steps) ** 2 / float(centred @ centred)
        return float(np.sqrt(square))


def _spaced(x: np.ndarray, count: int) -> np.ndarray:
    """The last place in each of `count` steps of equal ratio; x in order."""
    if x[0] == x[-1]:
        return np.array([len(x) - 1])
    edges = np.geomspace(x[0], x[-1], count + 1)[1:]
    edges[-1] = x[-1]
    return np.unique(np.searchsorted(x, edges, side="right") - 1)
