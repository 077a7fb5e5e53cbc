"""Tables of checkpoints: a row per task and checkpoint, or a row per checkpoint and a column per metric."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from proxylib.data.histories import table
from proxylib.data.histories.measured import LOSS, SCORE, SPLITS, Measured, frame, kind_of, ordered, split_of
from proxylib.data.histories.table import Table
from proxylib.errors import UserError
from proxylib.text import line

AXES = ("step", "tokens", "flops", "epoch")  # how far a run has come, the first that there is
WORDS = ("task", "run", "kind", "split")
NAMES = (*WORDS, "score", *AXES, "parameters", "items", "stderr", "chance")
#: what programs call the axis: W&B's export, TensorBoard's, trainers'
ALIASES = {
    "step": ("step", "Step", "_step", "global_step", "trainer/global_step", "train/global_step", "iteration", "iter"),
    "tokens": ("tokens", "num_tokens", "train/tokens", "tokens_seen"),
    "flops": ("flops", "total_flos"),
    "epoch": ("epoch", "train/epoch"),
}
RANGES = ("__MIN", "__MAX")  # columns that W&B adds to each of its own
TENSORBOARD = ("Wall time", "Step", "Value")
KINDS = {"loss": LOSS, "score": SCORE, "accuracy": SCORE, "acc": SCORE}
SHOWN = 5  # names in a note before it only counts


@dataclass(frozen=True)
class Spelling:
    """How a table says what it says.

    Parameters
    ----------
    fields : our name -> theirs, see `NAMES`
    losses, scores : metrics that are of this kind, whatever their names say
    percent : scores, chance and stderr are in percent
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    losses: Collection[str] = ()
    scores: Collection[str] = ()
    percent: bool = False

    def kind(self, name: str) -> str | None:
        """Of a metric: as stated, else by its name."""
        return LOSS if name in self.losses else SCORE if name in self.scores else kind_of(name)


def read(path: Path, given: Spelling) -> Measured:
    """What a table holds.

    Parameters
    ----------
    path : .csv, .tsv or .parquet; with a column `task` a row is one task at one checkpoint, without one a column is a metric
    given : see `Spelling`

    Raises
    ------
    UserError
        In one line with file, line or column, and the mend.
    """
    names = {name: given.fields.get(name, name) for name in NAMES}
    read = table.read(path, [names[name] for name in WORDS])
    for name, theirs in given.fields.items():
        if theirs not in read.columns:
            raise UserError(f"{path}: column {theirs}, given for {name}, is missing; there are {_some(read.columns)}")
    for name in (*given.losses, *given.scores):
        if name not in read.columns and (names["task"] not in read.columns or name not in set(read.words(names["task"]))):
            raise UserError(f"parameter {'losses' if name in given.losses else 'scores'}: {path} has no metric {name}")
    if read.rows == 0:
        raise UserError(f"{path}: holds no rows below the names of its columns")
    if tuple(read.columns) == TENSORBOARD and not given.fields:
        return _one_tag(read, given)
    return _long(read, names, given) if names["task"] in read.columns else _wide(read, names, given)


def _some(names: Collection[str]) -> str:
    shown = list(names)[:SHOWN]
    return ", ".join(shown) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _axis(read: Table, names: Mapping[str, str], given: Spelling) -> tuple[str, str, np.ndarray]:
    """Our name of the axis, theirs, and where each row lies on it."""
    asked = [name for name in AXES if name in given.fields] or list(AXES)
    for name in asked:
        for theirs in (names[name], *ALIASES[name]) if name not in given.fields else (names[name],):
            if theirs in read.columns and read.columns[theirs].filled:
                at = read.numbers(theirs)
                if len(below := np.flatnonzero(at < 0)):
                    raise UserError(f"{read.place(below[0])}: {theirs} is {at[below[0]]:g}; it cannot lie below 0")
                return name, theirs, at
    raise UserError(
        f"{read.path}: no column says how far a checkpoint is (there are {_some(read.columns)}); name it: --fields step=THEIRS"
    )


def _runs(read: Table, names: Mapping[str, str], notes: list[str]) -> np.ndarray:
    if names["run"] in read.columns:
        return read.words(names["run"])
    if names["parameters"] in read.columns:
        sizes = read.numbers(names["parameters"])
        if len(np.unique(sizes[np.isfinite(sizes)])) > 1:
            notes.append(f"no column {names['run']}: rows of one size are taken for one run")
            return np.array([f"{size:g}" for size in sizes], object)
    return np.full(read.rows, "run", object)


