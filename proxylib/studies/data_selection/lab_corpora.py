"""Choosing a corpus in the lab: the run."""

from __future__ import annotations

from typing import Any

import pandas as pd

from proxylib.report import tables
from proxylib.runs.store import Run, Workspace
from proxylib.stats import Resampling
from proxylib.studies.data_selection import lab_decisions as decisions
from proxylib.studies.data_selection.lab_panel import NAMED, LabPanel, Measured, panel
from proxylib.studies.data_selection.settings import LabSettings, role

NULL_REPEATS = 200


def build(step: Any, workspace: Workspace) -> None:
    """Decision accuracies of every signal after every share of compute, and what follows from them.

    Parameters
    ----------
    step : a declared `lab_corpora` step; its parents are the runs on corpora, each under `role`
    workspace : receives the tables decision_accuracy and two_sizes (see `decisions.table`), single_tasks, styled (the same over
        corpora that hold the expert's style), nulls, choices, needed, frontier, ceiling (one interval), targets (corpus,
        accuracy, and one column a seed and a task) and estimates (what the scoreboard reads)
    """
    settings: LabSettings = step.settings
    arrays = panel({key: _measured(step.parent(role(*key))) for key in settings.runs}, settings)
    resampling = settings.bootstrap.over(arrays.corpora)
    curves = decisions.curves(arrays, resampling.weights)
    needed, frontier = decisions.needed(curves, resampling), decisions.frontier(curves, resampling)
    written = {
        "decision_accuracy": decisions.table(curves, resampling, arrays.points),
        "two_sizes": decisions.table(decisions.two_sizes(arrays, resampling.weights), resampling),
        "single_tasks": decisions.table(decisions.task_curves(arrays, resampling.weights), resampling, arrays.small),
        "nulls": decisions.nulls(arrays, NULL_REPEATS, settings.bootstrap.seed),
        "choices": decisions.choices(arrays),
        "needed": needed,
        "frontier": frontier,
        "ceiling": pd.DataFrame([resampling.drawn(decisions.ceiling(arrays, resampling.weights)).interval(undefined="nan")]),
        "targets": targets(arrays),
        "estimates": estimates(needed, frontier, resampling),
    }
    if len(settings.styled) > 2:
        among = arrays.among(settings.styled)
        drawn = settings.bootstrap.over(among.corpora)
        written["styled"] = decisions.table(decisions.fixed_curves(among, drawn.weights), drawn, among.points)
    for name, table in written.items():
        workspace.write_table(name, table)
    workspace.note(
        corpora=len(arrays.corpora),
        styled=len(settings.styled),
        pairs=len(arrays.corpora) * (len(arrays.corpora) - 1) // 2,
        tasks=list(arrays.tasks),
        seeds=settings.seeds,
        cheapest=arrays.points[0].share,
        level=settings.bootstrap.level,
        draws=settings.bootstrap.draws,
    )


def _measured(run: Run) -> Measured:
    return Measured(run.table("features"), run.table("accuracy"), run.facts)


def targets(arrays: LabPanel) -> pd.DataFrame:
    """What the target came to on each corpus, best first: corpus, accuracy (mean over tasks and seeds), seeds, tasks."""
    by_seed = {f"seed {seed}": values.mean(1) for seed, values in enumerate(arrays.target)}
    by_task = dict(zip(arrays.tasks, arrays.target.mean(0).T, strict=True))
    frame = pd.DataFrame({"corpus": arrays.corpora, "accuracy": arrays.target.mean((0, 2))} | by_seed | by_task)
    return frame.sort_values("accuracy", ascending=False, kind="stable", ignore_index=True)


def estimates(needed: pd.DataFrame, frontier: pd.DataFrame, resampling: Resampling) -> pd.DataFrame:
    """What the scoreboard reads: claim, estimate, low, high, level, n, n_unit."""
    ratio = tables.row(needed, level=decisions.LEVELS[0], method=NAMED)[["ratio", "low", "high"]]
    best = tables.interval(frontier, baseline=decisions.BEST)
    rows = [("ours-proxy-less-compute", *ratio), ("named-over-the-best", *best)]
    table = pd.DataFrame(rows, columns=["claim", "estimate", "low", "high"])
    return table.assign(level=resampling.level, n=resampling.clusters, n_unit="corpora")
