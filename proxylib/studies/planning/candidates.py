"""Candidates from a table: which signals all of them have, which were evaluated, and what of the table cannot be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.data.histories import table
from proxylib.data.histories.table import Table
from proxylib.errors import UserError
from proxylib.report import words
from proxylib.studies.planning.settings import SPELLINGS, Plan
from proxylib.text import line

WORDS = ("name", "judge")
COUNTED = ("size", "data")  # by their logarithms
MOST, MOST_NAME, SHOWN = 500, 200, 5
KNOWN = 0.5  # share of candidates that must have a signal for it to be used


class Candidates(NamedTuple):
    """What was read.

    Parameters
    ----------
    frame : a row per candidate: name, the signals, `score` (share; nan where nobody evaluated it), `noise` (variance of the
        score about the true one; nan likewise), `items`, and `judge` where the table has one
    signals : the one that is trusted most first
    notes : what was read in a way that ought to be known, or left out, a sentence each
    """

    frame: pd.DataFrame
    signals: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def evaluated(self) -> np.ndarray:
        """[n] whether somebody did."""
        return self.frame["score"].notna().to_numpy()

    def places(self) -> np.ndarray:
        """[n, signals] logarithms of what is counted, other signals as they are."""
        return np.column_stack([np.log(self.frame[name]) if name in COUNTED else self.frame[name] for name in self.signals])


def load(given: Plan) -> Candidates:
    """Read a table of candidates.

    Raises
    ------
    UserError
        One line that names file, line or column, and the mend.
    """
    if given.table.suffix.lower() not in (".csv", ".tsv", ".parquet"):
        raise UserError(f"{given.table}: candidates are read from .csv, .tsv and .parquet files")
    read = _read(given)
    if not read.rows:
        raise UserError(f"{given.table}: holds no rows below the names of its columns")
    if read.rows > MOST:
        raise UserError(f"{given.table}: {read.rows} candidates, at most {MOST} are planned for; leave the hopeless ones away")
    picked = chosen(read, given)
    notes: list[str] = []
    frame = pd.DataFrame({"name": _named(read, picked)})
    signals = _signals(read, picked, given, frame, notes)
    _scores(read, picked, given, frame, notes)
    if "judge" in picked:
        _one_judge(read, picked, given, frame, notes)
    elif given.judge is not None:
        raise UserError(f"--judge: {given.table} has no column judge; --fields judge=NAME says which it is")
    kept = frame[list(signals)].notna().all(axis=1)
    if not kept.any():
        raise UserError(f"{given.table}: no candidate has {words.listed(signals)}; leave a column away, or fill its cells")
    if not kept.all():
        notes.append(f"left out, as {words.listed(signals)} is not known of them: {some(frame['name'][~kept])}")
    frame = frame[kept].reset_index(drop=True)
    if len(frame) < 2:
        raise UserError(f"{given.table}: one candidate is no choice; give two or more")
    varying = tuple(name for name in signals if np.ptp(frame[name]) > 0)
    if flat := [name for name in signals if name not in varying]:
        notes.append(f"the same for all candidates, so left out: {words.listed(flat)}")
    if not varying:
        raise UserError(f"{given.table}: no signal differs between candidates; give their losses, or --signals NAME")
    return Candidates(frame, varying, tuple(notes))


def _read(given: Plan) -> Table:
    """The table, its words as words however the head of their column is written."""
    spelled = {spelling for name in WORDS for spelling in SPELLINGS[name]}
    texts = spelled | {given.fields[name] for name in WORDS if name in given.fields}
    read = table.read(given.table, sorted(texts))
    others = [name for name in read.columns if name not in texts and _folded(name) in spelled]
    return table.read(given.table, sorted(texts.union(others))) if others else read


def _folded(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def chosen(read: Table, given: Plan) -> dict[str, str]:
    """Our name -> the table's, for every column that is there; `UserError` names one that is said to be and is not."""
    lower: dict[str, str] = {}
    for name in read.columns:
        lower.setdefault(_folded(name), name)
    picked: dict[str, str] = {}
    for ours, spellings in SPELLINGS.items():
        if ours in given.fields:
            if given.fields[ours] not in read.columns:
                raise UserError(f"--fields: {given.table} has no column {given.fields[ours]}; there are {some(read.columns)}")
            picked[ours] = given.fields[ours]
        else:
            free = (lower[name] for name in spellings if name in lower and lower[name] not in given.fields.values())
            if (theirs := next(free, None)) is not None:
                picked[ours] = theirs
    if unknown := [name for name in given.signals if name not in read.columns]:
        raise UserError(f"--signals: {given.table} has no column {unknown[0]}; there are {some(read.columns)}")
    return picked


def some(names: Sequence[object]) -> str:
    """The first few names, on one line."""
    shown = [line(name)[:40] for name in list(names)[:SHOWN]]
    return ", ".join(shown) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _named(read: Table, picked: dict[str, str]) -> np.ndarray:
    if "name" not in picked:
        return np.array([f"row {row + 1}" for row in range(read.rows)], object)
    names = read.words(picked["name"])
    for row, name in enumerate(names):
        if len(name) > MOST_NAME:
            raise UserError(f"{read.place(row)}: {picked['name']} has {len(name)} letters; a name has at most {MOST_NAME}")
        if name in names[:row]:
            raise UserError(
                f"{read.place(row)}: {name[:40]} is there twice; average its rows, or give trainings names of their own"
            )
    return names


