"""Traces read and checked: from JSONL and Parquet files, published sets, data sets on the hub."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxylib.data.published import problems, registry
from proxylib.data.trace import COLUMNS, Trace
from proxylib.errors import UserError
from proxylib.runs.files import sha256

NEEDED = ("prompt", "solution")
EXPERT = ("expert_tokens", "expert_logprobs")
HUB, PUBLISHED = "hub:", "set:"


def to_frame(traces: list[Trace]) -> pd.DataFrame:
    """One row a trace, columns as in `COLUMNS`."""
    return pd.DataFrame([asdict(trace) for trace in traces], columns=list(COLUMNS))


def from_frame(frame: pd.DataFrame, where: str) -> list[Trace]:
    """The traces of a table, checked; see `read`. Errors count data rows from 1."""
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise UserError(f"{where}: column {missing[0]} is missing; a trace has {', '.join(COLUMNS)}")
    known = frame[[name for name in COLUMNS if name in frame.columns]]
    rows = ((f"{where}, row {number}", row) for number, row in enumerate(known.to_dict("records"), 1))
    return _checked(rows, where)


def read(path: str | Path, columns: Mapping[str, str] | None = None) -> list[Trace]:
    """The traces of a file or of a data set on the hub.

    Parameters
    ----------
    path : a ``.jsonl`` or ``.jsonl.gz`` file (one object a line, UTF-8), a ``.parquet`` file, ``set:NAME`` of
        `published.problems`, or ``hub:NAME[:CONFIG]:SPLIT``, which needs the package datasets
    columns : field of a trace -> what the file calls it, where the names differ

    Returns
    -------
    Traces in the order of the file. Fields are text: `prompt` (may be empty) and `solution` (may not) are needed; `task`
    is the file's name and `id` the number of the row where they are missing, `answer` and `source` are empty. A whole
    number as id is taken as text, null in a field that may be missing as missing. Other fields are ignored.

    Raises
    ------
    UserError
        Naming the file and the line (JSONL) or row (Parquet, hub) of a missing field, a value that is no text, an empty
        solution, or an id that occurs twice in a task.
    """
    return _checked(_rows(path, columns or {}), str(path))


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


def read_with_expert(path: str | Path, columns: Mapping[str, str] | None = None) -> tuple[list[Trace], pd.DataFrame | None]:
    """The traces as in `read`, and what the expert itself thought of its solutions: token rows for `proxies.rbridge`.

    Returns
    -------
    traces : see `read`
    expert : None where no trace says, else columns task, id, position, offset (character), n_bytes, nll (nats); from the
        fields `expert_tokens` (the expert's tokens as text, which joined are the solution) and `expert_logprobs` (natural
        logarithms, one per token)

    Raises
    ------
    UserError
        Where only some traces have them, they do not spell the solution, or a value is no logarithm of a probability.
    """
    rows = list(_rows(path, columns or {}))
    traces = _checked(iter(rows), str(path))
    given = [all(row.get(name) is not None for name in EXPERT) for _, row in rows]
    if not any(given):
        return traces, None
    made = []
    for (place, row), trace, here in zip(rows, traces, given, strict=True):
        if not here:
            raise UserError(f"{place}: {EXPERT[0]} or {EXPERT[1]} is missing, while other traces have both")
        for name in EXPERT:
            if not isinstance(row[name], (list, np.ndarray)):
                raise UserError(f"{place}: {name} is {type(row[name]).__name__}, expected a list")
        tokens, logprobs = list(row[EXPERT[0]]), list(row[EXPERT[1]])
        if not tokens or "".join(map(str, tokens)) != trace.solution or not all(isinstance(token, str) for token in tokens):
            raise UserError(f"{place}: {EXPERT[0]}, joined, are not the solution")
        if len(logprobs) != len(tokens):
            raise UserError(f"{place}: {len(logprobs)} {EXPERT[1]} for {len(tokens)} {EXPERT[0]}")
        if not all(_is_number(value) and -math.inf < value <= 0 for value in logprobs):
            raise UserError(f"{place}: {EXPERT[1]} holds a value that is not a finite number up to 0")
        offset = 0
        for position, (token, logprob) in enumerate(zip(tokens, logprobs, strict=True)):
            made.append((trace.task, trace.id, position, offset, len(token.encode()), -float(logprob)))
            offset += len(token)
    return traces, pd.DataFrame(made, columns=["task", "id", "position", "offset", "n_bytes", "nll"])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _checked(rows: Iterator[tuple[str, dict[str, Any]]], where: str) -> list[Trace]:
    traces: list[Trace] = []
    seen: set[tuple[str, str]] = set()
    for number, (place, row) in enumerate(rows, 1):
        values = {"task": Path(where).name.split(".")[0] or "traces", "id": str(number), "answer": "", "source": ""}
        for name in COLUMNS:
            value = values.get(name) if row.get(name) is None and name in values else row.get(name)
            if name == "id" and isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if name not in values and name not in row:
                has = f"; found {', '.join(map(str, row))}: name it with --fields {name}=THEIRS" if row else ""
                raise UserError(f"{place}: {name} is missing; a trace has {', '.join(COLUMNS)}{has}")
            if not isinstance(value, str):
                raise UserError(f"{place}: {name} is {type(value).__name__}, expected text")
            try:
                value.encode()
            except UnicodeEncodeError:
                raise UserError(f"{place}: {name} holds half a character (a lone surrogate); write it whole") from None
            values[name] = value
        trace = Trace(**values)
        if not trace.solution.strip():
            raise UserError(f"{place}: the solution is empty; remove the row or fill it")
        if not trace.task or not trace.id:
            raise UserError(f"{place}: {'id' if trace.task else 'task'} is empty; name it or leave the field away")
        if (trace.task, trace.id) in seen:
            raise UserError(f"{place}: id {trace.id} occurs twice in task {trace.task}; give each its own, or remove one")
        seen.add((trace.task, trace.id))
        traces.append(trace)
    if not traces:
        raise UserError(f"{where}: no traces")
    return traces


def _rows(path: str | Path, columns: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, fields) of each row, under our names."""
    unknown = [name for name in columns if name not in (*COLUMNS, *EXPERT)]
    if unknown:
        raise UserError(f"parameter fields: a trace has no field {unknown[0]}; fields are {', '.join((*COLUMNS, *EXPERT))}")
    for place, row in _raw(str(path)):
        for name, theirs in columns.items():
            if theirs not in row:
                raise UserError(f"{place}: {theirs} is missing, which --fields takes for {name}")
        yield place, row | {name: row[theirs] for name, theirs in columns.items()}


