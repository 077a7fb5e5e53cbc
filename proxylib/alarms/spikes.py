"""A loss that jumps: above all that came lately, by more than it ever moves from one checkpoint to the next."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import Field

from proxylib.alarms import table
from proxylib.settings import Frozen

NAME = "spike"
REFERENCE = 3  # checkpoints whose median is where the loss stood: one spike among them moves it little
MEDIAN = 0.6745  # of the size of a standard normal variable
EFFICIENCY = 0.37  # of a median of sizes, against a root mean square: so many degrees of freedom a value


class Spikes(Frozen):
    """How losses are watched for jumps."""

    error: float = Field(default=0.05, gt=0, lt=0.5, description="chance of any false alarm, over all losses and checkpoints")
    window: int = Field(default=50, ge=10, description="jumps, the last ones, that say how far a loss moves")
    settled: int = Field(default=10, ge=5, description="jumps that must be known before one is called a spike")


def find(losses: pd.DataFrame, how: Spikes | None = None) -> pd.DataFrame:
    """Alarms of spikes.

    Parameters
    ----------
    losses : columns task, at, value (less is better); rows without a value are left out
    how : settings

    Returns
    -------
    See `alarms.table`; `change` is how far the loss stands above the median of the three checkpoints before. Checkpoints in
    a row are one alarm

    Notes
    -----
    A jump is a loss minus the median of the three before; its scale is the median size of earlier jumps, which holds the
    slope of the curve too. So a falling loss, whose jumps are negative, never sets it off, and in the steep beginning only
    a large spike does. A loss that stays where it jumped to is one alarm.

    *False alarms*: of runs whose losses wobble independently about a level, or fall, at most a share `error` raise any alarm,
    of whatever length (Student's t; `table.spent` over checkpoints, Bonferroni over losses). Noise with heavier tails than
    the normal raises more.
    """
    how = how or Spikes()
    known = losses[np.isfinite(losses["value"].to_numpy(float))].sort_values("at", kind="stable")
    parts = known.groupby("task", sort=False)
    rows = []
    for task, part in parts:
        places = part["at"].to_numpy(float)
        for place, *numbers in _of_series(part["value"].to_numpy(float), parts.ngroups, how):
            rows.append((NAME, task, places[place], places[place], *numbers))
    return table.frame(rows)


def _of_series(values: np.ndarray, series: int, how: Spikes) -> list[tuple[int, float, float, float, float]]:
    """place, change, low, high, p of every spike of one loss."""
    from scipy.stats import t

    if len(values) <= REFERENCE + how.settled:
        return []
    reference = pd.Series(values).rolling(REFERENCE).median().shift(1)
    jumps = values - reference.to_numpy()
    earlier = pd.Series(np.abs(jumps)).rolling(how.window, min_periods=how.settled)
    scale = (earlier.median().shift(1) / MEDIAN).to_numpy()
    degrees = np.maximum(EFFICIENCY * earlier.count().shift(1).to_numpy(), 1.0)
    looks = np.maximum(np.arange(len(values)) - REFERENCE - how.settled + 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = t.sf(jumps / scale, degrees) * series / table.spent(looks)
    raised = np.isfinite(p) & (scale > 0) & (p <= how.error)
    first = raised & ~np.concatenate([[False], raised[:-1]])
    reach = t.ppf(1 - how.error / 2, degrees) * scale
    return [(int(k), jumps[k], jumps[k] - reach[k], jumps[k] + reach[k], float(p[k])) for k in np.flatnonzero(first)]
