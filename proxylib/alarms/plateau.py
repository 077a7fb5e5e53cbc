"""A domain that has stalled: over the last checkpoints its loss falls at a small share of the pace of the aggregate.

Losses flatten by nature, so that "still falling" says little. What is tested is the pace, in logarithms of loss a logarithm of
tokens, against that of the aggregate over the same checkpoints; noise that domains share cancels in the difference.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import Field

from proxylib.alarms.table import frame
from proxylib.settings import Frozen

NAME = "plateau"


class PlateauSettings(Frozen):
    """When a loss counts as stalled."""

    error: float = Field(0.05, gt=0, lt=0.5, description="share of runs without a stalled domain that raise an alarm")
    window: int = Field(8, ge=5, description="last checkpoints over which paces are compared")
    share: float = Field(0.25, ge=0, lt=1, description="of the aggregate's pace, below which a domain has stalled")
    pace: float = Field(0.005, gt=0, description="share of the loss a doubling of the tokens; where there is no aggregate")


def plateau(losses: pd.DataFrame, total: pd.Series | None = None, settings: PlateauSettings | None = None) -> pd.DataFrame:
    """Alarms where a domain has stalled while the aggregate goes on.

    Parameters
    ----------
    losses : columns task (the domain), at (tokens or steps, above 0) and value (above 0); every domain at the same places
    total : place -> aggregate loss; default the geometric mean over domains. Of a single series `settings.pace` takes its place
    settings : the rate of false alarms, and what counts as stalled

    Returns
    -------
    See `table.COLUMNS`; `change` is the domain's pace minus the pace below which it has stalled, in shares of the loss a
    doubling of the axis, with its interval. A domain raises one alarm, the first

    Notes
    -----
    *False alarms*: of runs in which every domain falls at `share` of the aggregate's pace or faster, at most a share `error`
    raises any alarm: t-tests of the slope over the window, Bonferroni over domains and checkpoints. It holds for independent
    normal noise about lines in logarithms; where the losses bend within the window, shorten it.

    *Misleads*: a domain at its floor has stalled too, and no mixture mends that.
    """
    settings = settings or PlateauSettings()
    wide = losses.pivot(index="at", columns="task", values="value").sort_index()
    wide = wide[wide.index > 0]
    places, reach = wide.index.to_numpy(float), settings.window
    looks = max(0, len(wide) - reach + 1)
    alone = total is None and wide.shape[1] == 1
    logs = np.log2(wide)
    # paces are relative, so that a domain of high loss counts no more than another in their mean
    whole = None if alone else (logs.mean(axis=1) if total is None else np.log2(total.reindex(wide.index))).to_numpy(float)
    rows = []
    for task in wide:
        values = logs[task].to_numpy(float)
        for stop in range(reach, len(wide) + 1):
            part = slice(stop - reach, stop)
            x = np.log2(places[part])
            if whole is None:
                aim = -settings.pace / np.log(2) * x
            else:
                if _slope(x, whole[part]) >= 0:  # where all stall there is nothing to fall behind
                    continue
                aim = settings.share * whole[part]
            if _slope(x, values[part] - aim) <= 0:
                continue
            *pace, p = _tested(x, values[part] - aim, settings.error)
            p = min(1.0, p * looks * wide.shape[1])
            if p <= settings.error:
                change = (np.log(2) * end for end in pace)
                rows.append((NAME, task, wide.index[stop - 1], wide.index[stop - reach], *change, p))
                break
    return frame(rows)


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    """Least squares slope."""
    return float((x - x.mean()) @ y / ((x - x.mean()) ** 2).sum())


def _tested(x: np.ndarray, y: np.ndarray, error: float) -> tuple[float, float, float, float]:
    """The slope with its interval, and the one-sided p that it is not above 0."""
    from scipy.stats import linregress, t

    fit = linregress(x, y, alternative="greater")
    reach = t.ppf(1 - error / 2, len(x) - 2) * fit.stderr
    return float(fit.slope), float(fit.slope - reach), float(fit.slope + reach), float(fit.pvalue)
