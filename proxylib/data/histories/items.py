"""Outcomes item by item, as lm-evaluation-harness (`--log_samples`) and Inspect keep them.

What files hold (lm-evaluation-harness 0.4.9 and inspect_ai as locked, read in November 2026).
`samples_<task>_<date>.jsonl`: a row an item with `doc_id`, `doc_hash`, `filter`, `metrics` (names) and each metric's value
under its name. An Inspect log (`.eval`, `.json`): samples with `id`, `epoch`, `error`, and scores by scorer, whose value is C,
I, P, N, a number, or several by name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from proxylib.data import field_paths, rows
from proxylib.data.histories.measured import LOSS, kind_of
from proxylib.errors import UserError
from proxylib.text import line

SAMPLES = re.compile(r"samples_(.+?)(?:_\d{4}-\d{2}-\d{2}T[\d.-]+)?\.jsonl$")
LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}  # of Inspect: correct, partly, incorrect, no answer
COLUMNS = ["metric", "item", "score", "cluster"]


def read(path: Path, cluster: str | None = None) -> pd.DataFrame:
    """Outcomes of one model.

    Parameters
    ----------
    path : a file, or a folder of them
    cluster : path to what items share, inside a row of the harness or the metadata of an Inspect sample (doc.passage)

    Returns
    -------
    metric, item, score (more is better: losses are turned round; nan where an item has no score), cluster (None where none is
    asked for); epochs of an item are averaged

    Raises
    ------
    UserError
        In one line with the file, and the line where there is one.
    """
    files = sorted(file for file in path.rglob("*") if file.is_file() and _is_log(file)) if path.is_dir() else [path]
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    if not files:
        raise UserError(f"{path}: holds neither samples_*.jsonl of lm-evaluation-harness nor logs of Inspect (.eval)")
    found = [row for file in files for row in (_harness if file.suffix == ".jsonl" else _inspect)(file, cluster)]
    if not found:
        raise UserError(f"{path}: no item has a score")
    frame = pd.DataFrame(found, columns=COLUMNS)
    keys = ["metric", "item"]
    if not frame.duplicated(keys).any():
        return frame
    whole = frame.groupby(keys, sort=False, as_index=False).agg(
        {"score": lambda part: part.mean(skipna=False), "cluster": "first"}
    )
    return whole[COLUMNS]


def _is_log(file: Path) -> bool:
    return file.suffix == ".eval" or bool(SAMPLES.search(file.name))


def _harness(path: Path, cluster: str | None) -> Iterator[tuple]:
    named = SAMPLES.search(path.name)
    task = line(named[1] if named else path.stem)
    seen: set[tuple] = set()
    for place, row in rows.of_file(path):
        if "doc_id" not in row or not isinstance(row.get("metrics"), list):
            raise UserError(f"{place}: no doc_id and metrics; give what lm-evaluation-harness writes with --log_samples")
        kept = row.get("filter", "none")
        item = f"{row['doc_id']} {row.get('doc_hash', '')}".strip()
        label = None if cluster is None else line(field_paths.take(row, cluster, place, "cluster"))
        for name in map(str, row["metrics"]):
            if not _numeric(row.get(name)):
                continue
            metric = f"{task}/{name}" + (f",{kept}" if kept != "none" else "")
            if (metric, item) in seen:
                raise UserError(f"{place}: item {row['doc_id']} of {metric} is there twice; give one log of each task")
            seen.add((metric, item))
            yield line(metric), item, _signed(name, row[name]), label


def _numeric(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | bool) and not isinstance(value, str))


def _signed(name: str, value: Any) -> float:
    number = math.nan if value is None else float(value)
    return -number if kind_of(name) == LOSS else number


def _inspect(path: Path, cluster: str | None) -> Iterator[tuple]:
    from inspect_ai.log import read_eval_log

    try:
        log = read_eval_log(str(path))
    except Exception as error:  # zip, JSON and pydantic raise a dozen kinds for a damaged file
        raise UserError(f"{path}: not a whole log of Inspect ({type(error).__name__}); write it again") from None
    if log.status != "success":
        raise UserError(f"{path}: the evaluation ended with {log.status}; run it to its end before it is compared")
    names = {name for sample in log.samples or [] for name, *_ in _scores(sample)}
    for sample in log.samples or []:
        scores = dict(_scores(sample))
        place = f"{path}, sample {sample.id}"
        label = None if cluster is None else line(field_paths.take(sample.metadata, cluster, place, "cluster"))
        for name in sorted(names):
            score = math.nan if sample.error else scores.get(name, math.nan)
            yield line(f"{log.eval.task}/{name}"), line(sample.id), score, label


def _scores(sample: Any) -> Iterator[tuple[str, float]]:
    """Name and number of every score of a sample; those that are words are none."""
    for scorer, score in (sample.scores or {}).items():
        parts = score.value.items() if isinstance(score.value, Mapping) else [("", score.value)]
        for part, value in parts:
            number = LETTERS.get(value, math.nan) if isinstance(value, str) else value
            if isinstance(number, int | float):
                yield f"{scorer}{f'/{part}' if part else ''}", float(number)