def _places(read: Table) -> list[str]:
    return [read.place(row) for row in range(read.rows)]


def _long(read: Table, names: Mapping[str, str], given: Spelling) -> Measured:
    if names["score"] not in read.columns:
        raise UserError(
            f"{read.path}: column {names['score']} is missing (there are {_some(read.columns)}); name it: --fields score=THEIRS"
        )
    notes: list[str] = []
    axis, theirs, at = _axis(read, names, given)
    rows = pd.DataFrame({"task": read.words(names["task"]), "at": at, "value": read.numbers(names["score"], infinite=True)})
    rows["run"], rows["place"] = _runs(read, names, notes), _places(read)
    for name in ("items", "stderr", "chance"):
        rows[name] = read.numbers(names[name]) if names[name] in read.columns else np.nan
        if len(below := np.flatnonzero(rows[name] < 0)):
            raise UserError(f"{read.place(below[0])}: {names[name]} is {rows[name][below[0]]:g}; it cannot lie below 0")
    if len(zero := np.flatnonzero(rows["items"] == 0)):
        raise UserError(f"{read.place(zero[0])}: {names['items']} is 0; leave the cell empty, or the row away")
    rows["kind"], stated = _kinds(read, names, rows, given)
    rows["split"] = _splits(read, names, rows)
    _refuse_units(rows, stated, given.percent, names)
    if given.percent:
        scores = rows["kind"] == SCORE
        rows.loc[scores, ["value", "stderr", "chance"]] /= 100
    parts = [rows, *_beside(read, names, rows, given, theirs)]
    return ordered(Measured(frame(_somewhere(pd.concat(parts, ignore_index=True), notes)), axis, tuple(notes)))


def _kinds(read: Table, names: Mapping[str, str], rows: pd.DataFrame, given: Spelling) -> tuple[np.ndarray, np.ndarray]:
    """Kind of each row, and whether somebody stated it."""
    tasks = {task: given.kind(task) or SCORE for task in dict.fromkeys(rows["task"])}
    kinds = np.array(rows["task"].map(tasks), object)
    stated = np.array(rows["task"].isin([*given.losses, *given.scores]))
    if names["kind"] in read.columns:
        words = read.columns[names["kind"]].blocks
        for row, word in enumerate(np.concatenate(words) if words else []):
            if word and word.lower() not in KINDS:
                raise UserError(f"{read.place(row)}: {names['kind']} is {word[:40]!r}; it is loss or score")
            if word:
                kinds[row], stated[row] = KINDS[word.lower()], True
    uneven = pd.DataFrame({"task": rows["task"], "kind": kinds}).groupby("task", sort=False)["kind"].nunique()
    if (uneven > 1).any():
        raise UserError(f"{read.path}: task {line(uneven.index[uneven > 1][0])} is a loss in some rows, a score in others")
    return kinds, stated


def _splits(read: Table, names: Mapping[str, str], rows: pd.DataFrame) -> np.ndarray:
    """Side of the data of each row."""
    splits = np.array(rows["task"].map({task: split_of(task) for task in dict.fromkeys(rows["task"])}), object)
    if names["split"] in read.columns:
        words = read.columns[names["split"]].blocks
        for row, word in enumerate(np.concatenate(words) if words else []):
            if word and word.lower() not in SPLITS:
                raise UserError(f"{read.place(row)}: {names['split']} is {word[:40]!r}; it is train or validation")
            splits[row] = SPLITS[word.lower()] if word else splits[row]
        sides = pd.DataFrame({"task": rows["task"], "split": splits}).drop_duplicates()
        both = sides.loc[sides.duplicated("task"), "task"]
        twice = rows["task"].isin(both).to_numpy()  # one name on both sides: two series
        rows.loc[twice, "task"] = [f"{task} ({split})" for task, split in zip(rows["task"][twice], splits[twice], strict=True)]
    return splits


