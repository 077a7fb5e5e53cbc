"""All detectors over one history: alarms, which of them stand, and what could not be watched."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.alarms import domains, missing, overfit, plateau, regression, rises, spikes, table
from proxylib.alarms.choice import Choice, ChoiceSettings, choose
from proxylib.data.histories.measured import LOSS, SCORE, VALIDATION, Measured
from proxylib.errors import UserError
from proxylib.studies.your_run import losses as of_losses
from proxylib.studies.your_run.settings import Monitor

MOST_PLACES = 200  # checkpoints of a series that are compared with each other
LATELY = 3  # values whose median is where a series stands
COLUMNS = ("run", *table.COLUMNS, "kind", "stands")
FEWEST = rises.FEWEST  # values of a loss before anything is said of it
FEWEST_SCORES = regression.Regression().settled + 2  # of a score that comes without its error; with one two are enough


class Watched(NamedTuple):
    """What was said of a history.

    Parameters
    ----------
    alarms : columns of `COLUMNS`: those of `alarms.table`, the run and kind of the series, and whether the alarm still stands
        at the end of the history
    series : run, task, kind, split, checkpoints, first and last place, last value, watched (whether any test could be made)
    choices : run -> which checkpoint to take; a text says why none is chosen
    """

    alarms: pd.DataFrame
    series: pd.DataFrame
    choices: dict[str, Choice | str]

    @property
    def code(self) -> int:
        """Exit code: 3 an alarm stands; 4 nothing could be watched, or an evaluation is missing; 0."""
        standing = self.alarms[self.alarms["stands"]]
        untold = standing["alarm"].isin(table.UNTOLD)
        if (~untold).any():
            return 3
        return 4 if untold.any() or not self.series["watched"].any() else 0


def watch(known: Measured, given: Monitor) -> Watched:
    """Ask every detector about every run by itself.

    Notes
    -----
    *False alarms*: of runs of up to a hundred checkpoints in which nothing is wrong a share `error` at most raises any alarm
    that is a test (see each detector for what "nothing" means there); what is missing is a fact. Each run of a file has a rate
    of its own.
    """
    alarms, series, choices = [], [], {}
    for run, rows in known.rows.groupby("run", sort=False):
        alarms.append(raised(of_changes(rows, given.same_items), given.error).assign(run=run))
        series.append(_series(rows).assign(run=run))
        choices[str(run)] = chosen(rows, given)
    whole = pd.concat(alarms, ignore_index=True)[list(COLUMNS)]
    return Watched(whole, pd.concat(series, ignore_index=True), choices)


def of_changes(rows: pd.DataFrame, correlation: float) -> pd.DataFrame:
    """Rows whose scores have the errors of changes: what checkpoints on the same items have in common moves no difference."""
    if not correlation:
        return rows
    errors = regression.standard_errors(rows.rename(columns={"value": "score"})) * np.sqrt(1 - correlation)
    return rows.assign(stderr=np.where(rows["kind"] == SCORE, errors, rows["stderr"]))


def raised(rows: pd.DataFrame, error: float) -> pd.DataFrame:
    """Alarms of one run: columns of `alarms.table`, and kind and stands (see `Watched`)."""
    alarms = table.joined(detector(rows, error / TESTS) for detector in DETECTORS.values())
    kinds = rows.drop_duplicates("task").set_index("task")["kind"]
    stands = [_stands(alarm, rows) for alarm in alarms.itertuples()]
    alarms = alarms.assign(kind=alarms["task"].map(kinds).fillna(""), stands=np.array(stands, bool))
    return alarms[~_passing(alarms)].reset_index(drop=True)


def _passing(alarms: pd.DataFrame) -> pd.Series:
    """Rises of a loss that are a jump, said already, and are over: a checkpoint by itself turns no run."""
    jumps = set(alarms.loc[alarms["alarm"] == spikes.NAME, ["task", "at"]].itertuples(index=False, name=None))
    same = [place in jumps for place in alarms[["task", "at"]].itertuples(index=False, name=None)]
    risen = (alarms["kind"] == LOSS) & alarms["alarm"].isin([overfit.NAME, domains.NAME, regression.NAME])
    return risen & np.array(same, bool) & ~alarms["stands"]


def _losses(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["kind"] == LOSS]


def _falls(rows: pd.DataFrame, error: float) -> pd.DataFrame:
    scores = _above_chance(thinned(rows[rows["kind"] == SCORE]))
    return regression.find(scores, "at", regression.Regression(per_hundred=100 * error))


#: what is asked -> the detector, from rows of a run and the error rate that it may spend
DETECTORS = {
    "missing": lambda rows, error: missing.absent(rows),
    "stale": lambda rows, error: missing.stale(rows, frozenset(_losses(rows)["task"]), missing.Stale(error=error)),
    "spike": lambda rows, error: spikes.find(_losses(rows), spikes.Spikes(error=error)),
    "rise": lambda rows, error: of_losses.risen(_losses(rows), error),
    "plateau": lambda rows, error: of_losses.stalled(_losses(rows), error),
    "fall": _falls,
}
TESTS = len(DETECTORS) - 1  # what is missing is a fact; the others may spend an equal part of the error rate each


def _above_chance(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores as the detector takes them; below chance there is nothing to lose, and answers wander from label to label."""
    value = np.fmax(scores["value"], scores["chance"]).where(scores["value"].notna())
    return scores.assign(score=value)


