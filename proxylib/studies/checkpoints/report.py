"""Frames of the pages on loss against capability and on choosing a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxylib.report import tables, words
from proxylib.stats import Interval
from proxylib.studies.checkpoints import fresh
from proxylib.studies.checkpoints.equal_loss import SHARED

#: kind of a row of the figure -> what the legend says
EQUAL, ANY, FOLLOWS = "equal loss", "any loss", "if accuracy followed loss alone"
SEEMS, IS = "on the items that chose it", "on other items"
RATES = {"watched runs": "falling, to the end", "constant": "constant", "falling": "falling to zero"}
RULES = {
    fresh.BEST: "the best",
    fresh.SHRUNK: "the best, luck shrunk away",
    fresh.UNLESS: "the last, unless told from the best",
}


def spreads(published: pd.DataFrame, lab: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure: set, kind (`EQUAL`, `ANY`, `FOLLOWS`), estimate, low, high (points), pairs."""
    rows = pd.concat([frame for frame in (published, lab) if len(frame)], ignore_index=True)
    rows = rows[rows["task"] == SHARED]
    ends = lambda kind, names: rows[["set", "pairs"]].assign(kind=kind, **{key: rows[name] for key, name in names.items()})
    return pd.concat(
        [
            ends(EQUAL, {"estimate": "estimate", "low": "low", "high": "high"}),
            ends(ANY, {"estimate": "all", "low": "all", "high": "all"}),
            ends(FOLLOWS, {"estimate": "null", "low": "null", "high": "bar"}),
        ],
        ignore_index=True,
    )


def spread_of(frame: pd.DataFrame, name: str) -> Interval:
    """The spread at equal loss of a set; nan where there is none."""
    return tables.interval(frame, set=name, task=SHARED)


def spreads_table(published: pd.DataFrame, lab: pd.DataFrame) -> pd.DataFrame:
    """A row per set and task of which the spread passes what loss alone explains, the largest first."""
    rows = pd.concat([frame for frame in (published, lab) if len(frame)], ignore_index=True)
    rows = rows[rows["low"] > rows["bar"]].sort_values("estimate", ascending=False)
    return pd.DataFrame(
        {
            "set": rows["set"],
            "task": rows["task"],
            "at equal loss (points)": tables.shown(rows),
            "loss alone, 95 % below": rows["bar"].map("{:.1f}".format),
            "any loss (points)": rows["all"].map("{:.1f}".format),
            "pairs": rows["pairs"].astype(int),
        }
    )


def ratios(published: pd.DataFrame, lab: pd.DataFrame) -> pd.DataFrame:
    """Steadiness of loss over that of accuracy: row, against, estimate, low, high."""
    rows = pd.concat([published[published["set"] != "all"], lab[lab["set"] != "all"]], ignore_index=True)
    labels = {"composite": "mean of the tasks", "task": "median task"}
    rows = rows.assign(against=rows["against"].map(labels), row=rows["set"] + ", " + rows["runs"].map("{:d} runs".format))
    return rows[np.isfinite(rows["estimate"])]


def moves_table(published: pd.DataFrame, lab: pd.DataFrame) -> pd.DataFrame:
    """Rises and falls of single tasks at small steps of the loss, a row per set."""
    rows = pd.concat([published, lab], ignore_index=True)
    up, down = (rows[rows["way"] == way].reset_index(drop=True) for way in ("rise", "fall"))
    return pd.DataFrame(
        {
            "set": up["set"],
            "runs": up["runs"],
            "small steps x tasks": up["tests"].map("{:,}".format),
            "rises": up["times"],
            "falls": down["times"],
            "share of runs with a rise": tables.shown(up),
            "largest rise (points)": [words.rounded(value, 1.0) for value in up["largest"]],
            "left three checkpoints on": [
                words.percent(value) + " %" if np.isfinite(value) else words.MISSING for value in up["left"]
            ],
        }
    )


