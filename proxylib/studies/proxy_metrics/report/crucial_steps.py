"""Frames of the page on the crucial steps: who is earlier, and where weights fall."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.measure import proxies
from proxylib.report import tables
from proxylib.stats import Interval
from proxylib.studies.proxy_metrics.crucial_steps import CLAIMED, SIGNALS

ALL = "all tasks"


def up_to(most: float) -> str:
    """How a bound of accuracy is called."""
    return f"at most {100 * most:.0f} %"


def gap_rows(gaps: pd.DataFrame, against: str) -> pd.DataFrame:
    """Rows of a figure: task, accuracy (`up_to`), estimate, low, high in percentage points; all tasks together last."""
    rows = tables.rows(gaps, against=against).replace({"task": {"mean": ALL}})
    rows = pd.concat([rows[rows["task"] != ALL], rows[rows["task"] == ALL]], ignore_index=True)
    return rows.assign(accuracy=rows["most"].map(up_to), **{end: 100 * rows[end] for end in tables.ENDS})


def asked(estimates: pd.DataFrame, gaps: pd.DataFrame, against: str, most: float = 0.1) -> Interval:
    """The mean gap as the scoreboard has it, its interval over runs or over tasks, whichever is wider; else as in the gaps."""
    claim = next(name for name, key in CLAIMED.items() if key == (most, against))
    stated = tables.interval(estimates, claim=claim)
    return stated if np.isfinite(stated.estimate) else tables.interval(gaps, most=most, against=against, task="mean")


def agreeing(unsolved: pd.DataFrame, most: float) -> pd.Series:
    """Shares decisive, other, guess and correct where accuracy is low: mean over tasks, then over runs."""
    part = tables.rows(unsolved, most=most)
    return part.groupby("run")[["decisive", "other", "guess", "correct"]].mean().mean()


def lead_table(lead: pd.DataFrame) -> pd.DataFrame:
    """Accuracy's training tokens over each signal's, per task, the mean last."""
    labels = {signal: label for signal, label in SIGNALS.items() if signal != "correct"}
    return tables.wide(lead, ["task"], {"signal": labels})


def weight_table(cases: pd.DataFrame) -> pd.DataFrame:
    """Share of each weighting's mass on decisive tokens, at the first, the middle and the last checkpoint."""
    steps = sorted(cases["step"].unique())
    shares = {}
    for label, at in (("start", steps[0]), ("midway", steps[len(steps) // 2]), ("end", steps[-1])):
        part = tables.rows(cases, step=at)
        mass = part[list(proxies.WEIGHTINGS)]
        shares[label] = mass[part["decisive"]].sum() / mass.sum()
    table = pd.DataFrame(shares).map(lambda share: f"{100 * share:.0f} %")
    return table.rename(index=lambda name: name.replace("_", " ")).reset_index(names="weighting")
