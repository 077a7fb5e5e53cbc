"""Traces: a problem with the worked solution of an expert, one row of a table each.

An expert solution is text; whose tokenizer it will meet is decided later. `solution` starts right after `prompt`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from .errors import UserError

COLUMNS = ("task", "id", "prompt", "solution", "answer", "source")


@dataclass(frozen=True)
class Trace:
    """One expert solution.

    Parameters
    ----------
    task : what the problem belongs to; proxies are averaged within a task
    id : unique within the task
    prompt : what a model is given, up to and including the character before the solution
    solution : the worked solution, ending with the answer
    answer : what a checker compares with
    source : who wrote the solution
    """

    task: str
    id: str
    prompt: str
    solution: str
    answer: str
    source: str


def to_frame(traces: list[Trace]) -> pd.DataFrame:
    """One row a trace, columns as in `COLUMNS`."""
    return pd.DataFrame([asdict(trace) for trace in traces], columns=list(COLUMNS))


def from_frame(frame: pd.DataFrame, where: str) -> list[Trace]:
    """The traces of a table, checked.

    Raises
    ------
    UserError
        A missing column, a cell that is no text, an empty solution or an id that occurs twice in a task; the line
        counts data rows from 1.
    """
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise UserError(f"{where}: column {missing[0]} is missing; a trace has {', '.join(COLUMNS)}")
    if frame.empty:
        raise UserError(f"{where}: no traces")
    traces, seen = [], set()
    for line, row in enumerate(frame[list(COLUMNS)].itertuples(index=False), 1):
        for name, value in zip(COLUMNS, row, strict=True):
            if not isinstance(value, str):
                raise UserError(f"{where}, row {line}: {name} is {type(value).__name__}, expected text")
        trace = Trace(*row)
        if not trace.solution:
            raise UserError(f"{where}, row {line}: the solution is empty; remove the row or fill it")
        if (trace.task, trace.id) in seen:
            raise UserError(f"{where}, row {line}: id {trace.id} occurs twice in task {trace.task}")
        seen.add((trace.task, trace.id))
        traces.append(trace)
    return traces


def read(path: Path) -> list[Trace]:
    """The traces of a Parquet file."""
    if not path.exists():
        raise UserError(f"{path}: no such file")
    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises a dozen kinds for a damaged file
        raise UserError(f"{path}: not a Parquet file ({type(error).__name__})") from None
    return from_frame(frame, str(path))