def _raw(path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, fields) of each row as the source has them."""
    if path.startswith(HUB):
        return _hub_rows(path)
    if path.startswith(PUBLISHED):
        return problems.rows(path.removeprefix(PUBLISHED))
    readers = {".jsonl": _json_rows, ".jsonl.gz": _json_rows, ".parquet": _parquet_rows}
    for ending, reader in readers.items():
        if path.endswith(ending):
            if not Path(path).is_file():
                raise UserError(f"{path}: no such file")
            return reader(Path(path))
    raise UserError(f"{path}: traces are read from .jsonl and .parquet files, {PUBLISHED}NAME and {HUB}NAME:SPLIT")


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: not a whole gzip file ({error})") from None


def _json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(_lines(path), 1):
        place = f"{path}, line {number}"
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{place}: byte {error.start + 1} is not UTF-8; save the file as UTF-8") from None
        if not text.strip():
            continue
        try:
            row = json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
        except json.JSONDecodeError as error:
            raise UserError(f"{place}: not JSON ({error.msg} at column {error.colno}); one object a line") from None
        except (ValueError, RecursionError) as error:
            raise UserError(f"{place}: {str(error) if isinstance(error, ValueError) else 'nested too deeply'}") from None
        if not isinstance(row, dict):
            raise UserError(f"{place}: {type(row).__name__}, expected an object with prompt and solution")
        yield place, row


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} occurs twice in one object")
    return row


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON; use null or leave the field away")


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises a dozen kinds for a damaged file
        raise UserError(f"{path}: not a Parquet file ({type(error).__name__})") from None
    missing = [name for name in NEEDED if name not in frame.columns]
    for number, row in enumerate(frame.to_dict("records"), 1):
        yield f"{path}, row {number}", row
    if missing and frame.empty:
        raise UserError(f"{path}: column {missing[0]} is missing; a trace has {', '.join(COLUMNS)}")


def _hub_rows(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        import datasets
    except ImportError:
        raise UserError(f"{name}: reading from the hub needs the package datasets (pip install datasets)") from None
    parts = name.removeprefix(HUB).split(":")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise UserError(f"{name}: expected {HUB}NAME:SPLIT or {HUB}NAME:CONFIG:SPLIT")
    try:
        rows = datasets.load_dataset(*parts[:-1], split=parts[-1])
    except Exception as error:  # the package raises dozens of kinds: absent, offline, gated, no such split
        raise UserError(f"{name}: cannot be loaded ({type(error).__name__}: {str(error).splitlines()[0]})") from None
    for number, row in enumerate(rows, 1):
        yield f"{name}, row {number}", dict(row)
