"""A table that somebody brings, CSV or Parquet, column by column: numbers as numbers, and every cell with the place that an
error names.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from proxylib.errors import UserError
from proxylib.text import line

BLOCK = 4096  # rows of text that are held at once
MOST_COLUMNS = 1000
EMPTY = {"", "nan", "na", "n/a", "null", "none", "-", "<na>"}
SEPARATORS = ",;\t"
NUMBER = r"[-+]?\d[\d.,]*"  # as people write them


@dataclass
class Column:
    """Cells of one column.

    Parameters
    ----------
    blocks : of numbers, nan where a cell is empty or no number; or of words, where the column was asked for as text
    strange : cells that are neither empty nor a number
    first : row and text of the first of these
    filled : cells that are not empty
    """

    blocks: list[np.ndarray] = field(default_factory=list)
    strange: int = 0
    first: tuple[int, str] | None = None
    filled: int = 0


@dataclass(frozen=True, eq=False)
class Table:
    """What a file holds.

    Parameters
    ----------
    path : of the file
    columns : name -> cells
    lines : of each row, in a file of text; None where rows are counted
    rows : how many there are
    """

    path: Path
    columns: Mapping[str, Column]
    lines: np.ndarray | None
    rows: int

    def place(self, row: int) -> str:
        """What an error calls a row."""
        return f"{self.path}, row {row + 1}" if self.lines is None else f"{self.path}, line {self.lines[row]}"

    def numeric(self, name: str) -> bool:
        """Whether a column that nobody named is one of numbers: some are, and at least half of what is filled."""
        column = self.columns[name]
        return column.filled > 0 and 2 * column.strange <= column.filled

    def numbers(self, name: str, infinite: bool = False) -> np.ndarray:
        """[rows] floats, nan where a cell is empty; `UserError` names a cell that is no number, or infinite unless it may."""
        column = self.columns[name]
        if column.first is not None:
            row, text = column.first
            raise UserError(f"{self.place(row)}: {name} is {text[:40]!r}, expected a number; {_mend(text)}")
        values = np.concatenate(column.blocks) if column.blocks else np.zeros(0)
        if values.dtype == object:
            raise UserError(f"{self.path}: column {name} was read as words, expected numbers; name another")
        if len(beyond := np.flatnonzero(np.isinf(values))) and not infinite:
            raise UserError(f"{self.place(beyond[0])}: {name} is infinite; leave the row away, or the cell empty")
        return values

    def words(self, name: str) -> np.ndarray:
        """[rows] text; `UserError` names an empty cell."""
        blocks = self.columns[name].blocks
        values = np.concatenate(blocks) if blocks else np.zeros(0, object)
        if len(empty := np.flatnonzero(values == "")):
            raise UserError(f"{self.place(empty[0])}: {name} is empty; every row needs one")
        return values


def _mend(text: str) -> str:
    """What to do about a cell that is no number."""
    if re.fullmatch(rf"{NUMBER}\s*%", text):
        return "take the % away, and give --percent if scores are in percent"
    if re.fullmatch(rf"{NUMBER}\s*[KMBTkmbt]", text):
        return "write it out, as 1.4e12"
    if re.fullmatch(NUMBER, text):
        return "write it with a decimal point, and nothing between thousands"
    return "leave the cell empty, or mend it"


def known_fields(fields: dict[str, str], names: Sequence[str], beside: Sequence[str] = ()) -> dict[str, str]:
    """Fields as they are given, our name -> theirs, once they are in order.

    Parameters
    ----------
    fields : our name -> theirs; a column that is not in it has our name
    names : of the columns that there may be
    beside : what may be given besides, of something else than columns

    Raises
    ------
    ValueError
        A name that there is not; a column that would be two things at once.
    """
    if unknown := [name for name in fields if name not in (*names, *beside)]:
        raise ValueError(f"{unknown[0]} is no column of a history; there are {', '.join((*names, *beside))}")
    theirs = {name: fields.get(name, name) for name in names}
    for name in (name for name in fields if name in names):
        if other := next((other for other in names if other != name and theirs[other] == theirs[name]), None):
            raise ValueError(f"column {theirs[name]} cannot be both {name} and {other}; name another for one of them")
    return fields


def read(path: Path, texts: Sequence[str]) -> Table:
    """Read a table.

    Parameters
    ----------
    path : ends in .csv, .tsv or .parquet
    texts : columns that are words, whatever they look like

    Raises
    ------
    UserError
        One line with the file, and the line where there is one: not there, not readable, cells too many or too few, a column
        that is named twice.
    """
    readers = {".csv": _csv, ".tsv": _csv, ".parquet": _parquet}
    if path.suffix.lower() not in readers:
        raise UserError(f"{path}: a history is read from .csv, .tsv and .parquet files")
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file in it")
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        return readers[path.suffix.lower()](path, frozenset(texts))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from None


def _csv(path: Path, texts: frozenset[str]) -> Table:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = _cells(path, file)
        _, header = next(rows, (0, None))
        if header is None:
            raise UserError(f"{path}: is empty; the first line names the columns")
        names = _names(path, header)
        columns, lines, block = {name: Column() for name in names if name}, [], []
        for number, row in rows:
            if len(row) != len(header):
                raise UserError(
                    f"{path}, line {number}: {len(row)} cells, the first line has {len(header)}; quote cells that hold a comma"
                )
            lines.append(number)
            block.append(row)
            if len(block) == BLOCK:
                _add(columns, names, block, len(lines) - BLOCK, texts)
                block = []
        if block:
            _add(columns, names, block, len(lines) - len(block), texts)
    return Table(path, columns, np.array(lines, int), len(lines))


def _cells(path: Path, file: Any) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of every row that is not blank, the header first."""
    try:
        begin = file.readline()
        separator = max(SEPARATORS, key=begin.count)
        file.seek(0)
        reader = csv.reader(file, delimiter=separator, strict=True)
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; save the file as UTF-8") from None
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: cannot be read ({error}); write the line again") from None


