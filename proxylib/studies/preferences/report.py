"""Figures and the one sentence of what votes say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from proxylib.judging.preferences import Ratings
from proxylib.report import plots, words
from proxylib.stats import Decision, Interval, decide
from proxylib.studies.preferences.settings import Preferences
from proxylib.text import line

MOST_ROWS, MOST_CELLS = 40, 15  # models that the figures have room for, the best first
MOST_NAMED = 3
FEW = 10  # judges or questions below which intervals are said to rest on few
ON = {"judge": "of", "question": "on"}
ENOUGH = 1e7  # votes that nobody buys


def sentence(
    ratings: Ratings, table: pd.DataFrame, orders: pd.DataFrame, next_votes: pd.DataFrame, traits: pd.DataFrame | None = None
) -> str:
    """What is settled, who leads, and what to buy.

    Parameters
    ----------
    ratings : of `preferences.fit`
    table, orders, next_votes : of `orders.table`, `orders.orders`, `buying.next_votes`
    traits : of `rate.traits`, where texts are known
    """
    total, ties = int(ratings.pairs["votes"].sum()), int(ratings.pairs["tied"].sum())
    whose = "".join(f" {ON[name]} {words.counted(number, name)}" for name, number in ratings.clusters.items())
    counted = f"{total:,} votes{whose} ({100 * ties / total:.0f} % ties)" if total > 1 else "1 vote"
    groups = int(table["group"].max())
    said = [f"{counted} settle {int(orders['settled'].sum())} of {words.counted(len(orders), 'order')} of {len(table)} models"]
    if groups > 1:
        share = float(orders["p"].notna().mean())
        said[0] += f", which fall into {groups} groups that no vote connects ({100 * share:.0f} % of pairs are connected)"
    else:
        said.append(_leaders(table))
    said += _buying(orders, next_votes)
    if traits is not None:
        said += _liked(traits)
    return "; ".join(said) + "."


def _leaders(table: pd.DataFrame) -> str:
    first = table[table["best"] == 1]["model"].tolist()
    if len(first) == 1:
        return f"{first[0]} stands first"
    if len(first) <= MOST_NAMED:
        return f"{words.listed(first)} may each stand first"
    return f"any of {len(first)} may stand first, {table['model'].iloc[0]} is rated highest"


def _buying(orders: pd.DataFrame, next_votes: pd.DataFrame) -> Iterator[str]:
    row = next_votes.iloc[0]
    if row["joins"]:
        yield f"next, have {row['first']} and {row['second']} compared, which joins two groups"
        return
    open_orders = orders[~orders["settled"]]
    if open_orders.empty:
        return
    best = next_votes.loc[next_votes["votes"].idxmax()]
    yield f"next, buy votes on {best['first']} against {best['second']}"
    easiest = open_orders.loc[open_orders["needed"].idxmin()]
    if easiest["needed"] < ENOUGH:
        yield (
            f"about {easiest['needed']:,.0f} on {easiest['better']} against {easiest['worse']} would settle that order, "
            "were the difference as it looks"
        )


def _liked(traits: pd.DataFrame) -> Iterator[str]:
    """Traits that votes are shown to follow, or to shun."""
    for row in traits.itertuples():
        ends = Interval(row.estimate, row.low, row.high)
        if decide(ends, 0.5) is not Decision.UNDECIDED:
            yield f"between models alike, the {row.trait} answer takes {words.with_interval(ends, 100)} % of the points"


def warnings(ratings: Ratings) -> Iterator[str]:
    """What the intervals cannot say, in sentences."""
    for name, number in ratings.clusters.items():
        if number < FEW:
            yield f"{number} {name}s only: intervals are wide, and rest on so few"
    if count := int((ratings.above.any(axis=0) | ratings.above.any(axis=1)).sum()):
        yield f"{words.counted(count, 'model')} won or lost everything against others: such ratings have an open end"


def ratings_figure(table: pd.DataFrame, orders: pd.DataFrame, given: Preferences) -> bytes:
    """Ratings with intervals; SVG."""
    return plots.svg(drawn_ratings(table, orders, given.level, given.baseline))


def drawn_ratings(table: pd.DataFrame, orders: pd.DataFrame, level: float, baseline: str | None = None) -> Figure:
    """Ratings with intervals, the best on top; open ends run to the border."""
    shown = table.head(MOST_ROWS)
    finite = shown[["rating", "low", "high"]].to_numpy(float)
    finite = finite[np.isfinite(finite)]
    margin = 0.08 * max(float(np.ptp(finite)), 10.0)
    ends = float(finite.min()) - margin, float(finite.max()) + margin
    rows = shown.assign(estimate=shown["rating"], low=shown["low"].clip(lower=ends[0]), high=shown["high"].clip(upper=ends[1]))
    several = table["group"].max() > 1
    rows["name"] = [f"{row.model} (group {row.group})" if several else row.model for row in rows.itertuples()]
    canvas, (ax,) = plots.canvas(height=1.6 + 0.3 * len(rows), width=plots.NARROW)
    against = "the mean" if baseline is None else line(baseline)
    plots.forest(
        rows.assign(kind="model"),
        ax,
        row="name",
        by="kind",
        label=f"points against {against} (400: odds of ten to one)",
        null=0,
    )
    ax.set_xlim(*ends)
    return plots.finding(
        canvas, f"{int(orders['settled'].sum())} of {words.counted(len(orders), 'order')} are settled at {level:.0%}"
    )


def wins_figure(table: pd.DataFrame, orders: pd.DataFrame) -> bytes:
    """Which share of the points each model took from each other one; SVG."""
    names = list(table["model"].head(MOST_CELLS))
    canvas, (ax,) = plots.canvas(height=1.8 + 0.34 * len(names), width=plots.NARROW)
    plots.share_map(wins(orders, names), ax, label="share of points of the row against the column (tie: half)")
    plots.finding(canvas, "Votes as they are: wins, and half of the ties")
    return plots.svg(canvas)


def wins(orders: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """[models, models] share of points that the row took from the column; nan where nobody compared them."""
    met = orders[orders["votes"] > 0]
    taken = (met["won"] + met["tied"] / 2) / met["votes"]
    forward = pd.DataFrame({"row": met["better"], "column": met["worse"], "share": taken})
    back = pd.DataFrame({"row": met["worse"], "column": met["better"], "share": 1 - taken})
    whole = pd.concat([forward, back]).pivot(index="row", columns="column", values="share")
    return whole.reindex(index=names, columns=names).rename_axis(index=None, columns=None).astype(float)
