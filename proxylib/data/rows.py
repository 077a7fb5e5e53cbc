"""Rows of the files that people bring: JSON, JSON Lines, Parquet, each with the place that an error names.

Nothing passes through pandas: a whole number beside a null stays whole, a null is None, and a column that nobody asks for is
never decoded.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proxylib.errors import UserError

Row = tuple[str, Mapping[str, Any]]  # place, fields
LONGEST = 2**25  # bytes of a line of text: more than any model reads at once
BATCH = 1024  # rows of Parquet that are held at once
ENDINGS = (".jsonl", ".jsonl.gz", ".json", ".parquet")


def of_file(path: Path) -> Iterator[Row]:
    """(place, fields) of every row of a file.

    Raises
    ------
    UserError
        If the file is not there or of another kind, or, naming line or row, where it cannot be read.
    """
    readers = dict(zip(ENDINGS, (json_lines, json_lines, _json, _parquet), strict=True))
    reader = next((reader for ending, reader in readers.items() if path.name.endswith(ending)), None)
    if reader is None:
        raise UserError(f"{path}: traces are read from .jsonl, .json and .parquet files, set:NAME and hub:NAME:SPLIT")
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file in it")
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        yield from reader(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from None
    except MemoryError:
        raise UserError(f"{path}: does not fit this machine's memory; write one object a line, in parts") from None


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """(place, line) of each line, none longer than `LONGEST`."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST + 1):
                number += 1
                if len(line) > LONGEST:
                    raise UserError(
                        f"{path}, line {number}: longer than {LONGEST // 2**20} MB; no model reads that at once: split it"
                    )
                yield f"{path}, line {number}", line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: not a whole gzip file ({error})") from None


def json_lines(path: Path) -> Iterator[Row]:
    """(place, object) of every line that is not blank; `UserError` as for `of_file`."""
    for place, line in _lines(path):
        text = _text(line, place)
        if text.strip():
            yield place, _object(_value(text, place, "one object a line"), place)


def _json(path: Path) -> Iterator[Row]:
    """A list of objects; where the file does not begin with one, JSON Lines under another name."""
    with path.open("rb") as file:
        begin = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not begin.startswith(b"["):
        yield from json_lines(path)
        return
    everything = _value(_text(path.read_bytes(), str(path)), str(path), "a list of objects")
    for number, value in enumerate(everything, 1):
        yield f"{path}, row {number}", _object(value, f"{path}, row {number}")


def _text(content: bytes, place: str) -> str:
    try:
        return content.decode("utf-8-sig")  # a file put together from several has the mark inside, too
    except UnicodeDecodeError as error:
        raise UserError(f"{place}: byte {error.start + 1} is not UTF-8; save the file as UTF-8") from None


def _value(text: str, place: str, expected: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refused, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise UserError(f"{place}: not JSON ({error.msg} at column {error.colno}); {expected}") from None
    except RecursionError:
        raise UserError(f"{place}: nested too deeply") from None
    except ValueError as error:
        raise UserError(f"{place}: {error}") from None


def _object(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{place}: {type(value).__name__}, expected an object with named fields")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} occurs twice in one object")
    return row


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON; use null or leave the field away")


def _whole(digits: str) -> int:
    if len(digits) > 1000:  # Python's own limit is a setting, and its error names that
        raise ValueError(f"a number of {len(digits)} digits; write it as text")
    return int(digits)


class ParquetRow(Mapping):
    """A row of a batch of columns; a cell is decoded when it is asked for.

    Parameters
    ----------
    batch : of pyarrow
    number : of the row in the batch
    place : what errors name
    """

    def __init__(self, batch: Any, number: int, place: str):
        self._batch, self._number, self._place = batch, number, place

    def __getitem__(self, name: str) -> Any:
        columns = self._batch.schema.get_all_field_indices(name)
        if not columns:
            raise KeyError(name)
        if len(columns) > 1:
            raise UserError(f"{self._place}: {name} is the name of {len(columns)} columns; rename them")
        try:
            return self._batch.column(columns[0])[self._number].as_py()
        except Exception as error:  # text that is no UTF-8, a time beyond Python's, a struct that names a field twice
            raise UserError(f"{self._place}: {name} cannot be read ({type(error).__name__}); write the column again") from None

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(self._batch.schema.names))

    def __len__(self) -> int:
        return len(set(self._batch.schema.names))


def _parquet(path: Path) -> Iterator[Row]:
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
    except Exception as error:  # pyarrow raises a dozen kinds for a damaged file
        raise UserError(f"{path}: not a Parquet file ({type(error).__name__})") from None
    with file:
        batches, number = file.iter_batches(batch_size=BATCH), 0
        while (batch := _next(batches, path)) is not None:
            for place in range(batch.num_rows):
                number += 1
                yield f"{path}, row {number}", ParquetRow(batch, place, f"{path}, row {number}")


def _next(batches: Iterator[Any], path: Path) -> Any:
    try:
        return next(batches, None)
    except MemoryError:
        raise
    except Exception as error:
        raise UserError(f"{path}: a damaged Parquet file ({type(error).__name__}); fetch or write it again") from None
