"""Traces read and checked: from files, published sets, data sets on the hub; and what became of the rows on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from proxylib.data import expert, field_paths, rows, thinking
from proxylib.data.published import problems, registry
from proxylib.data.reading import Counts, Key, Reading, reading_of
from proxylib.data.repeats import normal
from proxylib.data.trace import COLUMNS, Trace
from proxylib.errors import UserError
from proxylib.runs.files import sha256

NEEDED, PROBLEM = ("prompt", "solution"), "problem"
FIELDS = (*COLUMNS, PROBLEM, *expert.EXPERT)
HUB, PUBLISHED = "hub:", "set:"
WHOLE = 2**53  # a float beyond may have been another whole number before


def to_frame(traces: list[Trace]) -> pd.DataFrame:
    """One row a trace, columns as in `COLUMNS`."""
    return pd.DataFrame([asdict(trace) for trace in traces], columns=list(COLUMNS))


def from_frame(frame: pd.DataFrame, where: str) -> list[Trace]:
    """The traces of a table, checked; see `read`. Errors count data rows from 1."""
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise UserError(f"{where}: column {missing[0]} is missing; a trace has {', '.join(COLUMNS)}")
    known = frame[[name for name in COLUMNS if name in frame.columns]]
    of_table = ((f"{where}, row {number}", row) for number, row in enumerate(known.to_dict("records"), 1))
    return _Reader(where, {}).read(of_table).traces


def read(path: str | Path, columns: Mapping[str, str] | None = None) -> list[Trace]:
    """The traces of a source alone; see `reading`."""
    return reading(path, columns).traces


def reading(path: str | Path, columns: Mapping[str, str] | None = None, think: thinking.Think = "keep") -> Reading:
    """The traces of a file or of a data set on the hub, and what became of its rows.

    Parameters
    ----------
    path : a ``.jsonl`` or ``.jsonl.gz`` file (one object a line, UTF-8), a ``.json`` file (a list of objects), a ``.parquet``
        file, ``set:NAME`` of `published.problems`, or ``hub:NAME[:CONFIG]:SPLIT``, which needs the package datasets
    columns : field of a trace -> what the file calls it, or the path to it (`field_paths`), where the names differ; `problem`
        is read only if it stands here
    think : whether think blocks stay in the solutions

    Returns
    -------
    Traces in the order of the file. Fields are text: `prompt` (may be empty) and `solution` (may not) are needed; `task`
    is the file's name and `id` the number of the row where they are missing, `answer` and `source` are empty. A whole
    number as id is taken as text, null in a field that may be missing as missing. Other fields are ignored. A row that
    repeats an earlier one, id and all, is left away and counted as a copy; copies with ids of their own are kept.

    Raises
    ------
    UserError
        Naming the file and the line (JSONL) or row (others) of a missing field, a value that is no text, an empty solution,
        an id that occurs twice in a task, a think block that cannot be cut; or of the expert's tokens, where only some traces
        have them or they do not fit, see `expert.read`.
    """
    columns = columns or {}
    unknown = [name for name in columns if name not in FIELDS]
    if unknown:
        raise UserError(f"parameter fields: a trace has no field {unknown[0]}; fields are {', '.join(FIELDS)}")
    return _Reader(str(path), columns, think).read(_rows(str(path)))


def identity(source: str) -> str:
    """What decides the rows of a source, without a network: the hash of a file or of a published set, the name on the hub.

    Raises
    ------
    UserError
        If it is a file that is not there, or a set that nobody published.
    """
    if source.startswith(PUBLISHED):
        name = source.removeprefix(PUBLISHED)
        return f"{name} {registry.fingerprint(problems.source(name).dataset)}"
    if source.startswith(HUB):
        return source
    if not Path(source).is_file():
        raise UserError(f"{source}: no such file")
    return sha256(Path(source))


class _Reader:
    """Rows of one source into traces."""

    def __init__(self, where: str, columns: Mapping[str, str], think: thinking.Think = "keep"):
        self.where, self.columns, self.think = where, columns, think
        self.traces: dict[Key, Trace] = {}
        self.labels: dict[Key, str] = {}
        self.experts: dict[Key, expert.Expert | None] = {}
        self.speakers: dict[str, str | None] = {}
        self.rows = self.repeated = self.thoughts = 0

    def read(self, given: Iterable[rows.Row]) -> Reading:
        """All rows, checked one by one."""
        for place, row in given:
            self.rows += 1
            self._add(place, _fields(row, place, self.columns))
            self._hear(place, row)
        if not self.traces:
            raise UserError(f"{self.where}: no traces")
        clipped = sum(item.clipped for item in self.experts.values() if item)
        counts = Counts(self.rows, self.repeated, 0, thoughts=self.thoughts, think=self.think, clipped=clipped)
        reading = reading_of(list(self.traces.values()), self.labels if PROBLEM in self.columns else None, counts)
        return replace(reading, expert=_expert_rows(self.experts))

    def _add(self, place: str, row: dict[str, Any]) -> None:
        texts = {name: self._text(row, name, place) for name in COLUMNS}
        texts["task"] = Path(self.where).name.split(".")[0] or "traces" if texts["task"] is None else texts["task"]
        texts["id"] = str(self.rows) if texts["id"] is None else texts["id"]
        for name in NEEDED:
            if texts[name] is None:
                raise UserError(f"{place}: {name} is null, expected text; fill it or remove the row")
        trace = self._thought(Trace(**{name: text or "" for name, text in texts.items()}), place)
        if not trace.task or not trace.id:
            raise UserError(f"{place}: {'id' if trace.task else 'task'} is empty; name it or leave the field away")
        key = trace.task, trace.id
        if key in self.traces:
            if not _same(trace, self.traces[key]):
                raise UserError(f"{place}: id {trace.id} occurs twice in task {trace.task}; give each its own, or remove one")
            self.repeated += 1
            return
        self.traces[key] = trace
        if (label := self._text(row, PROBLEM, place)) is not None:
            self.labels[key] = label
        self._add_expert(key, row, place)

    def _text(self, row: Mapping[str, Any], name: str, place: str) -> str | None:
        """A field as text; None where it is null or missing."""
        value = row.get(name)
        if name in ("id", PROBLEM):
            value = _whole(value)
        if value is None:
            return None
        if not isinstance(value, str):
            inside = field_paths.texts(value, self.columns.get(name, name))
            hint = f"; take what is in it, such as --fields {name}={inside[0]}" if inside else ""
            raise UserError(f"{place}: {name} is {field_paths.kind(value)}, expected text{hint}")
        if len(value) > rows.LONGEST:
            raise UserError(f"{place}: {name} has {len(value)} characters; no model reads that at once: split it")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UserError(f"{place}: {name} holds half a character (a lone surrogate); write it whole") from None
        return value

    def _hear(self, place: str, row: Mapping[str, Any]) -> None:
        """Refuse a row in which a path leads to another speaker's words than in the first: a question is no solution."""
        for name in NEEDED:
            said = field_paths.speaker(row, self.columns.get(name, name))
            first = self.speakers.setdefault(name, said)
            if said != first:
                raise UserError(
                    f"{place}: {self.columns[name]} is said by {said or 'nobody'}, in rows before by {first or 'nobody'}; "
                    "remove the row, or give it as many turns as the others"
                )

    def _thought(self, trace: Trace, place: str) -> Trace:
        """The trace with its think block as it is wanted."""
        if not trace.solution.strip():
            raise UserError(f"{place}: the solution is empty; remove the row or fill it")
        thought = thinking.without(trace.prompt, trace.solution)
        self.thoughts += thought.thinks
        if self.think == "keep" or not thought.thinks:
            return trace
        if thought.solution is None:
            raise UserError(f"{place}: the think block has no clear end and cannot be cut; remove the row, or --think keep")
        if not thought.solution.strip():
            raise UserError(f"{place}: the solution is nothing but a think block; remove the row, or --think keep")
        return replace(trace, prompt=thought.prompt, solution=thought.solution)

    def _add_expert(self, key: Key, row: dict[str, Any], place: str) -> None:
        here = all(row.get(name) is not None for name in expert.EXPERT)
        self.experts[key] = expert.read(row, self.traces[key].solution, place) if here else None
        if here != (next(iter(self.experts.values())) is not None):
            what = f"{place}: {' or '.join(expert.EXPERT)} is missing, while other traces have both"
            raise UserError(what if not here else f"{place}: has {' and '.join(expert.EXPERT)}, which traces before it lack")


