"""A history of checkpoints, read and checked: what is wrong stops in one line that names row or column, what can be read in
only one way is read so, and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.data.histories.table import Table, read
from proxylib.errors import UserError
from proxylib.studies.forecasting import checks
from proxylib.studies.forecasting.series import Series, Target
from proxylib.studies.forecasting.settings import AXES, NAMES, Forecast, targets
from proxylib.text import line

LEAST = 4  # checkpoints, or runs, before anything is fitted
FURTHEST = 1e4  # times the last checkpoint: beyond, target and history are in different units
BEHIND = 1.001  # times the last checkpoint: a target below is no forecast
SHOWN = 3  # names in a note before it only counts


@dataclass(frozen=True, eq=False)
class History:
    """All that a forecast is made from.

    Parameters
    ----------
    axis : in which the horizon is counted
    target : where scores are asked for
    series : a task's checkpoints, of one run, or of all runs where a larger run is asked for
    signals : names of the columns that are signals
    notes : what was read in a way that ought to be known, a sentence each
    """

    axis: str
    target: Target
    series: tuple[Series, ...]
    signals: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def across(self) -> bool:
        """Whether a larger run is asked for."""
        return not self.series[0].run

    @property
    def open(self) -> tuple[Series, ...]:
        """Series that have not come to the target yet, and have enough points."""
        return tuple(s for s in self.series if s.x[-1] * BEHIND < self.target.x and len(s.ends) >= LEAST)

    @property
    def horizon(self) -> float:
        """How many times further than what is known the target lies; the furthest, where runs differ."""
        return max(self.target.x / s.x[-1] for s in self.open)

    @property
    def joint(self) -> bool:
        """Whether sizes and tokens vary, so that a law in both can be fitted."""
        sizes = np.concatenate([s.parameters for s in self.series])
        return self.across and np.isfinite(self.target.parameters * self.target.tokens) and len(np.unique(sizes)) > 2


class Axis(NamedTuple):
    """The axis of the horizon: its name, the rows' places on it, the target's place."""

    name: str
    values: np.ndarray
    target: Target


def load(given: Forecast) -> History:
    """The history that a command names.

    Raises
    ------
    UserError
        In one line with file, line or column, and the mend.
    """
    names = {name: given.fields.get(name, name) for name in NAMES}
    table = read(given.history, [names["task"], names["run"]])
    notes: list[str] = []
    checks.refuse_missing(table, names)
    signals = checks.signals_of(table, names, given.signals)
    columns = checks.columns_of(table, names)
    axis = _axis(table, names, columns, targets(given.target), given.target)
    frame = pd.DataFrame(columns).assign(x=axis.values, row=np.arange(table.rows))
    frame["score"], frame["chance"], frame["noise"] = checks.shares_of(table, names, frame, given.percent)
    across = "parameters" in targets(given.target)
    frame["run"] = _runs(table, names, frame, across, notes)
    values = {name: table.numbers(name) for name in signals}
    frame = _usable(frame, names, notes)
    frame = _ordered(table, names, frame, values, notes)
    checks.refuse_mixed(table, names, frame)
    frame["end"] = frame.groupby(["task", "run"], sort=False)["x"].transform("max") if across else frame["x"]
    history = History(axis.name, axis.target, _series(frame, values, across), tuple(signals), tuple(notes))
    return _asked(table, history, names, given.target)


def _axis(table: Table, names: Mapping[str, str], columns: Mapping, wanted: Mapping[str, float], text: str) -> Axis:
    """What the horizon is counted in: the target's own axis, or compute where size and tokens are given."""
    there = [name for name in AXES if np.isfinite(columns[name]).any()]
    if not there:
        raise UserError(f"{table.path}: no column says how far a checkpoint is; add one of {', '.join(AXES)}")
    if lacking := next((name for name in wanted if name not in there), None):
        axes = ", ".join(names[name] for name in there)
        raise UserError(f"parameter target: {table.path} has no column {names[lacking]}; there are {axes}")
    if "parameters" in wanted and len(wanted) == 1 and len(moving := [name for name in there if name != "parameters"]):
        more = next((name for name in ("tokens", "flops") if name in moving), "tokens")
        raise UserError(
            f"parameter target: {text} leaves open how long the larger run is trained; add {more}: {text},{more}=..."
        )
    sized = {name: wanted.get(name, np.nan) for name in ("parameters", "tokens")}
    if "flops" in wanted or len(wanted) == 1:
        name = "flops" if "flops" in wanted else next(iter(wanted))
        return Axis(names[name], columns[name], Target(wanted[name], **sized))
    values = 6 * columns["parameters"] * columns["tokens"]
    return Axis("compute (6 N D)", values, Target(6 * wanted["parameters"] * wanted["tokens"], **sized))