def _refuse_units(rows: pd.DataFrame, stated: np.ndarray, percent: bool, names: Mapping[str, str]) -> None:
    """`UserError` where scores are not in the unit that they should be."""
    most, unit = (100.0, "percent") if percent else (1.0, "a share of 1")
    bound = (rows["kind"] == SCORE).to_numpy() & (~stated | rows["items"].notna().to_numpy() | percent)
    scores, score = rows[bound], names["score"]
    off = scores[(scores["value"] < 0) | (scores["value"] > most * (1 + 1e-6))]
    if len(off):
        row = off.iloc[0]
        mend = "a score is at most 100" if percent else "give --percent, bring all tasks to shares, or say --losses NAME"
        raise UserError(f"{row['place']}: {score} of {line(row['task'])} is {row['value']:g}, expected {unit}; {mend}")
    if percent and len(scores) and np.nanmax(scores["value"], initial=0) <= 1:
        raise UserError(f"{scores['place'].iloc[0]}: no score exceeds 1: shares; leave out --percent")


def _beside(read: Table, names: Mapping[str, str], rows: pd.DataFrame, given: Spelling, axis: str) -> list[pd.DataFrame]:
    """Losses in columns beside the scores, as `forecast` takes them: one series where all tasks of a checkpoint agree."""
    taken = {*names.values(), axis, *(name for some in ALIASES.values() for name in some)}
    parts = []
    for name in read.columns:
        if name in taken or not read.numeric(name) or given.kind(name) != LOSS:
            continue
        part = rows[["run", "at", "place"]].assign(
            value=read.numbers(name, infinite=True), task=name, kind=LOSS, split=split_of(name)
        )
        part = part[part["value"].notna()]
        alike = part.groupby(["run", "at"])["value"].nunique().max() == 1
        if not alike:
            part["task"] = [f"{line(task)}: {name}" for task in rows["task"][part.index]]
        parts.append(part.drop_duplicates(["run", "at"]) if alike else part)
    return parts


def _wide(read: Table, names: Mapping[str, str], given: Spelling) -> Measured:
    notes: list[str] = []
    axis, theirs, at = _axis(read, names, given)
    runs, places = _runs(read, names, notes), _places(read)
    taken = {*names.values(), theirs, *(name for some in ALIASES.values() for name in some)}
    parts, left = [], []
    for name in read.columns:
        if name in taken or name.endswith(RANGES) or not (read.numeric(name) or name in (*given.losses, *given.scores)):
            continue
        run, _, metric = name.rpartition(" - ") if theirs == "Step" else ("", "", name)  # as W&B names what it exports
        if (kind := given.kind(name)) is None:
            left.append(name)
            continue
        values = read.numbers(name, infinite=True)
        part = pd.DataFrame({"run": run or runs, "at": at, "value": values, "place": places})
        parts.append(part[~np.isnan(values)].assign(task=metric, kind=kind, split=split_of(metric)))
    if left:
        notes.append(f"left out, as neither loss nor score by their names: {_some(left)}; --losses or --scores names them")
    if not parts:
        raise UserError(
            f"{read.path}: no column is a loss or a score by its name (there are {_some(read.columns)}); name them: --losses "
            "NAME, --scores NAME; or a column task and one score: --fields task=THEIRS score=THEIRS"
        )
    rows = pd.concat(parts, ignore_index=True)
    stated = rows["task"].isin([*given.losses, *given.scores]).to_numpy()
    _refuse_units(rows.assign(items=np.nan), stated, given.percent, names)
    if given.percent:
        rows.loc[rows["kind"] == SCORE, "value"] /= 100
    return ordered(Measured(frame(_somewhere(rows, notes)), axis, tuple(notes)))


def _one_tag(read: Table, given: Spelling) -> Measured:
    """A tag as TensorBoard exports it; the file's name says which."""
    name = read.path.stem
    kind = LOSS if given.losses else SCORE if given.scores else kind_of(name)
    if kind is None:
        raise UserError(f"{read.path}: the file's name does not say whether Value is a loss; rename it, as in eval_loss.csv")
    rows = pd.DataFrame({"at": read.numbers("Step"), "value": read.numbers("Value", infinite=True), "place": _places(read)})
    return ordered(Measured(frame(rows.assign(task=name, kind=kind, split=split_of(name))), "step", ()))


def _somewhere(rows: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Rows that have a place on the axis; the others are counted."""
    nowhere = rows["at"].isna()
    if nowhere.all():
        raise UserError(f"{rows['place'].iloc[0]}: no row has a place on the axis")
    if nowhere.any():
        notes.append(f"left out: {int(nowhere.sum())} row{'s' * (int(nowhere.sum()) > 1)} without a place on the axis")
    return rows[~nowhere]
