"""Losses of nine cells against the metric that was chosen before, and what that says of facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.errors import UserError
from proxylib.runs.store import Run, Workspace
from proxylib.stats import Bootstrap, Drawn, Interval
from proxylib.studies.real_notes.candidates import BREVITY, CANDIDATES, EXAMPLES, FINAL, HELD_OUT, SIGNALS
from proxylib.studies.real_notes.settings import AnalysisSettings
from proxylib.text import warn

LEAST_CELLS = 3  # trained ones, of which a correlation means something
#: the sign under which more of a signal is better
SIGNS = {FINAL: -1, HELD_OUT: -1, EXAMPLES: 1}
Statistic = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def build(step, workspace: Workspace) -> None:
    """Compare all cells.

    Parameters
    ----------
    step : a declared `real_notes` step; its parents are `note_metrics` and the cells, as "EXAMPLES SEED"
    workspace : receives the tables cells (see `cells`), losses (by cell), correlations, beyond (see `Grid`), facts (see
        `facts_of`) and estimates; cells that diverged are left out of all, and named by the fact `diverged`
    """
    settings: AnalysisSettings = step.settings
    runs, lost = converged({role: step.parent(role) for role in step.parents if role != "metrics"})
    calibration = step.parent("metrics")
    metric, choice = calibration.facts["chosen"], calibration.table("choice").iloc[0]
    table = cells(runs)
    grid = Grid({role: run for role, run in runs.items() if not role.startswith("0 ")}, settings.bootstrap)
    related = grid.correlations()
    workspace.write_table("cells", table)
    workspace.write_table("losses", curves(runs))
    workspace.write_table("correlations", related)
    workspace.write_table("beyond", grid.beyond(metric))
    workspace.write_table("facts", facts_of(table, related, choice, metric))
    workspace.write_table(
        "estimates", estimates(related, grid.beyond(metric), metric, len(grid.cells), settings.bootstrap.level)
    )
    first = runs[next(role for role in runs if not role.startswith("0 "))]
    workspace.note(
        chosen=metric,
        cells=len(grid.cells),
        held_out=len(first.table("notes")),
        level=settings.bootstrap.level,
        parameters=first.facts["parameters"],
        trainable=first.facts["trainable"],
        final_steps=first.facts["final_steps"],
        **({"diverged": lost} if lost else {}),
    )


def converged(runs: Mapping[str, Run]) -> tuple[dict[str, Run], list[str]]:
    """Cells that have notes, and the names of those whose fine-tune diverged, which are left out.

    Raises
    ------
    UserError
        Where of the trained cells fewer than `LEAST_CELLS` are left, or none of another number of examples or another seed.
    """
    lost = [role for role, run in runs.items() if run.facts.get("diverged")]
    kept = {role: run for role, run in runs.items() if role not in lost}
    if lost:
        said = f"real_notes: diverged and left out, as EXAMPLES SEED: {', '.join(lost)}"
        trained = [_cell(role) for role in kept if not role.startswith("0 ")]
        if len(trained) < LEAST_CELLS or any(len(set(values)) < 2 for values in zip(*trained, strict=True)):
            raise UserError(f"{said}; too few cells are left to compare, lower real_notes.lora.learning_rate")
        warn(said)
    return kept, lost


def _cell(role: str) -> tuple[int, int]:
    examples, seed = role.split()
    return int(examples), int(seed)


def cells(runs: Mapping[str, Run]) -> pd.DataFrame:
    """A row per cell: examples, seed, final and held-out loss (nats a token), notes cut, the mean of every metric."""
    rows = []
    for role, run in runs.items():
        examples, seed = _cell(role)
        means = run.table("notes")[[*CANDIDATES, BREVITY]].mean()
        losses = {FINAL: run.facts.get("final_loss", np.nan), HELD_OUT: run.facts["held_out_loss"]}
        rows.append({"examples": examples, "seed": seed, **losses, "cut": run.facts["cut"], **means})
    return pd.DataFrame(rows)


def curves(runs: Mapping[str, Run]) -> pd.DataFrame:
    """Training loss of every step: examples, seed, step, loss."""
    parts = [
        run.table("losses")[["step", "loss"]].assign(examples=_cell(role)[0], seed=_cell(role)[1])
        for role, run in runs.items()
        if not role.startswith("0 ")
    ]
    return pd.concat(parts, ignore_index=True)[["examples", "seed", "step", "loss"]]


class Grid:
    """Trained cells, their held-out dialogues drawn again and again.

    Parameters
    ----------
    runs : "EXAMPLES SEED" -> cell
    bootstrap : over held-out dialogues

    Notes
    -----
    Cells of one seed learn from the same examples, so that seeds are what is independent: an interval comes of leaving each
    out (Student's, a degree of freedom fewer than seeds), and another of drawing the dialogues with the cells as they are.
    """

    def __init__(self, runs: Mapping[str, Run], bootstrap: Bootstrap):
        self.bootstrap = bootstrap
        self.cells = pd.DataFrame([_cell(role) for role in runs], columns=["examples", "seed"])
        notes = [run.table("notes").set_index("id") for run in runs.values()]
        self.resampling = bootstrap.over(list(range(len(notes[0]))))
        self.weights = self.resampling.weights
        tokens = np.stack([table["tokens"].to_numpy(float) for table in notes])
        nll = np.stack([table["nll"].to_numpy(float) for table in notes])
        final = np.array([run.facts["final_loss"] for run in runs.values()])
        draws = len(self.weights)
        self.signals = {  # [draws, cells]
            FINAL: np.tile(final, (draws, 1)),
            HELD_OUT: (self.weights @ nll.T) / (self.weights @ tokens.T),
            EXAMPLES: np.tile(np.log(self.cells["examples"].to_numpy(float)), (draws, 1)),
        }
        total = self.weights.sum(1, keepdims=True)
        self.metrics = {
            name: self.weights @ np.stack([table[name].to_numpy(float) for table in notes]).T / total
            for name in (*CANDIDATES, BREVITY)
        }

    def correlations(self) -> pd.DataFrame:
        """Every signal with every metric, over all cells and within numbers of examples.

        Returns
        -------
        signal, metric, way, estimate, low, high (over seeds, or over dialogues where these are wider), low_given and
        high_given (over dialogues, cells as they are)
        """
        rows = []
        for signal in SIGNALS:
            for metric in (*CANDIDATES, BREVITY):
                ways = {"all cells": correlated} | ({} if signal == EXAMPLES else {"same examples": self.residual})
                for way, statistic in ways.items():
                    rows.append((signal, metric, way, *self._both(statistic, self.signals[signal], self.metrics[metric])))
        return pd.DataFrame(rows, columns=["signal", "metric", "way", *ENDS])

    def residual(self, x: np.ndarray, y: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """Correlation of what is left when the mean of each number of examples is taken off."""
        examples = self.cells["examples"].to_numpy()[kept]
        same = (examples[:, None] == examples).astype(float)
        off = np.eye(len(kept)) - same / same.sum(1)
        return correlated(x[..., kept] @ off, y[..., kept] @ off, np.arange(len(kept)))

    def beyond(self, metric: str) -> pd.DataFrame:
        """How much closer a loss follows the metric than the number of examples does: signal, estimate, low, high, ..."""
        y, rows = self.metrics[metric], []
        for signal in (FINAL, HELD_OUT):
            stacked = np.stack([SIGNS[signal] * self.signals[signal], self.signals[EXAMPLES]])
            gain = lambda pair, score, kept: correlated(pair[0], score, kept) - correlated(pair[1], score, kept)
            rows.append((signal, *self._both(gain, stacked, y, correlation=False)))
        return pd.DataFrame(rows, columns=["signal", *ENDS])

    def _both(self, statistic: Statistic, x: np.ndarray, y: np.ndarray, correlation: bool = True) -> tuple[float, ...]:
        every, seeds = np.arange(len(self.cells)), self.cells["seed"].to_numpy()
        draws = statistic(x, y, every)
        given = Drawn(draws[0], draws[1:], self.bootstrap.level).interval("reflected" if correlation else "percentile", "nan")
        left = [statistic(x[..., 0, :], y[0], np.flatnonzero(seeds != seed)) for seed in np.unique(seeds)]
        over = stats.jackknife_interval(draws[0], np.array(left), self.bootstrap.level, correlation=correlation)
        wider = given if over.high - over.low < given.high - given.low else over  # undefined over seeds stays undefined
        return over.estimate, wider.low, wider.high, given.low, given.high


ENDS = ["estimate", "low", "high", "low_given", "high_given"]


def correlated(x: np.ndarray, y: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Pearson's r over the cells that are kept, the last axis; nan where a side is constant."""
    a, b = (side[..., kept] - side[..., kept].mean(-1, keepdims=True) for side in (x, y))
    scale = np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    usable = scale > 1e-12
    return np.where(usable, (a * b).sum(-1) / np.where(usable, scale, 1.0), np.nan)


def facts_of(table: pd.DataFrame, related: pd.DataFrame, choice: pd.Series, metric: str) -> pd.DataFrame:
    """What the calibration lets one say of facts: quantity, estimate, low, high.

    `range`: F1 between the best and the worst trained cell, by the slope within dialogues; its interval is the slope's.
    `FINAL` and `HELD_OUT`: between which ends the correlation with F1 lies, given those of loss with metric and of metric with
    F1, whatever else holds.

    Notes
    -----
    Three correlations fit together only so far: r13 lies within r12 r23 and the root of (1 - r12^2)(1 - r23^2). That the
    metric follows facts between cells as it does between notes of four other systems is assumed, and measured by nobody.
    """
    trained = table[table["examples"] > 0][metric]
    reach = float(trained.max() - trained.min())
    rows = [("range", choice["slope"] * reach, choice["slope_low"] * reach, choice["slope_high"] * reach)]
    for signal in (FINAL, HELD_OUT):
        row = related[(related["signal"] == signal) & (related["metric"] == metric) & (related["way"] == "all cells")].iloc[0]
        rows.append((signal, *bounds(row["estimate"], choice["estimate"])))
    return pd.DataFrame(rows, columns=["quantity", "estimate", "low", "high"])


def bounds(one: float, other: float) -> Interval:
    """Product of two correlations along a chain, and the ends between which the correlation of its ends must lie."""
    room = np.sqrt((1 - one**2) * (1 - other**2))
    return Interval(one * other, one * other - room, one * other + room)


def estimates(related: pd.DataFrame, beyond: pd.DataFrame, metric: str, count: int, level: float) -> pd.DataFrame:
    """The rows that claims read: claim, estimate, low, high, low_given, high_given, level, n, n_unit."""
    rows = []
    for signal, claim, more in (
        (FINAL, "real-notes-loss", "real-notes-loss-beyond"),
        (HELD_OUT, "real-notes-held-out", "real-notes-beyond"),
    ):
        row = related[(related["signal"] == signal) & (related["metric"] == metric) & (related["way"] == "all cells")]
        rows.append((claim, *row[ENDS].iloc[0]))
        rows.append((more, *beyond.loc[beyond["signal"] == signal, ENDS].iloc[0]))
    return pd.DataFrame(rows, columns=["claim", *ENDS]).assign(level=level, n=count, n_unit="cells")
