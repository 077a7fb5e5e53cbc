"""Frames of the page on what catches what."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.report import tables, words
from proxylib.stats import Decision, Interval, decide
from proxylib.studies.layers import claims, prices
from proxylib.studies.layers.series import BENCHMARKS, LAYERS, ONE, PEOPLE, SIMULATED, TELEMETRY
from proxylib.studies.layers.text import FAULTS, HEALTHY

CLAIMED, BOTH, REQUESTS, ITEMS = "as claimed", "both sides", "with requests", "item by item"


def said(layer: str) -> str:
    """A layer's name, marked where it is simulated."""
    return f"{layer} (simulated)" if layer in SIMULATED else layer


def _doses(detection: pd.DataFrame) -> list[float]:
    return sorted(detection.loc[detection["fault"] != HEALTHY, "dose"].unique(), reverse=True)


def share_map(detection: pd.DataFrame, dose: float | None = None, look: str = CLAIMED) -> pd.DataFrame:
    """[faults, layers] share of models that raise an alarm; the number of models stands in the row's name.

    Parameters
    ----------
    dose : of the fault; the highest unless given
    """
    dose = _doses(detection)[0] if dose is None else dose
    rows = tables.rows(detection, look=look)
    rows = rows[(rows["dose"] == dose) | (rows["fault"] == HEALTHY)]
    order = [fault for fault in (*FAULTS, HEALTHY) if fault in set(rows["fault"])]
    counts = rows.groupby("fault")["n"].first()
    shown = rows.pivot(index="fault", columns="layer", values="estimate").loc[order]
    shown = shown[[layer for layer in LAYERS if layer in shown] + [name for name in shown if name not in LAYERS]]
    return shown.rename(index=lambda fault: f"{fault} (n = {counts[fault]})", columns=said)


def mild(detection: pd.DataFrame) -> float:
    """The lowest dose."""
    return _doses(detection)[-1]


def priced(layers: pd.DataFrame) -> pd.DataFrame:
    """Layers with their price in dollars and their catch in percent: name, low_cost, high_cost, estimate, low, high."""
    costs = layers.rename(columns={"dollars_low": "low_cost", "dollars_high": "high_cost"})
    return costs.assign(name=costs["layer"].map(said), **{end: 100 * costs[end] for end in tables.ENDS})


def dollars(layers: pd.DataFrame, layer: str) -> str:
    """What a look costs, `2,000 to 50,000`; 0 where it costs nothing more."""
    return _span(tables.row(layers, layer=layer), "dollars", 0)


def on_the_cluster(layers: pd.DataFrame) -> str:
    """Dollars of the benchmarks if they took their hours on the cluster that a validation pass stops."""
    row = tables.row(layers, layer=BENCHMARKS)
    return _span(row[["dollars_low", "dollars_high"]] * prices.CLUSTER / prices.NODE, "dollars", 0)


class Foremost(NamedTuple):
    """The layer that catches most harmful models, the next, the shares of both, and whether they are told apart."""

    layer: str
    share: float
    other: str
    others: float
    decision: Decision


def foremost(layers: pd.DataFrame, contrasts: pd.DataFrame) -> Foremost:
    """The best of six is best in part by luck: what tells it from the next stands beside it."""
    if contrasts.empty:  # no model does harm
        return Foremost(LAYERS[0], np.nan, LAYERS[1], np.nan, Decision.UNDECIDED)
    first = contrasts.iloc[0]
    shares = [float(tables.row(layers, layer=first[name])["estimate"]) for name in ("layer", "other")]
    return Foremost(first["layer"], shares[0], first["other"], shares[1], decide(first[tables.ENDS].astype(float)))


def finders(models: pd.DataFrame, found: pd.DataFrame) -> dict[str, int]:
    """Of the harmful models (all), how many people and telemetry find at all."""
    harmful = models[models["harmful"] & (models["fault"] != HEALTHY)]
    days = harmful.merge(found[found["layer"] == TELEMETRY], on=ONE)["found"]
    return {"all": len(harmful), PEOPLE: int(harmful[PEOPLE].sum()), TELEMETRY: int(days.notna().sum())}


def latency_table(latency: pd.DataFrame) -> pd.DataFrame:
    """Mean days until harm is found, by what a miss counts."""
    return pd.DataFrame(
        {
            "a miss counts (days)": latency["last"],
            "telemetry (simulated)": latency["telemetry"].round(1),
            "people (simulated)": latency["people"].round(1),
            "difference": tables.shown(latency),
        }
    )


