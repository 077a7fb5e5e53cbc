"""Columns of a file of votes as text, a million rows in seconds: CSV and Parquet pass through Arrow, JSON row by row."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxylib.data import rows
from proxylib.errors import UserError
from proxylib.text import line

SEPARATORS = ",;\t"
JSON = (".jsonl", ".jsonl.gz", ".json")
TEXTS = ("text_a", "text_b")
Wanted = Callable[[Collection[str]], Mapping[str, str]]  # names of a file's columns -> ours: theirs


@dataclass(frozen=True, eq=False)
class Columns:
    """What was read.

    Parameters
    ----------
    values : our name -> [rows] texts, None where a cell is empty
    names : our name -> the file's
    place : what an error calls a row
    """

    values: Mapping[str, np.ndarray]
    names: Mapping[str, str]
    place: Callable[[int], str]


def read(path: Path, wanted: Wanted) -> Columns:
    """Read the columns that are wanted of a file.

    Parameters
    ----------
    path : ends in .csv, .tsv, .parquet, .jsonl, .jsonl.gz or .json
    wanted : says, from the names that there are, which are read, and as what

    Raises
    ------
    UserError
        One line with the file, and the row where there is one: not there, not readable, a column named twice, or what `wanted`
        raises.
    """
    reader = _json if path.name.endswith(JSON) else {".csv": _csv, ".tsv": _csv, ".parquet": _parquet}.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{path}: votes are read from .csv, .tsv, .parquet, .jsonl and .json files")
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file in it")
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        return reader(path, wanted)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from None
    except MemoryError:
        raise UserError(f"{path}: does not fit this machine's memory; leave columns or rows away") from None


def _refuse_twice(path: Path, names: Collection[str]) -> None:
    seen = list(names)
    if twice := next((name for number, name in enumerate(seen) if name and name in seen[:number]), None):
        raise UserError(f"{path}: column {line(twice)} occurs twice; rename one")


def _csv(path: Path, wanted: Wanted) -> Columns:
    import pyarrow as pa
    from pyarrow import csv as arrow

    separator, names = _header(path)
    chosen = wanted([name.strip() for name in names])
    theirs = {name.strip(): name for name in names}
    kept = list(dict.fromkeys(theirs[name] for name in chosen.values()))
    try:
        table = arrow.read_csv(
            path,
            read_options=arrow.ReadOptions(use_threads=False, block_size=2**26),
            parse_options=arrow.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=arrow.ConvertOptions(
                include_columns=kept, column_types=dict.fromkeys(kept, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise UserError(_said(path, str(error))) from None
    values = {ours: _texts(table.column(theirs[name])) for ours, name in chosen.items()}
    return Columns(values, chosen, lambda row: f"{path}, row {row + 1} after the first line")


def _header(path: Path) -> tuple[str, list[str]]:
    """What separates cells, and the names of columns."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            begin = file.readline(2**20)
            separator = max(SEPARATORS, key=begin.count)
            file.seek(0)
            names = next(csv.reader(file, delimiter=separator, strict=True), [])
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; save the file as UTF-8") from None
    except csv.Error as error:
        raise UserError(f"{path}, line 1: cannot be read ({error}); write the line again") from None
    if not any(name.strip() for name in names):
        raise UserError(f"{path}: is empty; the first line names the columns")
    _refuse_twice(path, [name.strip() for name in names])
    return separator, names


def _said(path: Path, said: str) -> str:
    """Arrow's error without the row that it quotes."""
    if "UTF8" in said or "UTF-8" in said:
        return f"{path}: not UTF-8; save the file as UTF-8"
    if match := re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", said):
        row, expected, cells = match.groups()
        return f"{path}, line {row}: {cells} cells, the first line has {expected}; quote cells that hold a comma"
    if match := re.search(r"Expected (\d+) columns, got (\d+)", said):
        return f"{path}: a line of {match[2]} cells, the first line has {match[1]}; quote cells that hold a comma"
    if "Empty CSV" in said:
        return f"{path}: no vote in it; a row is a vote"
    return f"{path}: cannot be read as a table ({line(said)[:80]}); write it again"


def _texts(column: Any) -> np.ndarray:
    """A column of Arrow as texts; numbers as they are written, lists and conversations as JSON."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        values = [_text(value) for value in column.to_pylist()]
    else:
        try:
            values = column.cast(pa.string()).to_pandas().to_numpy(object)
        except pa.ArrowInvalid as error:
            raise UserError(f"a column cannot be read as text ({line(error)[:80]}); write it again") from None
    frame = pd.Series(values, dtype=object)
    return frame.where(frame.notna() & (frame != ""), None).to_numpy(object)


def _text(value: Any) -> str | None:
    """A value of JSON as text: whole numbers without a point, what is nested as JSON again."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else str(value)


def _parquet(path: Path, wanted: Wanted) -> Columns:
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
            names = file.schema_arrow.names
            _refuse_twice(path, names)
            chosen = wanted(names)
            table = file.read(columns=list(dict.fromkeys(chosen.values())))
            values = {ours: _texts(table.column(theirs)) for ours, theirs in chosen.items()}
    except (UserError, MemoryError):
        raise
    except Exception as error:  # pyarrow raises a dozen kinds for a damaged file
        raise UserError(f"{path}: not a whole Parquet file ({type(error).__name__}); write it again") from None
    return Columns(values, chosen, lambda row: f"{path}, row {row + 1}")


def _json(path: Path, wanted: Wanted) -> Columns:
    cells: dict[str, list[str | None]] = {}
    places: list[str] = []
    for place, row in rows.of_file(path):
        for name, value in row.items():
            if name not in cells:
                cells[name] = [None] * len(places)
            cells[name].append(_text(value))
        places.append(place)
        for column in cells.values():
            if len(column) < len(places):
                column.append(None)
    if not places:
        raise UserError(f"{path}: is empty; a vote is one object a line")
    chosen = wanted(list(cells))
    values = {ours: np.array([value or None for value in cells[theirs]], object) for ours, theirs in chosen.items()}
    return Columns(values, chosen, places.__getitem__)
