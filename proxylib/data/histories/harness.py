"""Results of lm-evaluation-harness, a file a checkpoint, as it writes them.

What a file holds (the code of lm-evaluation-harness 0.3 to 0.4.9, read in November 2026): `results`, task -> `acc,none` and
`acc_stderr,none` (0.3: `acc` and `acc_stderr`), where an error that is not known is the text N/A; groups beside tasks, whose
members `group_subtasks` names; `higher_is_better`; `n-samples`; `date`; and the model in `config.model_args`, a text or a
mapping.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from proxylib.data.histories.measured import LOSS, SCORE, Measured, frame, kind_of, ordered
from proxylib.errors import UserError
from proxylib.text import line

MOST_BYTES = 200 * 2**20  # of a file: results without samples take kilobytes
MOST_FILES = 10_000
#: which metric stands for a task, where it has several
PREFERRED = ("acc", "exact_match", "pass@1", "pass_at_1", "f1", "mc2", "bits_per_byte", "byte_perplexity", "word_perplexity")
NO_METRIC = {"alias", "name", "samples", "sample_len", "sample_count", " "}
#: share that one and the same answer to everything gets, of common tasks by how their names begin: a score below has not fallen
CHANCE = {
    **dict.fromkeys(("arc_easy", "arc_challenge", "hellaswag", "openbookqa", "mmlu", "hendrycksTest", "sciq", "logiqa"), 0.25),
    **dict.fromkeys(("piqa", "winogrande", "copa"), 0.5),
    **{"boolq": 0.622, "wsc": 0.635, "rte": 0.527, "social_iqa": 0.336, "commonsense_qa": 0.2},
}
STEP = re.compile(r"(?:global_?step|step|checkpoint|ckpt|iter|iteration)[-_=]?0*(\d+)(?![\d.]*[BbMm])", re.IGNORECASE)


def files_in(path: Path) -> list[Path]:
    """The result files of a folder and those below it, those of samples left out; or the one file."""
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*.json") if file.is_file())
    if len(files) > MOST_FILES:
        raise UserError(f"{path}: {len(files)} JSON files, at most {MOST_FILES} are read; name a folder below it")
    return files


def load(path: Path) -> Any:
    """What a JSON file holds; `UserError` in one line where it cannot be read."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path}: more than {MOST_BYTES >> 20} MiB; results without samples are smaller")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; save the file as UTF-8") from None
    except RecursionError:
        raise UserError(f"{path}: nested too deep for results") from None
    except ValueError as error:
        at = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UserError(f"{path}{at}: not whole JSON ({getattr(error, 'msg', error)}); write it again") from None


def is_results(values: Any) -> bool:
    """Whether a JSON value is what lm-evaluation-harness writes."""
    return isinstance(values, dict) and isinstance(values.get("results"), dict)


def read(files: Iterable[tuple[Path, Mapping[str, Any]]], metric: str | None = None) -> Measured:
    """Scores of checkpoints.

    Parameters
    ----------
    files : path and content of each
    metric : its name, with or without the filter (`exact_match,flexible-extract`); default the first that there is of
        `PREFERRED`, else the first

    Raises
    ------
    UserError
        Where a file does not say its step, or holds no task with the metric.
    """
    rows, axis = [], "step"
    for path, values in sorted(files, key=lambda file: (_date(file[1]), str(file[0]))):
        step = step_of(path, values)
        inside = _inside(values)
        before = len(rows)
        for task, given in values["results"].items():
            if isinstance(given, Mapping) and task not in inside:
                rows += _row(path, str(task), given, values, step, metric)
        if len(rows) == before:
            raise UserError(f"{path}: no task has a {metric or 'number'}; name a metric: --fields score=acc_norm")
    return ordered(Measured(frame(pd.DataFrame(rows)), axis, ()), last_counts=True)


def step_of(path: Path, values: Mapping[str, Any]) -> float:
    """How far the checkpoint of a file had come.

    From the model's arguments (`revision=step1000`, `pretrained=run/checkpoint-500`), its name, or the names of file and
    folders, whichever says it first.
    """
    config = _mapping(values, "config")
    arguments = config.get("model_args")
    if isinstance(arguments, Mapping):
        arguments = ",".join(f"{name}={value}" for name, value in arguments.items())
    texts = [arguments, values.get("model_name"), path.name, *(parent.name for parent in list(path.parents)[:3])]
    revision = re.search(r"revision=([^,]*)", str(arguments))
    for text in [revision and revision[1], *texts]:
        if text and (steps := STEP.findall(str(text))):
            return float(steps[-1])
    raise UserError(
        f"{path}: neither model_args nor the file's name says the step; put it into the name, as in step1000/results.json"
    )


def _date(values: Mapping[str, Any]) -> float:
    date = values.get("date")
    return float(date) if isinstance(date, int | float) and math.isfinite(date) else 0.0


def _mapping(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = values.get(name)
    return given if isinstance(given, Mapping) else {}


def _inside(values: Mapping[str, Any]) -> set[str]:
    """Tasks that lie below a group which has a number of its own: they are in it already."""
    members = _mapping(values, "group_subtasks")
    inside, waiting = set(), [name for name, some in members.items() if some and _numbers(values["results"].get(name))]
    while waiting:
        some = members.get(waiting.pop())
        new = {str(name) for name in some} - inside if isinstance(some, list) else set()
        inside |= new
        waiting += new
    return inside


def _number(value: Any) -> float:
    """A number, or nan: N/A, null, words."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _numbers(given: Any) -> dict[str, Any]:
    """Metrics of a task, their errors left out."""
    if not isinstance(given, Mapping):
        return {}
    return {
        str(name): value
        for name, value in given.items()
        if str(name) not in NO_METRIC and "_stderr" not in str(name) and not isinstance(value, str | list | Mapping | bool)
    }


def _row(path: Path, task: str, given: Mapping, values: Mapping, step: float, metric: str | None) -> list[dict[str, Any]]:
    numbers = _numbers(given)
    wanted = (metric,) if metric else PREFERRED
    chosen = next((name for want in wanted for name in numbers if name == want or name.split(",")[0] == want), None)
    if chosen is None and (metric or not numbers):
        return []
    chosen = chosen or next(iter(numbers))
    name, _, kept = chosen.partition(",")
    error = given.get(f"{name}_stderr,{kept}" if kept else f"{name}_stderr")
    counted = _mapping(_mapping(values, "n-samples"), task)
    better = _mapping(_mapping(values, "higher_is_better"), task).get(name)
    kind = {True: SCORE, False: LOSS}.get(better) or kind_of(name) or SCORE
    row = {"task": line(task), "kind": kind, "at": step, "value": _number(numbers[chosen]), "stderr": _number(error)}
    items = _number(counted.get("effective"))
    chance = next((share for start, share in CHANCE.items() if kind == SCORE and task.startswith(start)), math.nan)
    return [row | {"items": items if items > 0 else math.nan, "chance": chance, "place": f"{path}, task {line(task)}"}]
