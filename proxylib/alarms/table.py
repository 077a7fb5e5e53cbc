"""What every detector returns: a row an alarm, in one set of columns.

| column | meaning |
|---|---|
| `alarm` | one of `KINDS` |
| `task` | of which series; `EVERY` where the checkpoint as a whole is meant |
| `at` | place on the run's axis where it could first be raised: only what lies up to there is used |
| `since` | where it began |
| `change`, `low`, `high` | what changed, with its interval, in the series' own unit; nan where nothing is measured |
| `p` | after correction for all series and checkpoints; nan where there is no test |
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

COLUMNS = ("alarm", "task", "at", "since", "change", "low", "high", "p")
KINDS = ("overfit", "cannibalised", "plateau", "regression", "spike", "stale", "missing")
UNTOLD = ("missing",)  # not a change of the model: an evaluation that is not there, so that nothing can be said
EVERY = "every metric"


def frame(rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    """Alarms from rows in the order of `COLUMNS`, the first one raised first."""
    alarms = pd.DataFrame(list(rows), columns=list(COLUMNS))
    numbers = {name: float for name in COLUMNS[2:]}
    return alarms.astype(numbers).sort_values(["at", "since"], kind="stable", ignore_index=True)


def joined(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Alarms of several detectors, the first one raised first."""
    return frame(row for part in parts for row in part[list(COLUMNS)].itertuples(index=False, name=None))


def spent(look: int | np.ndarray) -> float | np.ndarray:
    """Share of an error rate that look number 1, 2, ... may use; shares of ever so many looks add up to one.

    >>> round(sum(spent(look) for look in range(1, 10_000)), 3)
    1.0
    """
    return 6 / (math.pi * look) ** 2