def by_window(summary: pd.DataFrame, name: str, against: str = fresh.ITEMS) -> pd.DataFrame:
    """Lead of the chosen checkpoint over the last, by window: window, scored, estimate, low, high (points)."""
    rows = tables.rows(summary, set=name, fresh=against)
    parts = {SEEMS: "seen", IS: "gain"}
    return pd.concat([tables.rows(rows, quantity=quantity).assign(scored=label) for label, quantity in parts.items()])


def widest(summary: pd.DataFrame, name: str, most: int) -> int:
    """The largest window of a set up to so many checkpoints."""
    windows = tables.rows(summary, set=name, fresh=fresh.ITEMS)["window"]
    return int(max([window for window in windows if window <= most], default=max(windows)))


def quantity(summary: pd.DataFrame, name: str, window: int, what: str, against: str = fresh.ITEMS) -> Interval:
    """One number of the summary."""
    return tables.interval(summary, set=name, fresh=against, window=window, quantity=what)


def windows_table(summary: pd.DataFrame) -> pd.DataFrame:
    """A row per set, way to score and window: how it seems, how it is, luck, how often the last is best."""
    rows = []
    for (name, against, window), part in summary.groupby(["set", "fresh", "window"], sort=False):
        of = lambda what, part=part: words.with_interval(tables.interval(part, quantity=what))
        about = {"runs": RATES.get(name, name), "scored on": against, "last": window}
        shown = {
            "seems better by": of("seen"),
            "is better by": of("gain"),
            "luck": of("curse"),
            "last is best": of("last_best"),
        }
        rows.append(about | shown | {"n": int(part["runs"].iloc[0])})
    return pd.DataFrame(rows)


def rules(summary: pd.DataFrame, at: Mapping[str, int]) -> pd.DataFrame:
    """Fresh gain over the last checkpoint by rule, for sets at their windows: row, rule, estimate, low, high."""
    rows = [
        tables.rows(summary, set=name, window=window, quantity=rule).assign(
            row=f"{RATES.get(name, name)}, last {window}", rule=label
        )
        for name, window in at.items()
        for rule, label in RULES.items()
    ]
    return pd.concat(rows, ignore_index=True)


def weights_table(summary: pd.DataFrame) -> pd.DataFrame:
    """How often other weights of the composite choose otherwise, and what that loses."""
    rows = []
    for (name, window), part in summary[summary["quantity"].isin(["changed", "lost"])].groupby(["set", "window"], sort=False):
        changed, lost = (words.with_interval(tables.interval(part, quantity=what)) for what in ("changed", "lost"))
        rows.append({"runs": RATES.get(name, name), "last": window, "share of weights": changed, "lost (points)": lost})
    return pd.DataFrame(rows)


def averages(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """A quantity of averages by rate and number of weights: rate, number, estimate, low, high."""
    rows = tables.rows(frame, quantity=what)
    return rows.assign(rate=rows["kind"].map(RATES), number="last " + rows["averaged"].astype(str)).reset_index(drop=True)


def noise_table(published: pd.DataFrame, lab: pd.DataFrame) -> pd.DataFrame:
    """What checkpoints truly differ by and the noise of items, SD in points, and how alike the same items make checkpoints."""
    rows = pd.concat([published, lab], ignore_index=True)
    means = rows.groupby(["set", "window"], sort=False)[["true", "items", "as_others"]].mean().reset_index()
    sd = lambda values: 100 * np.sqrt(values.clip(lower=0))
    return pd.DataFrame(
        {
            "runs": means["set"].map(lambda name: RATES.get(name, name)),
            "last": means["window"],
            "true SD (points)": sd(means["true"]).map("{:.2f}".format),
            "SD by items (points)": sd(means["items"]).map("{:.2f}".format),
            "as if other items": sd(means["as_others"]).map("{:.2f}".format),
            "correlation": [words.rounded(value, 0.1) for value in 1 - means["items"] / means["as_others"]],
        }
    )


def correlation(noise: pd.DataFrame) -> float:
    """Of two checkpoints' scores over draws of items: the share of variance that the same items give both; mean of runs."""
    return float(1 - noise["items"].mean() / noise["as_others"].mean())


def joined(*frames: pd.DataFrame) -> pd.DataFrame:
    """Frames under each other."""
    return pd.concat(frames, ignore_index=True)
