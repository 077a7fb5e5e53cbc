"""Frames of the page on choosing a corpus in the lab."""

from __future__ import annotations

import pandas as pd

from proxylib.report import tables
from proxylib.stats import Interval
from proxylib.studies.data_selection.lab_decisions import BEST, ORACLE, OTHER_CORPORA, OTHER_TASKS, is_cheap
from proxylib.studies.data_selection.lab_panel import ACCURACY, FIXED, NAMED

SHOWN = (ACCURACY, "loss on traces", NAMED, OTHER_CORPORA)


def curves(decisions: pd.DataFrame, methods: tuple[str, ...] = SHOWN) -> pd.DataFrame:
    """The rows of some methods at points below the target's width, cheapest first, in the order of the methods."""
    small = decisions[decisions["width"] < decisions["width"].max()] if "width" in decisions else decisions
    return pd.concat([tables.rows(small, method=method).sort_values("share") for method in methods], ignore_index=True)


def best_cheap(decisions: pd.DataFrame) -> pd.Series:
    """The row of the signal with a fixed sign that orders most pairs on average at cheap points: method, estimate."""
    cheap = decisions[is_cheap(decisions["share"]) & decisions["method"].isin(list(FIXED))]
    means = cheap.groupby("method", sort=False)["estimate"].mean().fillna(0)
    return pd.Series({"method": means.idxmax(), "estimate": float(means.max())})


def highest(decisions: pd.DataFrame) -> pd.Series:
    """The row of the highest decision accuracy that a signal with a fixed sign reaches below the target's width."""
    small = curves(decisions, tuple(FIXED))
    return small.loc[small["estimate"].fillna(0).idxmax()]


def beside_null(decisions: pd.DataFrame, nulls: pd.DataFrame, method: str = ORACLE) -> pd.DataFrame:
    """A search among the eighty and its null at small points, as lines: share, method, estimate, low, high.

    The null's line is its mean; above it stands the bar that 95 % of searches without a signal stay under.
    """
    null = tables.rows(nulls, method=method).rename(columns={"mean": "estimate"})
    null = null.assign(method="the same search without a signal", low=null["estimate"])
    columns = ["share", "method", "estimate", "low", "high"]
    return pd.concat([curves(decisions, (method,))[columns], null[columns]], ignore_index=True)


def beyond_null(decisions: pd.DataFrame, nulls: pd.DataFrame, method: str = ORACLE) -> int:
    """At how many small points a search passes what 95 % of searches without a signal stay below."""
    null = tables.rows(nulls, method=method)[["width", "part", "high"]]
    merged = curves(decisions, (method,)).merge(null, on=["width", "part"], suffixes=("", "_null"))
    return int((merged["estimate"] > merged["high_null"]).sum())


def frontier(rows: pd.DataFrame) -> pd.DataFrame:
    """The named proxy against each baseline, for a forest: row, estimate, low, high."""
    return rows[rows["baseline"] != BEST].assign(row="minus " + rows["baseline"])


def of_best(rows: pd.DataFrame) -> Interval:
    """The named proxy minus the best baseline."""
    return tables.interval(rows, baseline=BEST)


def needed_table(needed: pd.DataFrame) -> pd.DataFrame:
    """Compute to reach each level, and how many times as much direct accuracy needs."""
    rows = []
    for row in needed.itertuples():
        share = f"{100 * row.share:.2g} %" if row.reached and row.share < 1 else "only the target"
        ratio = f"{_times(row.ratio)} [{_times(row.low)}, {_times(row.high)}]"
        rows.append((f"{row.level:.2f}", row.method, share, ratio))
    names = [
        "decision accuracy",
        "signal",
        "first reached at (share of the target's compute)",
        "compute, direct accuracy over this",
    ]
    return pd.DataFrame(rows, columns=names)


def together_table(two_sizes: pd.DataFrame, methods: tuple[str, ...] = (ACCURACY, "loss on traces", NAMED)) -> pd.DataFrame:
    """Decision accuracy of two neighbouring sizes together, a row per share of compute."""
    shown = two_sizes.assign(share=[f"{100 * share:.2g}" for share in two_sizes["share"]])
    shown = shown.rename(columns={"share": "compute (% of the target's)"})
    return tables.wide(shown, ["compute (% of the target's)"], {"method": {name: name for name in methods}})


def single_tasks(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean decision accuracy on single tasks, over points: method, estimate; the choice on other tasks among fixed signals."""
    order = [*FIXED, OTHER_TASKS]
    means = rows.groupby("method")["estimate"].mean().loc[order].round(2)
    return means.reset_index().rename(columns={"method": "signal", "estimate": "decision accuracy, mean over points"})


def targets_table(targets: pd.DataFrame) -> pd.DataFrame:
    """What the target came to on each corpus, in percent."""
    numbers = targets.drop(columns="corpus")
    shown = (100 * numbers).round(0).astype(int).rename(columns=lambda name: f"{name} (%)")
    return pd.concat([targets[["corpus"]], shown], axis=1)


def _times(ratio: float) -> str:
    """A ratio with two digits, never as a power."""
    return f"{float(f'{ratio:.2g}'):,g}"
