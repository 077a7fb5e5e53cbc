"""Frames of the page on published runs: what its figures draw and its tables show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.report import tables, words
from proxylib.studies.your_run.published import ANY, FAULTS, REPORT
from proxylib.studies.your_run.sound import TUNING

#: fault -> what was put in, its size to be filled in
FAULT = {
    "fall": "a score falls by {:g} points",
    "turn": "a loss turns, {:g} % above at the end",
    "jump": "a loss jumps by {:g} %",
    "stop": "a metric stops",
    "repeat": "a metric repeats its value",
}
KINDS = {ANY: "any test", "tests": "all tests", "missing": "missing (a fact, no test)"}


def _set(name: str) -> str:
    return "all for reporting" if name == REPORT else f"{name} (tuning)" * (name in TUNING) or name


def rates(frame: pd.DataFrame) -> pd.DataFrame:
    """Runs with an alarm per hundred checkpoints, a row a set: row, by, estimate, low, high."""
    rows = frame[frame["alarm"] == ANY]
    return rows.assign(row=rows["data"].map(_set), by="model").reset_index(drop=True)


def found(frame: pd.DataFrame, data: str = REPORT) -> pd.DataFrame:
    """Faults found, in percent, a row a fault and size: row, by, estimate, low, high, delay."""
    rows = frame[frame["data"] == data]
    names = [FAULT[fault].format(size) for fault, size in zip(rows["fault"], rows["size"], strict=True)]
    order = [FAULT[fault].format(size) for fault, sizes in FAULTS.items() for size in sizes]
    rows = rows.assign(row=names, by="model", **{name: 100 * rows[name] for name in ("estimate", "low", "high")})
    return rows.assign(place=rows["row"].map(order.index)).sort_values("place", ignore_index=True)


def reported(alarms: pd.DataFrame) -> pd.DataFrame:
    """Alarms that are tests, in sets for reporting."""
    return alarms[~alarms["data"].isin(TUNING) & (alarms["alarm"] != "missing")]


def kinds_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Alarms by set and kind, as numbers, and per hundred checkpoints."""
    lines = []
    for data, part in frame.groupby("data", sort=False):
        whole, some = (tables.row(part, alarm=alarm) for alarm in ("tests", ANY))
        counted = part[~part["alarm"].isin(KINDS) & (part["alarms"] > 0)]
        kinds = words.listed(f"{row.alarms} {row.alarm}" for row in counted.itertuples())
        lines.append(
            {
                "runs": f"{_set(data)}: {whole['runs']}",
                "checkpoints": f"{whole['checkpoints']:,}",
                "without a test's alarm": f"{whole['silent']}",
                "alarms": kinds,
                "alarms per hundred checkpoints": words.with_interval(whole[tables.ENDS]),
                "runs with any per hundred": words.with_interval(some[tables.ENDS]),
                "missing": f"{tables.row(part, alarm='missing')['alarms']}",
            }
        )
    return pd.DataFrame(lines)


def found_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Faults found by set, in percent, and the median delay in checkpoints."""
    lines = []
    for data in dict.fromkeys(frame["data"]):
        for row in found(frame, data).itertuples():
            lines.append(
                {
                    "fault": row.row,
                    "runs": f"{_set(data)}: {row.runs}",
                    "found (%)": words.with_interval((row.estimate, row.low, row.high))
                    if np.isfinite(row.low)
                    else f"{row.estimate:.0f}",
                    "checkpoints until then": f"{row.delay:g}" if np.isfinite(row.delay) else words.MISSING,
                }
            )
    return pd.DataFrame(lines)