def _fields(row: Mapping[str, Any], place: str, columns: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a row under our names, those that it lacks left away."""
    fields = {}
    for name in FIELDS:
        if name in columns:
            fields[name] = field_paths.take(row, columns[name], place, name)
        elif name in row and name != PROBLEM:
            fields[name] = row[name]
        elif name in NEEDED:
            has = f"; found {field_paths.listed(row)}: name it with --fields {name}=THEIRS" if len(row) else ""
            raise UserError(f"{place}: {name} is missing; a trace has {', '.join(COLUMNS)}{has}")
    return fields


def _whole(value: Any) -> Any:
    """A whole number as text; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return value
    if isinstance(value, int):
        return str(value)
    whole = abs(value) < WHOLE if isinstance(value, float) else value.is_finite()
    return str(int(value)) if whole and value == int(value) else value


def _same(trace: Trace, other: Trace) -> bool:
    return (normal(trace.prompt), normal(trace.solution)) == (normal(other.prompt), normal(other.solution))


def _expert_rows(experts: Mapping[Key, expert.Expert | None]) -> pd.DataFrame | None:
    if not any(experts.values()):
        return None
    tokens = [
        (*key, position, *span, nll)
        for key, item in experts.items()
        for position, (span, nll) in enumerate(zip(item.spans, item.nll, strict=True))
    ]
    return pd.DataFrame(tokens, columns=["task", "id", "position", "offset", "n_bytes", "nll"])


def _rows(path: str) -> Iterator[rows.Row]:
    if path.startswith(HUB):
        return _hub_rows(path)
    return problems.rows(path.removeprefix(PUBLISHED)) if path.startswith(PUBLISHED) else rows.of_file(Path(path))


def _hub_rows(name: str) -> Iterator[rows.Row]:
    try:
        import datasets
    except ImportError:
        raise UserError(f"{name}: reading from the hub needs the package datasets (pip install datasets)") from None
    parts = name.removeprefix(HUB).split(":")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise UserError(f"{name}: expected {HUB}NAME:SPLIT or {HUB}NAME:CONFIG:SPLIT")
    try:
        loaded = datasets.load_dataset(*parts[:-1], split=parts[-1])
    except Exception as error:  # the package raises dozens of kinds: absent, offline, gated, no such split
        raise UserError(f"{name}: cannot be loaded ({type(error).__name__}: {str(error).splitlines()[0]})") from None
    for number, row in enumerate(loaded, 1):
        yield f"{name}, row {number}", dict(row)
