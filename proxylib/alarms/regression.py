"""A score that falls below a level that it had held, found while the run goes on.

At every checkpoint the mean of the last scores of a task is held against means of as many earlier ones, down to the best.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from pydantic import Field
from scipy.special import chdtri, ndtr, ndtri, stdtr

from proxylib.alarms import table
from proxylib.errors import UserError
from proxylib.settings import Frozen

NAME = "regression"
SECOND = 6.0  # variance of a second difference, in variances of one score
INDEPENDENT = 18 / 35  # share of overlapping second differences that count as independent ones
DOUBT = 0.1  # chance with which a run that wobbles as its standard errors say is taken for one that wobbles more


class Regression(Frozen):
    """How a history of scores is watched."""

    per_hundred: float = Field(
        default=1.0, gt=0, lt=50, description="false alarms in a hundred checkpoints, over all tasks, at most"
    )
    level: float = Field(default=0.95, gt=0.5, lt=1, description="coverage of the interval of an alarm's change")
    windows: tuple[int, ...] = Field(
        default=(1, 2, 4),
        min_length=1,
        description="checkpoints that are averaged: a large drop shows at once, a small one later",
    )
    least: float = Field(default=0.0, ge=0, description="drops smaller than this, in the score's unit, raise no alarm")
    settled: int = Field(
        default=6, ge=3, description="scores of a task before the wobble between checkpoints is estimated from them"
    )


def find(history: pd.DataFrame, axis: str, how: Regression | None = None) -> pd.DataFrame:
    """Falls of a score below what it had been, each told where it could first be told.

    Parameters
    ----------
    history : columns task, `axis`, score (more is better), and stderr, or items of which the score is the share of right ones
    axis : the column in which the run goes on (step, tokens)
    how : settings

    Returns
    -------
    Columns alarm (`NAME`), task, at (checkpoint that raises it), since (checkpoint where the averaged ones begin), change
    (their mean minus the earlier one's), low, high (its own interval), p (corrected). After an alarm a task begins anew at
    `since`, so that a second drop is found and the first not told again

    Raises
    ------
    UserError
        If the history lacks a column, or holds a task twice at one place.

    Notes
    -----
    The error rate: if no task's true score ever falls, at most `per_hundred` of a hundred checkpoints raise an alarm, whatever
    the number of tasks. All comparisons of a checkpoint, of all tasks with all earlier windows, share its part equally
    (Bonferroni), so that neither the best of many earlier scores nor the many tasks make an alarm. As they overlap, it is
    fewer in truth. Scores on the same items at every checkpoint differ by less than their standard errors say: the
    promise holds, and drops are found later than they could be; where outcomes by item are at hand, `paired.compare` finds
    more.

    A drop has to stand out from the standard errors of the scores. Where `settled` earlier ones or more wobble beyond doubt by
    more than these say (the later half of the second differences, which a steady rise does not enter; chi squared, one
    time in ten), or there are none, it has to stand out from that wobble, by Student's t. Without stderr or items nothing
    is said before that.

    How it misleads: the promise is about checkpoints. Where these wobble by more than the standard errors say, one may truly
    be worse than another and the run no worse; before the wobble is known, such a run is alarmed too easily. A slow
    decline whose every step lies within the noise is found when it has added up against the best, not when it began: `since`
    is where the window begins in which the alarm was raised.
    """
    how = how or Regression()
    if missing := [name for name in ("task", axis, "score") if name not in history]:
        raise UserError(f"history: no column {missing[0]!a}; it has {', '.join(map(ascii, history))}")
    if (twice := history.duplicated(["task", axis])).any():
        task, place = history.loc[twice, ["task", axis]].iloc[0]
        raise UserError(f"history: task {task!a} has two scores at {axis} {place}; keep one")
    usable = history[np.isfinite(history["score"].to_numpy(float))].sort_values(axis)
    tasks = list(dict.fromkeys(usable["task"]))
    rows = []
    for task in tasks:
        part = usable[usable["task"] == task]
        found = _of_task(part["score"].to_numpy(float), standard_errors(part), len(tasks), how)
        place = part[axis].to_numpy()
        rows += [(NAME, task, place[at], place[since], *numbers) for at, since, *numbers in found]
    return table.frame(rows)


def standard_errors(part: pd.DataFrame) -> np.ndarray:
    """[n] of each score: stderr, else from items, taking the score for a share; nan where neither is given."""
    stated = part["stderr"].to_numpy(float) if "stderr" in part else np.full(len(part), np.nan)
    if "items" not in part:
        return stated
    items, score = part["items"].to_numpy(float), part["score"].to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (np.clip(score, 0, 1) * items + 1) / (items + 2)  # never sure of a score of 0 or 1
        of_items = np.where((score >= 0) & (score <= 1), np.sqrt(share * (1 - share) / items), np.nan)
    return np.where(np.isfinite(stated), stated, of_items)


def _of_task(scores: np.ndarray, errors: np.ndarray, tasks: int, how: Regression) -> list[tuple]:
    """at, since (places in the series), change, low, high, p of each alarm of one task."""
    sums = {width: (_rolling(scores, width) / width, _rolling(errors**2, width) / width**2) for width in how.windows}
    second = np.diff(scores, 2)
    rows, start = [], 0
    for now in range(1, len(scores)):
        looks = []
        for width in how.windows:
            begins = now + 1 - width
            if begins - start >= width:
                wobbles = second[: max(0, begins - 2)] if begins >= how.settled else second[:0]
                looks.append(_look(sums[width], _recent(wobbles), start, begins, width))
        ps = np.concatenate([p for p, *_ in looks]) if looks else np.array([])
        if not np.isfinite(ps).any():
            continue
        p, change, error, since = (np.concatenate(part)[np.nanargmin(ps)] for part in zip(*looks, strict=True))
        corrected = min(1.0, p * len(ps) * tasks)
        if corrected <= how.per_hundred / 100 and change < -how.least:
            reach = ndtri((1 + how.level) / 2) * error
            rows.append((now, int(since), change, change - reach, change + reach, corrected))
            start = int(since)
            second[max(0, start - 2) : start] = np.nan  # the drop itself is no wobble
    return rows


def _recent(second: np.ndarray) -> np.ndarray:
    """The later half of second differences: a score bends most where the run begins."""
    second = second[np.isfinite(second)]
    return second[len(second) // 2 :]


def _look(
    sums: tuple[np.ndarray, np.ndarray], second: np.ndarray, start: int, begins: int, width: int
) -> tuple[np.ndarray, ...]:
    """p, change, standard error and `since` of `width` scores from `begins` on against as many before, wherever those begin."""
    means, variances = sums
    earlier = slice(start, begins - width + 1)
    change = means[begins] - means[earlier]
    error = np.sqrt(variances[begins] + variances[earlier])
    with np.errstate(invalid="ignore", divide="ignore"):
        p = ndtr(change / error)
    if second.any():
        degrees = len(second) * INDEPENDENT
        wobble = math.sqrt(np.mean(second**2) / SECOND * 2 / width)
        more = ~(degrees * wobble**2 <= chdtri(degrees, DOUBT) * error**2)  # so too where no error is known
        p = np.where(more, stdtr(degrees, change / wobble), p)
        error = np.where(more, wobble, error)
    return p, change, error, np.full(len(p), begins)


def _rolling(values: np.ndarray, width: int) -> np.ndarray:
    """Sums of `width` values, by where they begin."""
    return np.convolve(values, np.ones(width), "valid") if len(values) >= width else np.array([])