def _runs(table: Table, names: Mapping[str, str], frame: pd.DataFrame, across: bool, notes: list[str]) -> np.ndarray:
    """The run of each row: as named, or one per size, or a single one."""
    if names["run"] in table.columns:
        runs = table.words(names["run"])
        sizes = frame.assign(run=runs).groupby("run", sort=False)["parameters"].agg(["min", "max"])
        if len(uneven := sizes[sizes["min"] < sizes["max"]]):
            raise UserError(
                f"{table.path}: run {line(uneven.index[0])} has {names['parameters']} from {uneven['min'].iloc[0]:g} to "
                f"{uneven['max'].iloc[0]:g}; a run has one size"
            )
        return runs
    if len(frame["parameters"].dropna().unique()) > 1:
        notes.append(f"no column {names['run']}: rows of one size are taken for one run")
        return np.array([f"{size:g}" for size in frame["parameters"]], object)
    return np.full(len(frame), "run" if not across else "one", object)


def _usable(frame: pd.DataFrame, names: Mapping[str, str], notes: list[str]) -> pd.DataFrame:
    """Rows that have a score and a place above 0 on the axis; the others are counted."""
    missing = frame["score"].isna()
    nowhere = ~missing & ~(frame["x"] > 0)
    if missing.any():
        notes.append(f"left out: {_rows(missing)} without a {names['score']}")
    if nowhere.any():
        notes.append(f"left out: {_rows(nowhere)} at 0, or without a place on the axis; laws in ratios have no zero")
    return frame[~missing & ~nowhere]


def _rows(chosen: np.ndarray | pd.Series) -> str:
    count = int(chosen.sum())
    return f"{count} row{'s' * (count > 1)}"


def _ordered(
    table: Table, names: Mapping[str, str], frame: pd.DataFrame, signals: Mapping[str, np.ndarray], notes: list[str]
) -> pd.DataFrame:
    """By task, run and place; copies count once, and two scores, or values of a signal, of one checkpoint are refused."""
    if frame.empty:
        raise UserError(f"{table.path}: no row has both a {names['score']} and a place above 0 on the target's axis")
    codes = {name: pd.factorize(frame[name])[0] for name in ("task", "run")}
    order = np.lexsort((frame["x"].to_numpy(), codes["run"], codes["task"]))
    frame = frame.iloc[order]
    same = (frame[["task", "run", "x"]] == frame[["task", "run", "x"]].shift()).all(axis=1).to_numpy()
    rows = frame["row"].to_numpy()
    for name, column in {"score": frame["score"].to_numpy(), **{name: signals[name][rows] for name in signals}}.items():
        differs = same & ~np.isclose(column, np.roll(column, 1), rtol=0, atol=0, equal_nan=True)
        if differs.any():
            place = int(np.flatnonzero(differs)[0])
            first, second = sorted(map(int, rows[place - 1 : place + 1]))
            one = frame.iloc[place]
            raise UserError(
                f"{table.place(second)}: a second {name} of task {line(one['task'])} at {one['x']:g} (first in "
                f"{table.place(first).removeprefix(f'{table.path}, ')}); keep one, or tell runs apart in a column "
                f"{names['run']}"
            )
    if same.any():
        notes.append(f"left out: {_rows(same)} with what another says already")
    return frame[~same]


def _series(frame: pd.DataFrame, signals: Mapping[str, np.ndarray], across: bool) -> tuple[Series, ...]:
    """Tasks in the order of the file, of each its runs, or all runs together."""
    if across:
        frame = frame.iloc[np.lexsort((frame["x"].to_numpy(), pd.factorize(frame["task"])[0]))]
    numbers = pd.factorize(frame["run"])[0]
    keys = pd.factorize(frame["task"])[0] * (1 if across else numbers.max() + 1) + (0 if across else numbers)
    begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    rows, signal = frame["row"].to_numpy(), {}
    for name, values in signals.items():
        signal[name] = values[rows]
    arrays = {name: frame[name].to_numpy() for name in ("x", "score", "noise", "parameters", "tokens", "end")}
    tasks, runs, chance = (frame[name].to_numpy() for name in ("task", "run", "chance"))
    made = []
    for begin, end in zip(begins, [*begins[1:], len(frame)], strict=True):
        part = slice(int(begin), int(end))
        made.append(
            Series(
                task=str(tasks[begin]),
                run="" if across else str(runs[begin]),
                chance=float(chance[begin]),
                runs=numbers[part],
                signals={name: values[part] for name, values in signal.items()},
                **{name: values[part] for name, values in arrays.items()},
            )
        )
    return tuple(made)


