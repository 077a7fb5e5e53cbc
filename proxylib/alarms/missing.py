"""Metrics that say nothing: values that are not there, and values that no longer move."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from proxylib.alarms import table
from proxylib.settings import Frozen

MISSING, STALE = "missing", "stale"
KNOWN = 3  # evaluations of a metric before its absence is noticed


class Missing(Frozen):
    """When a metric counts as missing."""

    late: float = Field(default=2.0, ge=1, description="longest earlier pauses of a metric, beyond which it is overdue")


class Stale(Frozen):
    """When a value counts as stuck."""

    error: float = Field(default=0.05, gt=0, lt=0.5, description="chance of any false alarm, over all metrics and checkpoints")
    score: float = Field(
        default=0.3, gt=0, lt=1, description="chance, at least, that the same items give the same score at the next checkpoint"
    )
    loss: float = Field(default=0.01, gt=0, lt=1, description="chance, at least, that two losses agree to the last digit")


def absent(history: pd.DataFrame, how: Missing | None = None) -> pd.DataFrame:
    """Alarms of evaluations that failed, or are not there.

    Parameters
    ----------
    history : columns task, at, value; nan where an evaluation was tried and gave no number
    how : settings

    Returns
    -------
    See `alarms.table`; `since` is where the metric was there last, `p` and what is measured are nan

    Notes
    -----
    Three things count: a value that is no number; a metric that lacks where those with which it always came are there (most
    of these); a metric that pauses for more than `late` times its longest earlier pause, both in places on the axis and in
    checkpoints, so that neither spacing by ratios nor a change of how often losses are logged is taken for it.

    *False alarms*: these are facts and no test, so there is no rate. A metric that is from now on measured at fewer checkpoints
    on purpose looks the same.
    """
    how = how or Missing()
    if history.empty:
        return table.frame([])
    grid = _grid(history)
    there = np.isfinite(grid.values)
    lacking = _lacking(grid.rows, there) | _overdue(grid.places, there, how.late)
    rows = []
    for row, task in enumerate(grid.tasks):
        begins = lacking[row] & ~np.concatenate([[False], lacking[row, :-1]])
        for place in np.flatnonzero(begins):
            before = np.flatnonzero(there[row, :place])
            since = grid.places[before[-1]] if len(before) else grid.places[place]
            rows.append((MISSING, task, grid.places[place], since, *[np.nan] * 4))
    return table.frame(rows)


class Grid(NamedTuple):
    """Metrics by places on the axis.

    Parameters
    ----------
    tasks, places : names of the rows, and where the columns lie
    values : [tasks, places], nan where there is none
    rows : [tasks, places] whether an evaluation was tried
    """

    tasks: list[str]
    places: np.ndarray
    values: np.ndarray
    rows: np.ndarray


def _grid(history: pd.DataFrame) -> Grid:
    tasks, names = pd.factorize(history["task"])
    where, places = pd.factorize(history["at"].to_numpy(float), sort=True)
    values, rows = np.full((len(names), len(places)), np.nan), np.zeros((len(names), len(places)), bool)
    values[tasks, where] = history["value"].to_numpy(float)
    rows[tasks, where] = True
    return Grid([str(name) for name in names], np.asarray(places), values, rows)


def _lacking(rows: np.ndarray, there: np.ndarray) -> np.ndarray:
    """[tasks, places] tried without a number, or away while most of those that always came with it are there."""
    lacking = rows & ~there
    groups, seen = np.zeros(len(there), int), np.zeros(len(there), int)
    for place in range(there.shape[1]):
        present = there[:, place]
        number, size = np.bincount(groups, weights=present), np.bincount(groups)
        expected = (2 * number >= size)[groups] & (number > 0)[groups] & (seen >= KNOWN)
        lacking[:, place] |= expected & ~present
        came = present | expected  # what fails for once stays with its group
        seen += came
        if came.any() and not came.all():
            groups = np.unique(2 * groups + came, return_inverse=True)[1]
    return lacking


def _overdue(places: np.ndarray, there: np.ndarray, late: float) -> np.ndarray:
    """[tasks, places] more than `late` times the longest earlier pause after the last value, on the axis and in checkpoints."""
    overdue = np.zeros(there.shape, bool)
    for row, present in enumerate(there):
        known = np.flatnonzero(present)
        if len(known) < KNOWN:
            continue
        pauses = [np.maximum.accumulate(np.diff(axis[known])) for axis in (places, np.arange(len(places)))]
        for number in range(KNOWN - 1, len(known)):
            stop = known[number + 1] if number + 1 < len(known) else len(places)
            after = np.arange(known[number] + 1, stop)
            if len(after):
                since = (places[after] - places[known[number]], after - known[number])
                overdue[row, after] = np.logical_and(
                    *(gap > late * pause[number - 1] for gap, pause in zip(since, pauses, strict=True))
                )
    return overdue


def stale(history: pd.DataFrame, losses: frozenset[str] = frozenset(), how: Stale | None = None) -> pd.DataFrame:
    """Alarms of values that repeat, to the last digit, for longer than they would by chance.

    Parameters
    ----------
    history : columns task, at, value
    losses : tasks that are losses
    how : settings

    Returns
    -------
    See `alarms.table`; `since` is where the value was there first. A row of `table.EVERY` where all metrics of two or more
    repeat at once, as when one checkpoint was evaluated twice

    Notes
    -----
    The chance of a repeat is what the metric showed before, or the settings' least, whichever is larger; so that one that is
    often at chance, or of few items, must repeat for longer. A score of 0 or 1, or a loss of 0, cannot be told from the end
    of its scale, and raises none.

    *False alarms*: of runs whose metrics repeat independently with these chances at most a share `error` raise any alarm, of
    whatever length (`table.spent` over checkpoints, Bonferroni over metrics).
    """
    how = how or Stale()
    known = history[np.isfinite(history["value"].to_numpy(float))].sort_values("at", kind="stable")
    if known.empty:
        return table.frame([])
    rows, joint = [], []
    parts = known.groupby("task", sort=False)
    for task, part in parts:
        values, places = part["value"].to_numpy(float), part["at"].to_numpy(float)
        least = how.loss if task in losses else how.score
        same = np.concatenate([[False], values[1:] == values[:-1]])
        ends = (values == 0) | ((values == 1) & (task not in losses))
        begin = np.maximum.accumulate(np.where(same, 0, np.arange(len(values))))
        before = np.cumsum(same)[begin]  # repeats, among as many comparisons, before this value came first
        chance = np.maximum((before + 1) / (np.maximum(begin - 1, 0) + 2), least)
        looks = np.maximum(np.arange(len(values)), 1)
        p = chance ** (np.arange(len(values)) - begin) * (parts.ngroups + 1) / table.spent(looks)
        raised = same & ~ends & (p <= how.error)
        first = raised & ~np.concatenate([[False], raised[:-1]])
        rows += [(STALE, task, places[k], places[begin[k]], 0.0, np.nan, np.nan, float(p[k])) for k in np.flatnonzero(first)]
        joint.append(pd.DataFrame({"at": places, "same": same, "log": np.where(ends, 0.0, np.log(chance)), "n": looks})[1:])
    return table.frame(rows + _together(pd.concat(joint), parts.ngroups, how))


def _together(pairs: pd.DataFrame, metrics: int, how: Stale) -> list[tuple]:
    """Checkpoints at which every metric repeats."""
    places = pairs.groupby("at").agg(same=("same", "all"), log=("log", "sum"), n=("n", "max"), size=("same", "size"))
    p = np.exp(places["log"]) * (metrics + 1) / table.spent(places["n"].to_numpy())
    chosen = places["same"] & (places["size"] > 1) & (p <= how.error)
    before = np.concatenate([[np.nan], places.index.to_numpy()[:-1]])
    since = np.where(np.isfinite(before), before, places.index.to_numpy())
    return [
        (STALE, table.EVERY, places.index[k], since[k], 0.0, np.nan, np.nan, float(p.iloc[k]))
        for k in np.flatnonzero(chosen.to_numpy())
    ]