def _names(path: Path, header: Sequence[Any]) -> list[str]:
    """Names of columns; empty for one without, which is an index that a program left there."""
    names = [line(name) for name in header]
    named = [name for name in names if name]
    if twice := next((name for number, name in enumerate(named) if name in named[:number]), None):
        raise UserError(f"{path}: column {twice} occurs twice; rename one")
    if len(names) > MOST_COLUMNS:
        raise UserError(f"{path}: {len(names)} columns, at most {MOST_COLUMNS} are read; leave some away")
    return names


def _add(columns: dict[str, Column], names: list[str], block: list[list[str]], start: int, texts: frozenset[str]) -> None:
    for name, cells in zip(names, zip(*block, strict=True), strict=True):
        if name:
            add_cells(columns[name], cells, start, name in texts)


def add_cells(column: Column, cells: Sequence[Any], start: int, text: bool) -> None:
    """Add the next cells, of which the first is row `start`."""
    if text:
        column.blocks.append(np.array(["" if cell is None else line(cell) for cell in cells], object))
        return
    try:
        values = np.array(cells, dtype=float)
        column.filled += int(np.count_nonzero(~np.isnan(values)))
    except (ValueError, TypeError, OverflowError):
        values = np.full(len(cells), np.nan)
        for place, cell in enumerate(cells):
            _one(column, values, place, cell, start)
    column.blocks.append(values)


def _one(column: Column, values: np.ndarray, place: int, cell: Any, start: int) -> None:
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in EMPTY):
        return
    column.filled += 1
    try:
        values[place] = float(cell)
    except (ValueError, TypeError, OverflowError):
        column.strange += 1
        column.first = column.first or (start + place, str(cell))


def _parquet(path: Path, texts: frozenset[str]) -> Table:
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
            names = _names(path, file.schema_arrow.names)
            columns, rows = {name: Column() for name in names if name}, 0
            for name, kind in zip(names, file.schema_arrow.types, strict=True):
                if name in texts and not _plain(kind):
                    raise UserError(f"{path}: column {name} is of type {line(kind)}, expected text; write it as text")
            for batch in file.iter_batches(batch_size=BLOCK):
                for name, cells in zip(names, batch.columns, strict=True):
                    if name:
                        add_cells(columns[name], _values(cells), rows, name in texts)
                rows += batch.num_rows
    except UserError:
        raise
    except MemoryError:
        raise UserError(f"{path}: does not fit this machine's memory; leave columns or rows away") from None
    except Exception as error:  # pyarrow raises a dozen kinds for a damaged file
        raise UserError(f"{path}: not a whole Parquet file ({type(error).__name__}); write it again") from None
    return Table(path, columns, None, rows)


def _plain(kind: Any) -> bool:
    """Whether a cell of this type of Arrow is one number or one text."""
    from pyarrow import types

    return not (types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind))


def _values(cells: Any) -> list[Any]:
    """Cells of Arrow; what holds several, or bytes, and True and False are words, as they are in a file of text."""
    from pyarrow import types

    if not _plain(cells.type):
        return ["(nested)"] * len(cells)
    values = cells.to_pylist()
    return [None if value is None else str(value) for value in values] if types.is_boolean(cells.type) else values
