"""Watched training runs as arrays: what each task's accuracy and every signal are at every checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from proxylib.measure import proxies

PROSE, BITS, TOKEN_LOSS = "prose_nll", "bits_per_byte", "cross_entropy|uniform"
SIGNALS = (*proxies.NAMES, BITS, PROSE)
LAST = 5  # checkpoints whose mean accuracy is the target: one alone wobbles
LAST_PART = 0.8  # of a run, from which on checkpoints stand evenly
CLAIMED = 18  # times: the window of the claim ends at this part of a run
#: where a signal can end
_LEAST = {"rank": 1.0}
_MOST = dict.fromkeys(("cross_entropy", "rank", BITS, PROSE), np.inf)


def limits() -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest value of each of `SIGNALS`."""
    kinds = [name.split("|")[0] for name in SIGNALS]
    return np.array([_LEAST.get(kind, 0.0) for kind in kinds]), np.array([_MOST.get(kind, 1.0) for kind in kinds])


@dataclass(frozen=True, eq=False)
class Watched:
    """One run.

    Parameters
    ----------
    name : of its model
    steps, tokens : [checkpoints] of its own part of the training, rising; 0 is before the first
    tasks : names
    right, problems : [tasks, checkpoints] answers that are right, [tasks] of so many problems, at difficulties that count
    floor : [tasks] share of right answers that always giving the commonest one gets
    signals : [tasks, signals, checkpoints], in the order of `SIGNALS`
    """

    name: str
    steps: np.ndarray
    tokens: np.ndarray
    tasks: tuple[str, ...]
    right: np.ndarray
    problems: np.ndarray
    floor: np.ndarray
    signals: np.ndarray

    @cached_property
    def accuracy(self) -> np.ndarray:
        """[tasks, checkpoints]"""
        return self.right / self.problems[:, None]

    @cached_property
    def target(self) -> np.ndarray:
        """[tasks] mean accuracy of the last checkpoints."""
        return self.accuracy[:, -LAST:].mean(1)

    @cached_property
    def off(self) -> np.ndarray:
        """[tasks, checkpoints] whether accuracy lies above the floor by two of its standard errors."""
        bar = self.floor + 2 * np.sqrt(self.floor * (1 - self.floor) / self.problems)
        return self.accuracy > bar[:, None]

    @cached_property
    def spaced(self) -> np.ndarray:
        """Places of the checkpoints that are evenly spaced in log steps."""
        steps = self.steps
        return np.flatnonzero((steps > 0) & ((steps < LAST_PART * steps[-1]) | (steps == steps[-1])))

    def window(self, times: float) -> np.ndarray:
        """Places of the checkpoints up to one so-many-th of the steps."""
        return np.flatnonzero((self.steps > 0) & (self.steps <= self.steps[-1] / times))

    def last_known(self, times: float) -> int:
        """The last place of a window; the first checkpoint of all where a run is too short for one."""
        window = self.window(times)
        return int(window[-1]) if len(window) else 0


def watched(
    name: str,
    tables: Mapping[str, pd.DataFrame],
    answers: pd.Series,
    counted: Mapping[str, Sequence[int]],
) -> Watched:
    """A run from its recorded tables.

    Parameters
    ----------
    name : of its model
    tables : features, outcomes and problems of a `trajectory` run
    answers : right answers, indexed by (task, id)
    counted : task -> difficulties that count; where any task is named, one that is not has none
    """
    problems = tables["problems"]
    kept = [
        task in counted and level in counted[task] if counted else True
        for task, level in zip(problems["task"], problems["level"], strict=True)
    ]
    problems = problems[kept]
    tasks = tuple(problems["task"].drop_duplicates())
    outcomes = tables["outcomes"].merge(problems[["task", "id"]], on=["task", "id"])
    right = outcomes.pivot_table(index="task", columns="step", values="correct", aggfunc="sum").loc[list(tasks)]
    given = answers.loc[pd.MultiIndex.from_frame(problems[["task", "id"]])]
    commonest = given.groupby("task").agg(lambda part: part.value_counts(normalize=True).iloc[0])
    places = tables["features"].drop_duplicates("step").sort_values("step")
    signals = tables["features"].set_index(["task", "step"])[list(SIGNALS)].astype(float)
    steps = places["step"].to_numpy()
    return Watched(
        name,
        steps,
        places["tokens"].to_numpy(float),
        tasks,
        right[list(steps)].to_numpy(float),
        problems.groupby("task").size().loc[list(tasks)].to_numpy(),
        commonest.loc[list(tasks)].to_numpy(float),
        np.stack([signals.loc[task].loc[list(steps)].to_numpy().T for task in tasks]),
    )


def levels_off(
    name: str, tables: Mapping[str, pd.DataFrame], answers: pd.Series, counted: Mapping[str, Sequence[int]], times: float
) -> pd.DataFrame:
    """Each difficulty of a run's tasks: is it off the floor by the end of a window, and at the end of the run?

    Returns
    -------
    columns run, task, level, counts, early and late (accuracy), off_early, off_late
    """
    rows = []
    for task, levels in tables["problems"].groupby("task", sort=False)["level"].unique().items():
        for level in sorted(levels):
            run = watched(name, tables, answers, {task: [level]})
            at, last = run.last_known(times), len(run.steps) - 1
            shares = [float(run.accuracy[0, place]) for place in (at, last)]
            counts = level in counted.get(task, ()) if counted else True
            rows.append((name, task, int(level), counts, *shares, *(bool(run.off[0, place]) for place in (at, last))))
    return pd.DataFrame(rows, columns=["run", "task", "level", "counts", "early", "late", "off_early", "off_late"])
