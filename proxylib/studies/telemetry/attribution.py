"""Four ways to read the effect of a model update out of telemetry."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import statsmodels.api as sm

from proxylib.judging.users import COLUMNS, EVERYONE, HOLDOUT, REGIONS, STAGGERED, WEEK, Log

BEFORE_AFTER, INTERRUPTED, EXPERIMENT, IN_TURN = "before and after", "interrupted series", "holdout", "staggered rollout"
#: way -> who gets the new model
ROLLOUTS = {BEFORE_AFTER: EVERYONE, INTERRUPTED: EVERYONE, EXPERIMENT: HOLDOUT, IN_TURN: STAGGERED}
#: what is read -> column that is counted, column that it is a share of, and their places in `Log.expected`
METRICS = {"tasks completed": ("completed", "tasks"), "thumbs up": ("up", "rated")}


class Effect(NamedTuple):
    """An effect as a difference of shares, its standard error, and degrees of freedom."""

    estimate: float
    stderr: float
    df: float


class Window(NamedTuple):
    """The day of the update and how many days after it are known."""

    update: int
    after: int

    @property
    def stop(self) -> int:
        """The first day that is not known."""
        return self.update + self.after


def _sums(table: np.ndarray, metric: str) -> tuple[np.ndarray, np.ndarray]:
    part, whole = (table[..., COLUMNS.index(name)] for name in METRICS[metric])
    return part, whole


def _daily(log: Log, window: Window, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Day and share of every day on which somebody did something."""
    part, whole = _sums(log.cells.sum((1, 2)), metric)
    days = np.flatnonzero(whole[: window.stop] > 0)
    return days, part[days] / whole[days]


def before_after(log: Log, window: Window, metric: str) -> Effect:
    """Mean of the days after the update minus mean of the days before, days taken for independent."""
    days, share = _daily(log, window, metric)
    fit = sm.OLS(share, sm.add_constant((days >= window.update).astype(float))).fit()
    return Effect(fit.params[1], fit.bse[1], fit.df_resid)


def interrupted(log: Log, window: Window, metric: str) -> Effect:
    """Jump of a straight line in days at the update, which may also bend there; weekdays apart.

    Standard errors by Newey and West over a week.
    """
    days, share = _daily(log, window, metric)
    since = days - window.update
    after = (since >= 0).astype(float)
    weekdays = np.eye(WEEK)[days % WEEK][:, 1:]
    design = np.column_stack([np.ones(len(days)), after, since, since * after, weekdays])
    fit = sm.OLS(share, design).fit(cov_type="HAC", cov_kwds={"maxlags": WEEK})
    return Effect(fit.params[1], fit.bse[1], fit.df_resid)


def experiment(log: Log, window: Window, metric: str) -> Effect:
    """Users with the new model minus users without, over the weeks since the update; a user is a cluster."""
    part, whole = _sums(log.weeks[window.update // WEEK : window.stop // WEEK].sum(0), metric)
    used = whole > 0
    arm = (log.treated[used] <= window.stop).astype(float)
    fit = sm.WLS(part[used] / whole[used], sm.add_constant(arm), weights=whole[used]).fit(cov_type="HC1")
    return Effect(fit.params[1], fit.bse[1], fit.df_resid)


def in_turn(log: Log, window: Window, metric: str) -> Effect:
    """Difference in differences: regions that have the new model against those that wait, days and regions held fixed.

    A region is a cluster, and there are few.
    """
    part, whole = _sums(log.cells[: window.stop].sum(2), metric)
    day, region = np.nonzero(whole > 0)
    start = np.array([log.treated[np.arange(len(log.treated)) % REGIONS == place].min() for place in range(REGIONS)])
    treated = (day >= start[region]).astype(float)
    design = np.column_stack([treated, np.eye(window.stop)[day], np.eye(REGIONS)[region][:, 1:]])
    share, weights = part[day, region] / whole[day, region], whole[day, region]
    fit = sm.WLS(share, design, weights=weights).fit(cov_type="cluster", cov_kwds={"groups": region})
    return Effect(fit.params[0], fit.bse[0], REGIONS - 1)


WAYS: dict[str, Callable[[Log, Window, str], Effect]] = {
    BEFORE_AFTER: before_after,
    INTERRUPTED: interrupted,
    EXPERIMENT: experiment,
    IN_TURN: in_turn,
}


def truth(log: Log, window: Window, metric: str) -> float:
    """What the new model changes, on the tasks that were asked after the update: known only in a simulation."""
    expected = log.expected[window.update : window.stop]
    if metric == "tasks completed":
        tasks = log.cells[window.update : window.stop, :, :, COLUMNS.index("tasks")].sum((1, 2))
        return float(np.average(expected[:, 1, 0] - expected[:, 0, 0], weights=tasks))
    sums = expected[:, :, 1:].sum(0)
    return float(sums[1, 0] / sums[1, 1] - sums[0, 0] / sums[0, 1])