def _numbers(read: Table, name: str, above: float | None = None) -> np.ndarray:
    """A column's numbers; `UserError` names a cell at or below `above`."""
    values = read.numbers(name)
    if above is not None and len(low := np.flatnonzero(values <= above)):
        raise UserError(f"{read.place(low[0])}: {name} is {values[low[0]]:g}; it lies above {above:g}")
    return values


def _signals(read: Table, picked: dict[str, str], given: Plan, frame: pd.DataFrame, notes: list[str]) -> tuple[str, ...]:
    """Add the signals to the frame; those that fewer than half of the candidates have are left out."""
    columns = {name: picked[name] for name in ("loss", *COUNTED) if name in picked}
    columns |= {name: name for name in given.signals if name not in columns.values()}
    used = []
    for name, theirs in columns.items():
        values = _numbers(read, theirs, 0.0 if name in COUNTED else None)
        share = np.isfinite(values).mean()
        if share < KNOWN:
            count = words.counted(int(np.isfinite(values).sum()), "candidate")
            notes.append(f"{line(theirs)} is known of {count} of {len(values)}: left out")
            continue
        ours = name if name in ("loss", *COUNTED) else _apart(line(name))
        frame[ours] = values
        used.append(ours)
    if not used:
        raise UserError(
            f"{given.table}: no column loss, size or data that most candidates have (there are {some(read.columns)}); "
            "--fields loss=NAME says which it is"
        )
    return tuple(used)


def _apart(name: str) -> str:
    """A stranger's name of a signal, apart from what the frame holds beside."""
    return f"{name} (signal)" if name in (*SPELLINGS, "noise") else name


def _scores(read: Table, picked: dict[str, str], given: Plan, frame: pd.DataFrame, notes: list[str]) -> None:
    """Add score, items and noise to the frame."""
    scores = read.numbers(picked["score"]) if "score" in picked else np.full(read.rows, np.nan)
    whole = 100.0 if given.percent else 1.0
    if len(off := np.flatnonzero((scores < 0) | (scores > whole))):
        mend = "a score is at most 100" if given.percent else "give --percent if scores are in percent"
        raise UserError(f"{read.place(off[0])}: {picked['score']} is {scores[off[0]]:g}, expected 0 to {whole:g}; {mend}")
    if given.percent and np.nanmax(scores, initial=0) <= 1 and np.isfinite(scores).sum() > 1:
        raise UserError(f"{given.table}: no score exceeds 1: shares; leave out --percent")
    frame["score"] = scores / whole
    items = _numbers(read, picked["items"], 0.0) if "items" in picked else np.full(read.rows, np.nan)
    stderr = read.numbers(picked["stderr"]) if "stderr" in picked else np.full(read.rows, np.nan)
    if len(off := np.flatnonzero(stderr < 0)):
        raise UserError(f"{read.place(off[0])}: {picked['stderr']} is {stderr[off[0]]:g}; it cannot lie below 0")
    if len(off := np.flatnonzero(stderr > whole / 2)):  # of right and wrong with one item each
        mend = "mend the cell" if given.percent else "give --percent if scores and their errors are in percent"
        raise UserError(f"{read.place(off[0])}: {picked['stderr']} is {stderr[off[0]]:g}, at most {whole / 2:g}; {mend}")
    frame["items"] = np.where(np.isfinite(scores), items, np.nan)
    shrunk = (frame["score"] * items + 1) / (items + 2)  # a score of none or all has noise, too
    noise = np.where(np.isfinite(stderr), (stderr / whole) ** 2, shrunk * (1 - shrunk) / items)
    bare = np.isfinite(scores) & ~np.isfinite(noise)
    frame["noise"] = np.where(np.isfinite(scores), np.where(bare, 0.0, noise), np.nan)
    if bare.any():
        notes.append(f"neither items nor stderr with {words.counted(int(bare.sum()), 'score')}: taken as exact")


def _one_judge(read: Table, picked: dict[str, str], given: Plan, frame: pd.DataFrame, notes: list[str]) -> None:
    """Scores of another judge are not on the same scale: they are left out, and named."""
    blocks = read.columns[picked["judge"]].blocks
    judges = np.concatenate(blocks) if blocks else np.zeros(0, object)
    frame["judge"] = judges
    scored = frame["score"].notna()
    counts = frame["judge"][scored].value_counts(sort=False)
    if given.judge is not None and given.judge not in set(counts.index):
        raise UserError(
            f"--judge: no score in {given.table} is by {given.judge}; there are {some(list(counts.index)) or 'none'}"
        )
    if not len(counts):
        return
    kept = given.judge if given.judge is not None else counts.idxmax()
    others = scored & (frame["judge"] != kept)
    frame.loc[others, ["score", "noise", "items"]] = np.nan
    notes.extend(_changed(kept, counts))


def _changed(kept: str, counts: pd.Series) -> Iterator[str]:
    others = [judge for judge in counts.index if judge != kept]
    if others:
        said = (
            "a score without a judge" if others == [""] else f"scores by {some([judge or 'nobody named' for judge in others])}"
        )
        yield f"the judge changes: only scores by {line(kept) or 'nobody named'} count, {said} are left out"
