"""`trainer_state.json` of a Hugging Face trainer, as it is written beside every checkpoint.

What it holds (transformers 4 and 5, `trainer_callback.py`, read in November 2026): `log_history`, a list of what was logged,
each with `step` and `epoch`: `loss` along training; `eval_loss` and whatever else was computed under `eval_`, of several sets
`eval_<set>_loss`; speeds; and at the end `train_loss`, the mean of the whole training, which is no checkpoint's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from proxylib.data.histories.measured import LOSS, SCORE, TRAIN, VALIDATION, Measured, frame, kind_of, ordered
from proxylib.errors import UserError
from proxylib.text import line

NO_METRIC = re.compile(
    r"(^|_)(runtime|samples_per_second|steps_per_second|model_preparation_time|total_flos|num_tokens|epoch|step)$"
)
WHOLE = "train_"  # of the whole training, logged when it ends


def is_state(values: Any) -> bool:
    """Whether a JSON value is a trainer's state."""
    return isinstance(values, dict) and isinstance(values.get("log_history"), list)


def read(path: Path, values: Mapping[str, Any]) -> Measured:
    """Losses and scores of a trainer's state.

    Parameters
    ----------
    path, values : of the file, and what it holds

    Raises
    ------
    UserError
        Where an entry is none, or nothing was logged.
    """
    rows, left = [], {}
    for number, entry in enumerate(values["log_history"], 1):
        place = f"{path}, log_history entry {number}"
        if not isinstance(entry, Mapping):
            raise UserError(f"{place}: no mapping of names to numbers; write the file again")
        step = entry.get("step")
        if not isinstance(step, int | float) or isinstance(step, bool) or not math.isfinite(step) or step < 0:
            raise UserError(f"{place}: has no step; write the file again")
        for name, value in entry.items():
            if kind := _kind(str(name)):
                split = TRAIN if name == "loss" else VALIDATION
                rows.append(
                    {"task": line(name), "kind": kind, "split": split, "at": step, "value": _number(value), "place": place}
                )
            elif str(name).startswith("eval_") and not NO_METRIC.search(str(name)):
                left[line(name)] = None
    if not rows:
        raise UserError(f"{path}: log_history holds neither loss nor eval_loss; log some (logging_steps, eval_strategy)")
    notes = [f"left out, as neither loss nor score by their names: {', '.join(list(left)[:5])}"] if left else []
    return ordered(Measured(frame(pd.DataFrame(rows)), "step", tuple(notes)), last_counts=True)


def _kind(name: str) -> str | None:
    if name == "loss":
        return LOSS
    if not name.startswith("eval_") or NO_METRIC.search(name):
        return None
    return {LOSS: LOSS, SCORE: SCORE}.get(kind_of(name))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
