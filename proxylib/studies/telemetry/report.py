"""Frames of the page on telemetry."""

from __future__ import annotations

import pandas as pd

from proxylib.report import tables
from proxylib.stats import Interval
from proxylib.studies.telemetry.attribution import WAYS
from proxylib.studies.telemetry.reading import COMPLETED
from proxylib.studies.telemetry.settings import DRAWN

WORLDS = {"central": "one product", "drawn": "drawn products"}
NAMES = {
    "stack-telemetry-noisy": "before and after errs more than a holdout",
    "stack-survivors": "those who stayed look happier",
    "stack-verbose-telemetry": "longer sessions, not more done",
    "stack-newcomers": "newcomers raise thumbs down",
}


def measure(errors: pd.DataFrame, name: str, metric: str = COMPLETED) -> pd.DataFrame:
    """The rows of one measure: way, worlds (as the legend says them), estimate, low, high."""
    rows = tables.rows(errors, measure=name, metric=metric)
    return rows.assign(worlds=rows["worlds"].map(WORLDS))


def of(errors: pd.DataFrame, way: str, name: str, worlds: str = DRAWN) -> Interval:
    """One measure of one way, on tasks completed."""
    return tables.interval(errors, way=way, measure=name, metric=COMPLETED, worlds=worlds)


def found_lines(found: pd.DataFrame, worlds: str = DRAWN) -> pd.DataFrame:
    """Share of worlds, in percent, in which the harm is found by each look: way, after, estimate, low, high."""
    rows = tables.rows(found, worlds=worlds, metric=COMPLETED)
    return rows.assign(**{end: 100 * rows[end] for end in tables.ENDS})


def table(errors: pd.DataFrame, metric: str = COMPLETED) -> pd.DataFrame:
    """A row a way, of drawn products: bias and RMSE in points, shares in percent."""
    rows = tables.rows(errors, metric=metric, worlds=DRAWN)
    shares = ~rows["measure"].isin(["bias", "RMSE"])
    rows = rows.assign(**{end: rows[end].where(~shares, 100 * rows[end]) for end in tables.ENDS})
    units = {name: f"{name} ({'points' if name in ('bias', 'RMSE') else '%'})" for name in rows["measure"].unique()}
    return tables.wide(rows, ["way"], {"measure": units})


def survivors(rows: pd.DataFrame) -> pd.DataFrame:
    """Points by which those who stayed are happier, against how strongly disappointment drives users away."""
    return tables.rows(rows, quantity="gap").assign(worlds=lambda frame: frame["worlds"].map(WORLDS))


def turning(sensitivity: pd.DataFrame, claim: str) -> list[str]:
    """Numbers of a product below and above whose middle a claim's mean has another sign."""
    return list(tables.rows(sensitivity, claim=claim, turns=True)["parameter"])


def leaning(sensitivity: pd.DataFrame, claim: str, alpha: float = 0.05) -> list[str]:
    """Numbers of a product that move a claim's mean, Holm's correction over all of them."""
    rows = tables.rows(sensitivity, claim=claim)
    return list(rows[rows["p"] < alpha].sort_values("p")["parameter"])


def sensitivity_table(sensitivity: pd.DataFrame) -> pd.DataFrame:
    """A row a claim: its mean where nothing is held, what moves it, and what turns its sign."""
    rows = []
    for claim in sensitivity["claim"].unique():
        moved = [_with_ends(sensitivity, claim, name) for name in leaning(sensitivity, claim)]
        rows.append((NAMES[claim], ", ".join(moved) or "none", ", ".join(turning(sensitivity, claim)) or "none"))
    return pd.DataFrame(rows, columns=["finding", "numbers that move it (lower half, upper half)", "that turn its sign"])


def _with_ends(sensitivity: pd.DataFrame, claim: str, name: str) -> str:
    row = tables.row(sensitivity, claim=claim, parameter=name)
    return f"{name} ({row['below']:.1f}, {row['above']:.1f})"


def products(ranges: dict) -> pd.DataFrame:
    """The numbers of a product, lowest, central and highest."""
    return pd.DataFrame([(name, *ends) for name, ends in ranges.items()], columns=["number", "lowest", "central", "highest"])


def order(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order in which ways are introduced."""
    places = {way: place for place, way in enumerate(WAYS)}
    return frame.sort_values("way", key=lambda column: column.map(places), kind="stable")