def _asked(table: Table, history: History, names: Mapping[str, str], text: str) -> History:
    """The history, if its target lies ahead of some series that has points enough; what is left out is said."""
    target, last = history.target.x, max(s.x[-1] for s in history.series)
    before = [s for s in history.series if s.x[-1] * BEHIND < target]
    if not before:
        raise UserError(
            f"parameter target: {text} lies behind the data, which reach {last:g} ({history.axis}); give a target beyond"
        )
    if target > FURTHEST * max(s.x[-1] for s in before):
        raise UserError(
            f"parameter target: {text} is {target / last:.2g} times as far as {table.path} reaches ({last:g}); give both in "
            "one unit"
        )
    few = [s for s in before if len(s.ends) < LEAST]
    if behind := next((s for s in before if target > FURTHEST * s.x[-1] and s not in few), None):
        raise UserError(
            f"{table.path}: {_name(behind)} reaches {behind.x[-1]:g} ({history.axis}), others {last:g}; give all runs in one "
            "unit, or leave it out"
        )
    kind = "runs" if history.across else "checkpoints"
    if len(few) == len(before):
        most = max(few, key=lambda s: len(s.ends))
        count = len(most.ends)
        alone = "; for the run itself, leave parameters out of --target" * (history.across and count == 1)
        raise UserError(
            f"{table.path}: task {line(most.task)} has {count} {kind if count > 1 else kind[:-1]}, no task has more; at least "
            f"{LEAST} are needed{alone}"
        )
    notes = list(history.notes)
    if few:
        notes.append(f"fewer than {LEAST} {kind}, so nothing is forecast of {_some(few)}")
    for what, still in _still([s for s in before if s not in few]).items():
        notes.append(f"{what}, so the last one stands for the forecast of {_some(still)}")
    if finished := len(history.series) - len(before):
        notes.append(f"{finished} series have come to the target already and are only backtested")
    for series, name, reach in _stopped(before, history.signals):
        notes.append(
            f"signal {name} of {_name(series)} stops at {reach:g}, scores go on to {series.x[-1]:g}: extrapolated from there"
        )
    return History(history.axis, history.target, history.series, history.signals, tuple(_shortened(notes)))


def _name(series: Series) -> str:
    return f"{line(series.task)}{f' in run {line(series.run)}' if series.run not in ('', 'run') else ''}"


def _some(series: list[Series]) -> str:
    more = f" and {len(series) - SHOWN} more" if len(series) > SHOWN else ""
    return ", ".join(_name(s) for s in series[:SHOWN]) + more


def _still(series: list[Series]) -> dict[str, list[Series]]:
    """Series whose scores say nothing of where they go -> why."""
    chance = [s for s in series if s.at_chance]
    constant = [s for s in series if not s.at_chance and np.ptp(s.score) == 0]
    kinds = {"scores no better than chance": chance, "scores that never change": constant}
    return {why: some for why, some in kinds.items() if some}


def _stopped(series: list[Series], signals: tuple[str, ...]) -> list[tuple[Series, str, float]]:
    """Signals that end well before the scores do."""
    early = []
    for one in series:
        for name in signals:
            known = np.flatnonzero(np.isfinite(one.signals[name]))
            if len(known) and one.x[known[-1]] * 1.2 < one.x[-1]:
                early.append((one, name, float(one.x[known[-1]])))
    return early


def _shortened(notes: list[str]) -> list[str]:
    """Notes, those of one kind counted from the fourth on."""
    stops = [note for note in notes if note.startswith("signal ")]
    rest = [note for note in notes if not note.startswith("signal ")]
    more = [f"{len(stops) - SHOWN} more signals stop early"] if len(stops) > SHOWN else []
    return [*rest, *stops[:SHOWN], *more]
