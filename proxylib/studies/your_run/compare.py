"""Two models item by item: which metrics became worse or better, which are tied, what so many items could have shown."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.alarms.paired import Comparison, Outcome, compare, matched
from proxylib.data.histories import items
from proxylib.report import words
from proxylib.studies.your_run.settings import Monitor
from proxylib.text import line

MOST_SAID = 20
MANY_UNPAIRED = 0.05  # share of items that one side lacks, beyond which too much is missing


def compared(given: Monitor) -> pd.DataFrame:
    """The comparison of two models' logs: see `alarms.paired.compare`.

    Raises
    ------
    UserError
        In one line, where a log cannot be read, or the two have no item in common.
    """
    cluster = given.fields.get("cluster")
    before, after = (items.read(path, cluster) for path in (given.against, given.history))
    if cluster is None:
        before, after = before.drop(columns="cluster"), after.drop(columns="cluster")
    return compare(matched(before, after), Comparison(level=1 - given.error, margin=given.margin))


def code(table: pd.DataFrame) -> int:
    """Exit code: 3 a metric became worse; 4 too much is missing, or one can neither be called worse nor tied nor better; 0."""
    if (table["decision"] == Outcome.WORSE).any():
        return 3
    lacking = table["unpaired"] > MANY_UNPAIRED * (table["items"] + table["unpaired"])
    return 4 if lacking.any() or (table["decision"] == Outcome.CANNOT_TELL).any() else 0


def sentences(table: pd.DataFrame) -> list[str]:
    """What a terminal shows: metrics that became worse, what cannot be told, what is tied, what became better."""
    lines = []
    for outcome in (Outcome.WORSE, Outcome.CANNOT_TELL, Outcome.TIED, Outcome.BETTER):
        part = table[table["decision"] == outcome]
        lines += [_sentence(row) for row in part.head(MOST_SAID).itertuples()]
        if len(part) > MOST_SAID:
            lines.append(f"{outcome}: {len(part) - MOST_SAID} more metrics are in the table")
    lacking = table[table["unpaired"] > MANY_UNPAIRED * (table["items"] + table["unpaired"])]
    lines += [
        f"missing: {row.unpaired:,} items of {line(row.metric)} have a score on one side only" for row in lacking.itertuples()
    ]
    return lines


def _sentence(row: tuple) -> str:
    scale, unit = (100, " points") if max(abs(row.before), abs(row.after)) <= 1 else (1, "")
    change = words.with_interval((row.change, row.low, row.high), scale)
    shows = f"; so many would show {scale * row.shows:.2g}" if np.isfinite(row.shows) else ""
    test = f", {words.p_value(row.p)}" if np.isfinite(row.p) else ""
    return f"{row.decision}: {line(row.metric)} changed by {change}{unit} on {row.items:,} items ({row.test}{test}{shows})"
