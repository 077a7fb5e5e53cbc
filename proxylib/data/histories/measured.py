"""The one shape of what was measured along a run, and what names of metrics say of them."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.text import line

LOSS, SCORE = "loss", "score"
TRAIN, VALIDATION = "train", "validation"
#: of a row: which run and series, of which kind, on which side of the data; where on the axis; the value, and how sure it is
COLUMNS = ("run", "task", "kind", "split", "at", "value", "stderr", "items", "chance", "place")
FEW = 0.1  # of what came before, that stays: where less does, a run has not restarted, but another one begun
BEYOND = 1e100  # no loss is so large: a number that overflowed on its way

_WORD = r"(?:^|[^a-z])(?:{})(?:$|[^a-z])"
_LOSS = re.compile(_WORD.format("loss|losses|nll|bpb|bpc|ppl|perplexity|ce|cross entropy|bits per byte|bits per char|celoss"))
_SCORE = re.compile(
    _WORD.format(
        "acc|accuracy|accuracies|score|exact match|em|f1|pass|win rate|winrate|precision|recall|bleu|rouge|chrf|mcc|auc|"
        "correct|solved|ap|map|spearman|pearson|matthews"
    )
)
_TRAIN = re.compile(_WORD.format("train|training"))
_HELD = re.compile(_WORD.format("eval|valid|validation|val|test|dev|heldout|held out"))
#: side of the data, as people write it
SPLITS = {"train": TRAIN, "training": TRAIN} | dict.fromkeys(
    ("validation", "valid", "val", "eval", "evaluation", "test", "dev", "held-out", "heldout"), VALIDATION
)


class Measured(NamedTuple):
    """What a file, or a folder of files, holds.

    Parameters
    ----------
    rows : see `COLUMNS`; `value` is nan where an evaluation was tried and gave no number, `place` says where a row was read
    axis : what `at` counts
    notes : what was read in a way that ought to be known, a sentence each
    """

    rows: pd.DataFrame
    axis: str
    notes: tuple[str, ...]


def spelled(name: str) -> str:
    """A name in lower case, its words apart: eval/lossSum and eval_loss_sum are alike."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).strip().lower()


def kind_of(name: str) -> str | None:
    """Whether a metric of this name is a loss (less is better) or a score; None where the name does not say."""
    words = spelled(name)
    return LOSS if _LOSS.search(words) else SCORE if _SCORE.search(words) else None


def split_of(name: str) -> str:
    """Whether a metric of this name was measured on what is trained on; where the name does not say, it was not."""
    words = spelled(name)
    return TRAIN if _TRAIN.search(words) and not _HELD.search(words) else VALIDATION


def frame(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in their one shape: columns that are not there are nan, one run, held-out; what overflowed is no number."""
    given = rows.reindex(columns=list(COLUMNS))
    given["run"] = given["run"].fillna("run") if "run" in rows else "run"
    for name in ("at", "value", "stderr", "items", "chance"):
        given[name] = given[name].astype(float)
    given["value"] = given["value"].where(given["value"].abs() < BEYOND)
    given["split"] = given["split"].fillna(VALIDATION)
    for name in ("run", "task", "kind", "split", "place"):
        given[name] = given[name].astype(object)  # compared often: Arrow's text takes longer
    return given.reset_index(drop=True)


def ordered(measured: Measured, *, last_counts: bool = False) -> Measured:
    """Rows by run, task and place, each once.

    A row that says what another says already is left out. Where a series goes back on its axis and on from there, as after a
    restart, the rows that were run again count; where nothing of what came before stays, two runs are in one file.

    Parameters
    ----------
    last_counts : of two values of one checkpoint the later one is taken, whatever the order of rows: files know when they
        were written

    Raises
    ------
    UserError
        In one line, for two values of one checkpoint, or two runs in one series.
    """
    rows, notes = measured.rows, list(measured.notes)
    keys = ["run", "task", "at"]
    if not rows.duplicated(keys).any():
        return Measured(rows.sort_values(keys, kind="stable", key=_codes, ignore_index=True), measured.axis, measured.notes)
    same = rows.duplicated([*keys, "value"])
    if same.any():
        notes.append(f"left out: {_counted(int(same.sum()))} with what another says already")
        rows = rows[~same]
    twice = rows.duplicated(keys, keep="last")
    if twice.any() and not last_counts:
        rows = _restarted(rows, notes)
    elif twice.any():
        notes.append(f"left out: {_counted(int(twice.sum()))} that later ones replace")
        rows = rows[~twice]
    return Measured(rows.sort_values(keys, kind="stable", key=_codes, ignore_index=True), measured.axis, tuple(notes))


def _codes(column: pd.Series) -> pd.Series:
    """Names in the order in which they come."""
    return column if column.name == "at" else pd.Series(pd.factorize(column)[0], index=column.index)


def _counted(number: int) -> str:
    return f"{number} row{'s' * (number != 1)}"


def _restarted(rows: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Rows without those that a restart made anew."""
    kept, resumed = [], set()
    for _, part in rows.groupby(["run", "task"], sort=False):
        at = part["at"].to_numpy()
        backs = np.flatnonzero(np.diff(at) < 0) + 1
        lowest_ahead = np.minimum.accumulate(at[::-1])[::-1]
        stays = np.ones(len(at), bool)
        for back in backs:
            stays[:back] &= at[:back] < lowest_ahead[back]
        if part[stays].duplicated("at").any():
            _refuse_twice(part)
        for back in backs:
            if stays[:back].mean() < FEW:
                _refuse_two_runs(part.iloc[back], at[back])
        resumed |= set(at[backs])
        kept.append(part[stays])
    whole = pd.concat(kept)
    if resumed:
        first = min(resumed)
        notes.append(f"left out: {_counted(len(rows) - len(whole))} that the restart at {first:g} made anew")
    return whole.sort_index()


def _refuse_twice(part: pd.DataFrame) -> None:
    second = part[part.duplicated("at")].iloc[0]
    first = part[part["at"] == second["at"]].iloc[0]
    raise UserError(
        f"{second['place']}: a second value of {line(second['task'])} at {second['at']:g} (first in {first['place']}); keep "
        "one, or tell runs apart in a column run"
    )


def _refuse_two_runs(row: pd.Series, at: float) -> None:
    raise UserError(
        f"{row['place']}: {line(row['task'])} goes back to {at:g}, before all that came: two runs in one file? Tell them apart "
        "in a column run"
    )