def widest(estimates: pd.DataFrame, claim: str) -> Interval:
    """A share with the wider of its two intervals, as the scoreboard has it: over faults, or over models with faults fixed."""
    row = tables.row(estimates, claim=claim)
    return Interval(row["estimate"], min(row["low"], row["low_given"]), max(row["high"], row["high_given"]))


def readings_table(estimates: pd.DataFrame) -> pd.DataFrame:
    """Harmful models among those that show a pattern, beside what their doses alone give."""
    rows = estimates.set_index("claim").loc[list(claims.READINGS)].reset_index()
    return pd.DataFrame(
        {
            "pattern": rows["claim"].map(claims.READINGS),
            "models": rows["n"].astype(int),
            "harmful (%)": [words.whole_percent(widest(rows, claim)) for claim in rows["claim"]],
            "by their doses alone (%)": [words.percent(null) for null in rows["null"]],
        }
    )


def full_dose(models: pd.DataFrame) -> dict[str, int]:
    """Models that pass all six with their fault in all documents (passes), and how many of these do harm (harmful)."""
    passes = ~models[list(LAYERS)].any(axis=1) & (models["fault"] != HEALTHY)
    full = models[passes & (models["dose"] == models["dose"].max())]
    return {"passes": len(full), "harmful": int(full["harmful"].sum())}


def _span(row: pd.Series, name: str, digits: int) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return "0" if high == 0 else f"{low:,.{digits}f} to {high:,.{digits}f}"


def layers_table(layers: pd.DataFrame) -> pd.DataFrame:
    """A row a layer, for reading."""
    return pd.DataFrame(
        {
            "layer": layers["layer"].map(said),
            "harmful models caught (%)": tables.shown(layers, 100),
            "caught by none before (%)": [f"{100 * share:.0f}" for share in layers["added"]],
            "false alarms (%)": [f"{100 * share:.0f}" for share in layers["false"]],
            "dollars a look": [dollars(layers, layer) for layer in layers["layer"]],
            "days": [_span(row, "days", 2) for _, row in layers.iterrows()],
        }
    )


def patterns_table(patterns: pd.DataFrame) -> pd.DataFrame:
    """A row a pattern: models with a fault and healthy ones that show it."""
    rows = []
    for pattern in patterns["pattern"].unique():
        with_fault, healthy = (tables.row(patterns, pattern=pattern, of=kind) for kind in ("with a fault", "healthy"))
        counts = [f"{row['with']} of {row['n']}" for row in (with_fault, healthy)]
        rows.append((pattern, *counts, with_fault["harmful"]))
    return pd.DataFrame(rows, columns=["pattern", "models with a fault", "healthy models", "of the former, harmful"])


def shows(patterns: pd.DataFrame, pattern: str, of: str = "with a fault") -> pd.Series:
    """The row of a pattern."""
    return tables.row(patterns, pattern=pattern, of=of)


def harm(models: pd.DataFrame) -> pd.DataFrame:
    """What each fault costs: fault, dose, models, points of quality lost, length, and how many are harmful."""
    groups = models.groupby(["fault", "dose"], sort=False)
    rows = groups.agg(
        models=("seed", "size"), lost=("lost", "mean"), longer=("longer", "mean"), harmful=("harmful", "sum")
    ).reset_index()
    named = {"lost": "requests lost (points)", "longer": "length (times)", "dose": "share of documents"}
    return rows.round({"lost": 1, "longer": 2}).rename(columns=named)


def delays(found: pd.DataFrame, models: pd.DataFrame, layer: str) -> pd.DataFrame:
    """fault, found (share of harmful models), median (place at which a layer first raises an alarm, of those)."""
    rows = found[found["layer"] == layer].merge(models[["model", "fault", "dose", "seed", "harmful"]])
    rows = rows[rows["harmful"] & (rows["fault"] != HEALTHY)]
    groups = rows.groupby("fault", sort=False)["found"]
    return pd.DataFrame({"found": groups.apply(lambda at: at.notna().mean()), "median": groups.median()}).reset_index()


def by_items(detection: pd.DataFrame) -> pd.DataFrame:
    """fault, dose, estimate, low, high, n: share of models of which paired items say that a task of the benchmark fell."""
    return tables.rows(detection, look=ITEMS)
