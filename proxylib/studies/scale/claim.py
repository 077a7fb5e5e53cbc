"""What the post's published numbers say of its line at scale: where it ends, and how far the claim goes beyond it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from proxylib.runs.config import ROOT
from proxylib.studies.scale import prices
from proxylib.studies.scale.settings import Grid, Scale

#: the one table of what sources report; a study reads another's files by their place
REPORTED = ROOT / "proxylib" / "studies" / "loss" / "reported.csv"
EXPONENTS = Path(__file__).with_name("exponents.csv")


def reported() -> pd.DataFrame:
    """What the post reports: quantity, base, examples, voters, value (a text), n, unit, source."""
    return pd.read_csv(REPORTED, dtype=str, keep_default_na=False)


def line() -> tuple[float, float]:
    """Points per nat of the post's line, and its correlation with the first judge."""
    table = reported().drop_duplicates("quantity").set_index("quantity")["value"].astype(float)
    return 10 * table["slope"], table["r"]


def ends() -> pd.DataFrame:
    """The post's line through each configuration whose loss and pass rate it reports.

    Returns
    -------
    examples, loss (nats), rate (percent), at_zero (percent at a loss of zero, below which no loss goes), for_all (loss at which
    the line would reach 100 %)
    """
    slope, _ = line()
    table = reported()
    key = ["base", "examples"]
    losses = table[table["quantity"] == "final training loss"][[*key, "value"]].rename(columns={"value": "loss"})
    rates = table[table["quantity"] == "pass rate"][[*key, "value"]].rename(columns={"value": "rate"})
    both = losses.merge(rates, on=key).astype({"loss": float, "rate": float})
    return both[["examples", "loss", "rate"]].assign(
        at_zero=both["rate"] - slope * both["loss"], for_all=both["loss"] + (100 - both["rate"]) / slope
    )


def factors(grid: Grid, scale: Scale) -> dict[str, float]:
    """How far the claim goes beyond the grid: times the largest base (all parameters, those a token passes) and the data."""
    shapes = prices.shapes()
    largest, claimed = (shapes[name] for name in (grid.bases[-1], scale.largest))
    return {
        "size": claimed.parameters / largest.parameters,
        "passed": claimed.passed / largest.passed,
        "data": scale.most / max(grid.examples),
    }


def left(size: float, data: float) -> pd.DataFrame:
    """law, source, and which share of the part of loss that size (or data) governs is left so many times farther on."""
    table = pd.read_csv(EXPONENTS)
    return table.assign(size_left=size ** -table["size"], data_left=data ** -table["data"])
