"""Cells of a fine-tuning grid beside their verdicts, drawn anew: what the fits of loss to pass rates share.

A cell is a base, a number of examples and a seed. A configuration's value is the mean over its seeds. Two intervals stand
beside each other. One holds the configurations fixed: what is drawn anew are the notes (all criteria of a note together, the
same notes in every cell) and the seeds. The wider one, which decides, is over bases, each with all of its configurations, as
these share what one pretraining happened to give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.errors import UserError
from proxylib.measure import proxies
from proxylib.stats import Bootstrap, Interval

CONFIGURATION = ["base", "parameters", "examples", "copying"]  # the last where it was measured
LEAST_CELLS = 4  # below, a line through the points leaves nothing over to doubt it with
LOSSES = ("final_loss", "first_pass_loss", "held_out_loss")
PROXY = proxies.name(*proxies.NAMED_WINNERS["model selection"])  # fixed before any cell was trained
SIGNALS = (*LOSSES, PROXY)


class Intervals(NamedTuple):
    """An estimate with the interval over what its claim generalises about, and the one that holds configurations fixed."""

    estimate: float
    low: float
    high: float
    low_given: float
    high_given: float

    @classmethod
    def wider(cls, given: Interval, sample: Interval) -> Intervals:
        """Of both: the wide one reaches at least as far as the other; where it is not defined there is none."""
        ends = np.array([[given.low, sample.low], [given.high, sample.high]])
        return cls(given.estimate, float(ends[0].min()), float(ends[1].max()), given.low, given.high)

    def squared(self) -> Intervals:
        """Of the square, see `Interval.squared`."""
        given, sample = Interval(self.estimate, self.low_given, self.high_given), Interval(*self[:3])
        return Intervals.wider(given.squared(), sample.squared())


class JudgedCells(NamedTuple):
    """The cells of one schedule, ready to be fitted.

    cells : a row per cell: base, parameters, examples, seed, and as far as they were measured copying (the base's copy rate)
        and `SIGNALS`: losses in nats per completion token, and a proxy over the experts' notes, which unlike them is higher
        for better models
    passed : judge -> [cells, notes, criteria] verdicts, 1 or 0, or grades between; nan where unscored
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
    verdicts : cell, id (of the note), criterion, judge, passed (nullable: unscored is neither; grades are from 0 to 1)

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

    @property
    def sample(self) -> Draws:
        """The sample itself, without draws."""
        first = lambda values: {name: array[:1] for name, array in values.items()}
        return self._replace(rates=first(self.rates), signals=first(self.signals))

    @property
    def without(self) -> np.ndarray:
        """[bases, configurations] 0 for those of the base that is left out, 1 for all others."""
        bases = self.configurations["base"].to_numpy()
        return np.stack([bases != base for base in dict.fromkeys(bases)]).astype(float)

    def both(self, statistic: Statistic, given: Interval | None = None, correlation: bool = False) -> Intervals:
        """Both intervals of a statistic; `given`: the first, where it is not that of `interval`."""
        given = given or self.interval(statistic(self, np.ones((1, len(self.configurations)))))
        over = statistic(self.sample, self.without)
        return Intervals.wider(given, stats.jackknife_interval(given.estimate, over, self.bootstrap.level, correlation))

    def correlated(self, correlation: Statistic, members: np.ndarray, given: Interval | None = None) -> Intervals:
        """Both intervals of a correlation over some of the configurations.

        Where each base has one of them they are independent of each other, and the wide interval is Fisher's.
        """
        given = given or self.correlation(correlation(self, np.ones((1, len(self.configurations)))))
        if self.configurations["base"][members].is_unique:
            return Intervals.wider(given, stats.fisher_interval(given.estimate, int(members.sum()), self.bootstrap.level))
        return self.both(correlation, given, correlation=True)


#: a statistic's values from draws and from weights [rows, configurations] with as many rows, or one for all
Statistic = Callable[[Draws, np.ndarray], np.ndarray]


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


def line(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Least squares of y on x along the last axis: r, R2, slope and intercept; nan where x does not vary.

    `weights`: how often each point counts; once where None.
    """
    w = np.ones_like(x) if weights is None else weights
    mean = lambda values: (w * values).sum(-1, keepdims=True) / w.sum(-1, keepdims=True)
    dx, dy = x - mean(x), y - mean(y)
    xx, yy, xy = (w * dx * dx).sum(-1), (w * dy * dy).sum(-1), (w * dx * dy).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope, r = np.where(xx > 1e-12, xy / xx, np.nan), np.where(xx * yy > 1e-24, xy / np.sqrt(xx * yy), np.nan)
    return {"r": r, "R2": r**2, "slope": slope, "intercept": mean(y)[..., 0] - slope * mean(x)[..., 0]}


def ranked(values: np.ndarray) -> np.ndarray:
    """Mid-ranks along the last axis; equal but for rounding are ties."""
    near = np.round(values, 9)
    mine, others = near[..., :, None], near[..., None, :]
    ranks = (others < mine).sum(-1) + ((others == mine).sum(-1) + 1) / 2
    return np.where(np.isfinite(values).all(-1, keepdims=True), ranks, np.nan)


def rows_of(intervals: Mapping[str, Interval | Intervals], **keys: object) -> list[dict[str, object]]:
    """A row per statistic with its interval; none for a statistic that is not defined."""
    defined = {statistic: interval for statistic, interval in intervals.items() if np.isfinite(interval.estimate)}
    return [{**keys, "statistic": statistic} | interval._asdict() for statistic, interval in defined.items()]


def frame_of(rows: list[dict[str, object]], *keys: str, kind: type = Interval) -> pd.DataFrame:
    """Rows as from `rows_of` with all their columns, also where there are none; `kind`: of their intervals."""
    return pd.DataFrame(rows, columns=[*keys, "statistic", *kind._fields])


def groups_of(configurations: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """All configurations and those of each number of examples, where a line can be fitted."""
    examples = configurations["examples"].to_numpy()
    for name, members in [("all", np.ones(len(examples), bool))] + [(str(n), examples == n) for n in np.unique(examples)]:
        if members.sum() >= LEAST_CELLS:
            yield name, members
