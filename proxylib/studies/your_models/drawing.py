"""Draws problems, not rows: solutions of one problem are no evidence of their own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxylib.data.reading import Reading
from proxylib.errors import UserError
from proxylib.stats import Bootstrap, Drawn


def per_problem(values: pd.DataFrame, solved: Mapping[tuple[str, str], object]) -> pd.DataFrame:
    """Means over the traces of each problem in each task, in order of first appearance."""
    number, _ = pd.factorize(pd.Series([solved[key] for key in values.index]))
    return values.groupby([values.index.get_level_values("task"), pd.Index(number, name="problem")], sort=False).mean()


def resampled(
    by_trace: pd.DataFrame, column: str, solved: Mapping[tuple[str, str], object], bootstrap: Bootstrap
) -> dict[str, Drawn]:
    """Model -> mean over tasks of the means over problems, which are drawn alike for all models."""
    wide = by_trace.pivot(index=["task", "id"], columns="model", values=column)[by_trace["model"].unique()]
    values = per_problem(wide, solved)
    weights = problem_weights(values.index, bootstrap)
    tasks = values.index.get_level_values("task")
    parts = [tasks == task for task in tasks.unique()]
    means = np.mean([weights[:, part] / part.sum() @ values[part].to_numpy(float) for part in parts], 0)
    return {model: bootstrap.drawn(drawn) for model, drawn in zip(wide.columns, means.T, strict=True)}


def problem_weights(cells: pd.MultiIndex, bootstrap: Bootstrap) -> np.ndarray:
    """How often each problem counts in the sample and in every draw.

    Parameters
    ----------
    cells : (task, problem) of each pair that occurs

    Returns
    -------
    [1 + draws, cells]; problems of the same tasks are drawn from one another, so that a draw has as many of each task

    Raises
    ------
    UserError
        If a task has nothing to draw from.
    """
    strata = _strata(cells)
    problems = cells.get_level_values("problem")
    weights = np.empty((1 + bootstrap.draws, len(cells)))
    for members, drawn in zip(strata, bootstrap.within(list(map(len, strata))), strict=True):
        place = pd.Index(members).get_indexer(problems)
        weights[:, place >= 0] = drawn.weights[:, place[place >= 0]]
    return weights


def refuse_single(source: Reading) -> None:
    """Refuse traces that nothing can be drawn from, before any model runs; see `problem_weights`."""
    pairs = dict.fromkeys((trace.task, source.problems[trace.task, trace.id]) for trace in source.traces)
    _strata(pd.MultiIndex.from_tuples(pairs, names=["task", "problem"]))


def _strata(cells: pd.MultiIndex) -> list[list[object]]:
    """Problems that occur in the same tasks, a list each, in order of first appearance."""
    tasks_of: dict[object, set[str]] = {}
    for task, problem in cells:
        tasks_of.setdefault(problem, set()).add(task)
    strata: dict[frozenset[str], list[object]] = {}
    for problem, tasks in tasks_of.items():
        strata.setdefault(frozenset(tasks), []).append(problem)
    drawn = set().union(*(tasks for tasks, members in strata.items() if len(members) > 1))
    for task in cells.get_level_values("task"):
        if task not in drawn:
            raise UserError(
                f"ranking: traces of task {task} are of a single problem, so that nothing tells how sure an order is; name "
                "what tells its problems apart (--fields problem=THEIRS, such as problem=solution), or add other problems"
            )
    return list(strata.values())
