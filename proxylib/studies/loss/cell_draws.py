"""Cells of a fine-tuning grid beside their verdicts, drawn anew: what the fits of loss to pass rates share.

A cell is a base, a number of examples and a seed. A configuration's value is the mean over its seeds. Configurations are
fixed: what is drawn anew are the notes (all criteria of a note together, the same notes in every cell) and the seeds. What
an interval so leaves out, the luck of fifteen configurations, is told by the critical size of a correlation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.measure import proxies
from proxylib.stats import Bootstrap, Interval

CONFIGURATION = ["base", "parameters", "examples", "copying"]  # the last where it was measured
LEAST_CELLS = 4  # below, a line through the points leaves nothing over to doubt it with
LOSSES = ("final_loss", "first_pass_loss", "held_out_loss")
PROXY = proxies.name(*proxies.NAMED_WINNERS["model selection"])  # fixed before any cell was trained
SIGNALS = (*LOSSES, PROXY)


class JudgedCells(NamedTuple):
    """The cells of one schedule, ready to be fitted.

    cells : a row per cell: base, parameters, examples, seed, and as far as they were measured copying (the base's copy rate)
        and `SIGNALS`: losses in nats per completion token, and a proxy over the experts' notes, which unlike them is higher
        for better models
    passed : judge -> [cells, notes, criteria] verdicts, 1 or 0, nan where unscored
    """

    cells: pd.DataFrame
    passed: Mapping[str, np.ndarray]

    @property
    def configurations(self) -> pd.DataFrame:
        """base, parameters, examples, copying: one row per configuration, whatever its seeds."""
        return self.cells[known_of(self.cells)].drop_duplicates(ignore_index=True)


def known_of(cells: pd.DataFrame) -> list[str]:
    """Columns of `CONFIGURATION` that the cells have."""
    return [name for name in CONFIGURATION if name in cells.columns]


def judged(cells: pd.DataFrame, verdicts: pd.DataFrame) -> JudgedCells:
    """Cells beside their verdicts.

    Parameters
    ----------
    cells : cell, base, parameters, examples, seed, diverged, final_loss, and any of copying and the other `SIGNALS`
    verdicts : cell, id (of the note), criterion, judge, passed (nullable: unscored is neither)

    Raises
    ------
    UserError
        If fewer than `LEAST_CELLS` cells are left without the diverged ones, a cell or a verdict occurs twice, a cell misses
        a note, or judges have judged other notes.
    """
    if cells["cell"].duplicated().any():
        raise UserError(f"grid: cell {cells.loc[cells['cell'].duplicated(), 'cell'].iloc[0]} occurs twice; remove one")
    kept = cells[~cells["diverged"]].reset_index(drop=True)
    if len(kept) < LEAST_CELLS:
        raise UserError(f"grid: {len(kept)} cells did not diverge, at least {LEAST_CELLS} are needed for a fit")
    passed, ids = {}, {}
    for judge, table in verdicts[verdicts["cell"].isin(kept["cell"])].groupby("judge", sort=False):
        _refuse_gaps(str(judge), table, kept["cell"])
        wide = table.assign(value=table["passed"].astype("Float64")).pivot(
            index="cell", columns=["id", "criterion"], values="value"
        )
        notes, criteria = (wide.columns.get_level_values(level).unique() for level in (0, 1))
        full = wide.reindex(columns=pd.MultiIndex.from_product([notes, criteria])).loc[kept["cell"]]
        passed[str(judge)] = full.to_numpy(float, na_value=np.nan).reshape(len(kept), len(notes), len(criteria))
        ids[str(judge)] = set(notes)
    if not passed:
        raise UserError("grid: no cell has verdicts")
    first = next(iter(ids))
    for judge, table in ids.items():
        if table != ids[first]:
            raise UserError(f"grid: judges {first} and {judge} have judged other notes; draws are over notes that all judged")
    return JudgedCells(kept, passed)


def _refuse_gaps(judge: str, table: pd.DataFrame, cells: pd.Series) -> None:
    """`UserError` unless a judge's verdicts on the cells are whole: each note and criterion once in each cell."""
    missing = set(cells) - set(table["cell"])
    if missing:
        raise UserError(f"grid: judge {judge} has no verdict on cell {sorted(missing)[0]}")
    keys = ["cell", "id", "criterion"]
    twice = table[table.duplicated(keys)]
    if len(twice):
        cell, note, criterion = twice[keys].iloc[0]
        raise UserError(f"grid: judge {judge} has two verdicts on {criterion} of note {note} of cell {cell}; keep one")
    whole = table["id"].nunique() * table["criterion"].nunique()
    counts = table.groupby("cell").size()
    if (counts < whole).any():
        cell = counts[counts < whole].index[0]
        raise UserError(
            f"grid: judge {judge} has {counts[cell]} verdicts on cell {cell}, and on all cells together {whole} pairs of note "
            "and criterion; judge the others too (unscored is a verdict)"
        )


def pass_rates(passed: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[draws, cells] mean over criteria of the share of verdicts that pass, in percent; notes are drawn whole.

    The unscored are left out; a cell without a scored verdict on a criterion has no rate (nan).

    Parameters
    ----------
    passed : [cells, notes, criteria]
    weights : [draws, notes]
    """
    scored = np.isfinite(passed)
    right = np.einsum("dn,cnk->dck", weights, np.where(scored, passed, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return 100 * (right / np.einsum("dn,cnk->dck", weights, scored.astype(float))).mean(2)


def cell_rates(grid: JudgedCells, judge: str) -> np.ndarray:
    """[cells] pass rates in percent over all notes."""
    return pass_rates(grid.passed[judge], np.ones((1, grid.passed[judge].shape[1])))[0]


class Draws(NamedTuple):
    """Pass rates and signals of every configuration, in the sample itself (first row) and in every bootstrap draw.

    rates : judge -> [1 + draws, configurations]
    signals : name of `SIGNALS` -> likewise
    outside : judge -> [draws, configurations] pass rates on the notes that a draw left out
    bootstrap : what was drawn with
    """

    configurations: pd.DataFrame
    rates: dict[str, np.ndarray]
    signals: dict[str, np.ndarray]
    outside: dict[str, np.ndarray]
    bootstrap: Bootstrap

    def correlation(self, r: np.ndarray) -> Interval:
        """Reflected interval of a correlation, from its values [1 + draws]; nan where it is not defined."""
        return self.bootstrap.drawn(r).interval("reflected", undefined="nan")

    def interval(self, values: np.ndarray) -> Interval:
        """Interval of any other statistic: percentiles, reaching to the estimate (experiment log: coverage)."""
        return self.bootstrap.drawn(values).interval("widened", undefined="nan")


def draws(grid: JudgedCells, bootstrap: Bootstrap) -> Draws:
    """Bootstrap over notes and seeds; the estimate is the mean over a configuration's seeds."""
    notes = bootstrap.over(np.arange(next(iter(grid.passed.values())).shape[1]))
    chosen = _seeds_drawn(grid, bootstrap)
    mix = lambda values: np.einsum("dkc,dc->dk", chosen, values)
    every = (len(chosen), len(grid.cells))
    left_out = (bootstrap.drawn(notes.weights).draws == 0).astype(float)
    chosen_estimate = bootstrap.drawn(chosen).estimate
    return Draws(
        grid.configurations,
        {judge: mix(pass_rates(passed, notes.weights)) for judge, passed in grid.passed.items()},
        {name: mix(np.broadcast_to(grid.cells[name].to_numpy(float), every)) for name in SIGNALS if name in grid.cells.columns},
        {judge: np.einsum("kc,dc->dk", chosen_estimate, pass_rates(passed, left_out)) for judge, passed in grid.passed.items()},
        bootstrap,
    )


def _seeds_drawn(grid: JudgedCells, bootstrap: Bootstrap) -> np.ndarray:
    """[1 + draws, configurations, cells] how much of a configuration each of its cells stands for.

    Seeds are few: deviations from their mean are scaled by sqrt(n / (n - 1)), so that their variance is unbiased (Rao and Wu
    1988).
    """
    place = places(grid.cells)
    rng = np.random.default_rng(bootstrap.seed)
    chosen = np.zeros((1 + bootstrap.draws, place.max() + 1, len(place)))
    for number in range(place.max() + 1):
        members = np.flatnonzero(place == number)
        count = len(members)
        picks = rng.integers(0, count, size=(bootstrap.draws, count))
        drawn = (picks[..., None] == np.arange(count)).sum(1) / count
        spread = np.sqrt(count / (count - 1)) if count > 1 else 1.0
        chosen[0, number, members] = 1 / count
        chosen[1:, number, members] = 1 / count + spread * (drawn - 1 / count)
    return chosen


def places(cells: pd.DataFrame) -> np.ndarray:
    """[cells] number of the configuration that each belongs to, in the order of `JudgedCells.configurations`."""
    return cells.groupby(known_of(cells), sort=False).ngroup().to_numpy()


def line(x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Least squares of y on x along the last axis: r, R2, slope and intercept; nan where x does not vary."""
    dx, dy = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    xx, yy, xy = (dx * dx).sum(-1), (dy * dy).sum(-1), (dx * dy).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope, r = xy / xx, xy / np.sqrt(xx * yy)
    return {"r": r, "R2": r**2, "slope": slope, "intercept": y.mean(-1) - slope * x.mean(-1)}


def rows_of(intervals: Mapping[str, Interval], **keys: object) -> list[dict[str, object]]:
    """A row per statistic with its interval; none for a statistic that is not defined."""
    defined = {statistic: interval for statistic, interval in intervals.items() if np.isfinite(interval.estimate)}
    return [{**keys, "statistic": statistic} | interval._asdict() for statistic, interval in defined.items()]


def frame_of(rows: list[dict[str, object]], *keys: str) -> pd.DataFrame:
    """Rows as from `rows_of` with all their columns, also where there are none."""
    return pd.DataFrame(rows, columns=[*keys, "statistic", "estimate", "low", "high"])


def groups_of(configurations: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """All configurations and those of each number of examples, where a line can be fitted."""
    examples = configurations["examples"].to_numpy()
    for name, members in [("all", np.ones(len(examples), bool))] + [(str(n), examples == n) for n in np.unique(examples)]:
        if members.sum() >= LEAST_CELLS:
            yield name, members