def thinned(rows: pd.DataFrame, most: int = MOST_PLACES) -> pd.DataFrame:
    """Of long series every so many-th checkpoint: what compares all of them with each other has no time for more."""
    number = rows.groupby("task", sort=False).cumcount()
    size = rows.groupby("task", sort=False)["at"].transform("size")
    every = -(-size // most)
    return rows[(size - 1 - number) % every == 0]  # the last one is always there


def _stands(alarm: tuple, rows: pd.DataFrame) -> bool:
    """Whether what raised the alarm is so at the end of the history."""
    if alarm.task == table.EVERY:
        return bool(alarm.at == rows["at"].max())
    part = rows[rows["task"] == alarm.task].sort_values("at")
    part = part[part["value"].notna()]
    at, values = part["at"].to_numpy(), part["value"].to_numpy()
    if alarm.alarm == missing.MISSING:
        return not (at >= alarm.at).any()
    if alarm.alarm == missing.STALE:
        return bool((values[at >= alarm.since] == values[at == alarm.since]).all())
    if alarm.alarm == plateau.NAME:
        return not of_losses.left_plateau(alarm, rows[rows["kind"] == LOSS])
    after = values[at >= alarm.at]
    before = after[0] - alarm.change
    return bool((np.median(after[-LATELY:]) - before) * np.sign(alarm.change) > abs(alarm.change) / 2)


def _series(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per series."""
    parts = []
    for task, part in rows.groupby("task", sort=False):
        there = part[part["value"].notna()].sort_values("at")
        row = {"task": task, "kind": part["kind"].iloc[0], "split": part["split"].iloc[0], "checkpoints": len(there)}
        ends = (there["at"].iloc[0], there["at"].iloc[-1], there["value"].iloc[-1]) if len(there) else (np.nan,) * 3
        parts.append(row | dict(zip(("first", "last", "value"), ends, strict=True)) | {"watched": len(there) >= _fewest(there)})
    return pd.DataFrame(parts)


def _fewest(part: pd.DataFrame) -> int:
    if (part["kind"] == LOSS).any():
        return FEWEST
    return 2 if part[["stderr", "items"]].notna().any(axis=1).all() else FEWEST_SCORES


def chosen(rows: pd.DataFrame, given: Monitor) -> Choice | str:
    """The checkpoint to take by the run's held-out scores, or by its losses where there are none."""
    held = rows[(rows["split"] == VALIDATION) & rows["value"].notna()]
    scores = held[held["kind"] == SCORE]
    scores = scores if len(scores) else held
    if scores.empty:
        return "no held-out score or loss"
    last = scores.loc[scores["at"] == scores["at"].max(), "task"].unique()
    weights = {task: 1.0 if kind == SCORE else -1.0 for task, kind in zip(scores["task"], scores["kind"], strict=True)}
    weights = {task: weight for task, weight in weights.items() if task in set(last)}
    try:
        asked = {task: float(text) * np.sign(weights.get(task, 1.0)) for task, text in given.weights.items()}
        table_of = scores.rename(columns={"value": "score"})[["at", "task", "score", "items", "stderr"]]
        return choose(table_of, ChoiceSettings(last=given.last, correlation=given.same_items), asked or weights)
    except UserError as error:
        return str(error).removeprefix("choice: ")
