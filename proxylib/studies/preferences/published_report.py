"""Frames of the page on people's preferences: what its figures draw and its tables show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from proxylib.data.published.judgments import GPT4, HUMAN
from proxylib.report import tables, words
from proxylib.studies.preferences import rate
from proxylib.studies.preferences.campaigns import neighbours
from proxylib.studies.preferences.settings import from_parameters

PEOPLE = "people"
VOTERS = {HUMAN: PEOPLE, GPT4: GPT4}
DRAWN = {"judge": "new judges", "question": "new questions"}


class Shown(NamedTuple):
    """Somebody's votes as the page shows them.

    sentence, notes : what the command prints
    ratings, orders : its tables
    level : of its intervals
    """

    sentence: str
    notes: tuple[str, ...]
    ratings: pd.DataFrame
    orders: pd.DataFrame
    level: float


class Told(NamedTuple):
    """Pairs of models that follow each other in people's order: how many, how many are settled, and the most votes for one."""

    pairs: int
    settled: int
    most: float


def told_apart(orders: pd.DataFrame, ratings: pd.DataFrame) -> Told:
    """Which neighbours people's votes tell apart, and how many votes of its own the slowest of these would take."""
    order = ratings[ratings["kind"] == HUMAN].sort_values("rating", ascending=False)["model"].tolist()
    rows = neighbours(orders[orders["kind"] == HUMAN], order)
    settled = rows[rows["settled"]]
    return Told(len(rows), len(settled), float(settled["alone"].max()))


def of(step: Any) -> Shown | None:
    """A file of votes that the notebook was given; None without one."""
    if "votes" not in step.parameters:
        return None
    asked = from_parameters(step.parameters)
    finished = rate.rate_file(asked)
    read = [pd.read_parquet(finished.folder / f"{name}.parquet") for name in ("ratings", "orders")]
    return Shown(finished.facts["sentence"], tuple(finished.facts["notes"]), *read, asked.level)


def ratings(frame: pd.DataFrame) -> pd.DataFrame:
    """Ratings of MT-Bench's models by people and by GPT-4, in people's order: model, voter, estimate, low, high."""
    rows = tables.labelled(frame, "kind", VOTERS).rename(columns={"rating": "estimate", "kind": "voter"})
    return rows[["model", "voter", *tables.ENDS, "low_alone", "high_alone"]]


def reliability(frame: pd.DataFrame) -> pd.DataFrame:
    """How often two campaigns order two models alike, in percent, by votes and by what was drawn."""
    rows = tables.labelled(frame, "drawn", DRAWN)
    return rows.assign(**100 * rows[tables.ENDS])


def likings(frame: pd.DataFrame, kinds: Sequence[str]) -> pd.DataFrame:
    """Share of points of the answer with more of each trait, in percent: trait, voter, estimate, low, high."""
    rows = frame[(frame["how"] == "alone") & frame["kind"].isin(kinds)]
    rows = rows.assign(voter=rows["kind"].replace(VOTERS), **100 * rows[tables.ENDS])
    return rows.assign(trait=rows["trait"].map(lambda trait: f"the {trait}"))


def orders_table(frame: pd.DataFrame) -> pd.DataFrame:
    """People's orders of MT-Bench's models, the clearest first."""
    rows = tables.rows(frame, kind=HUMAN)
    ends = rows[["difference", "low", "high"]].to_numpy(float)
    return pd.DataFrame(
        {
            "better": rows["better"],
            "worse": rows["worse"],
            "difference (points)": [words.with_interval(end) for end in ends],
            "settled": rows["settled"].map({True: "yes", False: "no"}),
            "variance, times that of independent votes": rows["design"].map("{:.1f}".format),
            "comparisons that would settle it": rows["alone"].map("{:,.0f}".format),
        }
    )


def costs_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Comparisons and dollars for preferences of several strengths."""
    prices = [name for name in frame if name.startswith("dollars_at_")]
    count = {f"at {name.rpartition('_')[2]} dollars each": frame[name].map("{:,.0f}".format) for name in prices}
    return pd.DataFrame(
        {"points that one of two takes (%)": frame["share"].map(words.percent)}
        | {"comparisons": frame["comparisons"].map("{:,.0f}".format)}
        | count
    )


def power_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Whether computed numbers of comparisons do settle orders, in percent of campaigns."""
    rows = frame.assign(estimate=frame["power"], pair=frame["better"] + " over " + frame["worse"])
    rows = tables.labelled(rows, "drawn", DRAWN)
    table = tables.wide(
        rows.assign(**100 * rows[tables.ENDS]), ["pair"], {"drawn": {name: f"{name} (%)" for name in DRAWN.values()}}
    )
    count = rows.drop_duplicates("pair").set_index("pair")["alone"]
    return table.assign(comparisons=table["pair"].map(count).map("{:,.0f}".format))


def together_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Effects of all traits together, in log odds per unit, a column per kind of voter."""
    rows = frame[frame["how"] == "together"].assign(voter=lambda part: part["kind"].replace(VOTERS))
    return tables.crossed(rows, "trait", "voter")


def benchmarks_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Base models' benchmark scores against what people make of their tuned models."""
    share = frame[["share", "share_low", "share_high"]].to_numpy(float)
    return pd.DataFrame(
        {
            "two models": frame["a"] + " and " + frame["b"],
            "difference over benchmarks (points)": [words.with_interval(end) for end in frame[tables.ENDS].to_numpy(float)],
            "alike": frame["alike"].map({True: "yes", False: "no"}),
            "points of the preferred, on other questions (%)": [words.with_interval(end, 100) for end in share],
        }
    )
