"""Pythia with no solved example and with five: how far scores and ranks move in published runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata, spearmanr

from proxylib import stats
from proxylib.data.published.pythia import pythia
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap

KEYS = ["task", "run", "parameters", "step"]
DRAWS = 1000  # pairs of noisy scores, for the ranks that noise alone leaves


def joined() -> pd.DataFrame:
    """Every run, task and checkpoint with both: `KEYS`, both scores with their standard errors, gained and error in points."""
    none, five = (pythia(shots).set_index(KEYS)[["score", "stderr"]] for shots in ("zero-shot", "five-shot"))
    both = none.join(five, lsuffix="_zero", rsuffix="_five", how="inner").reset_index()
    gained = 100 * (both["score_five"] - both["score_zero"])
    return both.assign(gained=gained, error=100 * np.hypot(both["stderr_zero"], both["stderr_five"]))


def by_size(rows: pd.DataFrame) -> pd.DataFrame:
    """Gain of five examples by task and size, siblings together: task, parameters, gained (points), error (standard), runs.

    Notes
    -----
    The published errors are of the items alone and take the two scores for independent, while both come from the same items:
    the true error of the difference is smaller.
    """
    grouped = rows.assign(square=rows["error"] ** 2).groupby(["task", "parameters"], sort=False)
    frame = grouped.agg(gained=("gained", "mean"), squares=("square", "sum"), runs=("run", "size")).reset_index()
    return frame.assign(error=np.sqrt(frame.pop("squares")) / frame["runs"])[["task", "parameters", "gained", "error", "runs"]]


def by_task(sizes: pd.DataFrame, level: float) -> pd.DataFrame:
    """Mean gain of a task over sizes.

    Returns
    -------
    task, estimate, low, high (Student's over sizes), p (of the same test, Holm's over tasks), n, clear (sizes that gain or lose
    two standard errors)
    """
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.weightstats import DescrStatsW

    rows = []
    for task, part in sizes.groupby("task", sort=False):
        clear = int((part["gained"].abs() > 2 * part["error"]).sum())
        p = DescrStatsW(part["gained"]).ttest_mean(0)[1]
        rows.append((task, *stats.mean_interval(part["gained"], level), p, len(part), clear))
    frame = pd.DataFrame(rows, columns=["task", "estimate", "low", "high", "p", "n", "clear"])
    return frame.assign(p=multipletests(frame["p"], method="holm")[1])


def ranks(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Order of the runs by both scores, beside what noise of the items alone leaves of it.

    Returns
    -------
    task, spearman (of zero-shot with five-shot), noise (mean of the same between two draws around the zero-shot scores, each
    with its published error), noise_low (one pair of draws in twenty falls below), runs

    Notes
    -----
    Drawn around scores that hold their own noise already, the draws lie a little further apart than the truth would, so that
    `noise` is a little too high: a correlation below `noise_low` is a change of ranks.
    """
    rng = np.random.default_rng(seed)
    table = []
    for task, part in rows.groupby("task", sort=False):
        draws = rng.normal(part["score_zero"], part["stderr_zero"], size=(2, DRAWS, len(part)))
        a, b = (_standardised(rankdata(side, axis=1)) for side in draws)
        noise = (a * b).sum(1)
        rho = spearmanr(part["score_zero"], part["score_five"]).statistic
        table.append((task, rho, noise.mean(), np.quantile(noise, 0.05), len(part)))
    return pd.DataFrame(table, columns=["task", "spearman", "noise", "noise_low", "runs"])


def _standardised(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(length > 0, length, 1)


def build(step: Any, workspace: Workspace) -> None:
    """Derived quantities only.

    Parameters
    ----------
    step : a declared `pythia_shots` step; its settings are a `Bootstrap`
    workspace : receives the tables sizes, tasks, ranks (at the last checkpoint that has both) and course (mean gain over
        runs by task and step)

    Raises
    ------
    UserError
        If the published set is not at hand.
    """
    bootstrap: Bootstrap = step.settings
    both = joined()
    last = both[both["step"] == both["step"].max()]
    sizes = by_size(last)
    course = both.groupby(["task", "step"], sort=False)["gained"].mean().reset_index()
    workspace.write_table("sizes", sizes)
    workspace.write_table("tasks", by_task(sizes, bootstrap.level))
    workspace.write_table("ranks", ranks(last, bootstrap.seed))
    workspace.write_table("course", course)
    workspace.note(runs=int(last["run"].nunique()), checkpoints=int(both["step"].nunique()), level=bootstrap.level)
