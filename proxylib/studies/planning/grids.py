"""Grids of configurations whose true scores are known: what a policy may buy of them, and what it is measured by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.judging.criteria import GRADED, LM_JUDGE, STRICT

SCORES = (LM_JUDGE, GRADED, STRICT)
DECIDING = (LM_JUDGE, STRICT)  # the first of them that judges a domain
TYPICAL = 0.05  # variance of a note's score, for as much as one more note counts


class Grid(NamedTuple):
    """Configurations, and their scores under one judge or on one task.

    Parameters
    ----------
    data : where they come from, its study before a comma; what shares a study is one draw
    part : of it: a seed
    score : judge or task
    cells : a row per configuration: loss, size, examples (or tokens), and group (what its neighbours share)
    truth : [n] shares
    outcomes : [n, notes] of every note, shares; None where only the true score is known and noise has to be drawn
    """

    data: str
    part: str
    score: str
    cells: pd.DataFrame
    truth: np.ndarray
    outcomes: np.ndarray | None = None

    @property
    def study(self) -> str:
        """Who trained it: corpora of one study are no studies of their own."""
        return self.data.split(",")[0]

    def signals(self, loss: bool = True) -> np.ndarray:
        """[n, signals] the loss first, and logarithms of size and examples."""
        counted = np.log(self.cells[["size", "examples"]].to_numpy(float))
        return np.column_stack([self.cells["loss"], counted]) if loss else counted

    def without(self, group: object) -> Grid:
        """The grid without the configurations of a group."""
        kept = (self.cells["group"] != group).to_numpy()
        outcomes = None if self.outcomes is None else self.outcomes[kept]
        return self._replace(cells=self.cells[kept].reset_index(drop=True), truth=self.truth[kept], outcomes=outcomes)


def buy(grid: Grid, items: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What every cell would score on so many items, and the variance of that about the true score.

    Notes
    -----
    Notes are drawn without replacement, the same for all cells: all of them are the true score. Variances are what a buyer
    would reckon: of the notes bought, with one more of the usual variance.
    """
    if grid.outcomes is None:
        variance = np.clip(grid.truth * (1 - grid.truth), 1e-4, None) / items
        scores = np.clip(rng.normal(grid.truth, np.sqrt(variance)), 0, 1)
        shrunk = (scores * items + 1) / (items + 2)
        return scores, shrunk * (1 - shrunk) / items
    count = grid.outcomes.shape[1]
    notes = grid.outcomes[:, rng.permutation(count)[:items]]
    spread = (notes.shape[1] * notes.var(axis=1) + TYPICAL) / (notes.shape[1] + 1)
    return notes.mean(axis=1), spread / notes.shape[1] * (1 - notes.shape[1] / count)


def scribe(cells: pd.DataFrame, verdicts: pd.DataFrame, grades: pd.DataFrame, data: str) -> Iterator[Grid]:
    """The grids of a domain: one a seed and judge, and one a seed of the graded score.

    Parameters
    ----------
    cells : of `loss_fits`: cell, base, parameters, examples, seed, schedule, final_loss
    verdicts, grades : of `verdicts`: cell, id, and passed under a judge, or a grade

    Notes
    -----
    Cells that diverged have no loss, and are left out. A note's score is the mean over its criteria; what the judge left
    unscored is left out of it, and a note without any verdict counts as failed.
    """
    first = cells[cells["schedule"] == cells["schedule"].iloc[0]].dropna(subset=["final_loss"])
    known = {judge: verdicts[verdicts["judge"] == judge].assign(value=lambda rows: rows["passed"]) for judge in SCORES}
    known[GRADED] = grades.assign(value=grades["grade"])
    for seed, part in first.groupby("seed"):
        table = pd.DataFrame(
            {"loss": part["final_loss"], "size": part["parameters"], "examples": part["examples"], "group": part["base"]}
        ).reset_index(drop=True)
        for judge, rows in known.items():
            if rows.empty:
                continue
            chosen = rows[rows["cell"].isin(part["cell"])]
            notes = chosen.assign(value=chosen["value"].astype("Float64")).groupby(["cell", "id"])["value"].mean().unstack()
            outcomes = notes.reindex(part["cell"]).astype(float).fillna(0.0).to_numpy()
            yield Grid(data, f"seed {seed}", judge, table, outcomes.mean(axis=1), outcomes)
