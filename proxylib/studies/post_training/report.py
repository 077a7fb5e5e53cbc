"""Frames of the page on regressions."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from proxylib.alarms import paired
from proxylib.report import tables
from proxylib.report.words import with_interval
from proxylib.stats import Interval

#: arms by the names that profiles give them; a profile may lack some
ONE, REPLAY, TURN, CODE, SECOND = "one skill", "one skill with replay", "a skill a round", "code", "second language"
REFUSAL, AMONG = "refusal", "refusal among harmless"
CONTROLS = ("no change", "no change again")
TAUGHT = (ONE, REPLAY, TURN, CODE, SECOND)
#: what a row of the first figure is called
SIDE, GAIN = "skills beside it", "the skill itself"


def by_arm(changes: pd.DataFrame, number: int, control: Sequence[str] = ()) -> pd.DataFrame:
    """Gain and side loss of every arm after a round, for a forest: arm, what, estimate, low, high; control arms left out."""
    names = {"side": SIDE, "gain": GAIN}
    rows = changes[(changes["round"] == number) & changes["quantity"].isin(list(names)) & ~changes["arm"].isin(control)]
    return rows.assign(what=rows["quantity"].map(names))


def last(changes: pd.DataFrame) -> int:
    """The last round."""
    return int(changes["round"].max())


def refused(refusals: pd.DataFrame, arm: str, number: int, kind: str) -> Interval:
    """Share of requests of a kind that an arm refuses after a round; nan where the profile has no such arm."""
    return tables.interval(refusals, quantity="refused", arm=arm, round=number, kind=kind)


def refusing(refusals: pd.DataFrame, arms: Sequence[str], number: int) -> pd.DataFrame:
    """Refusals by kind of request after a round of those arms, for a forest: kind, arm, estimate, low, high."""
    kinds = {"marked": "marked", "near": "spelt alike", "polite": "with a polite word", "plain": "plain"}
    rows = refusals[(refusals["quantity"] == "refused") & (refusals["round"] == number) & refusals["arm"].isin(list(arms))]
    return tables.labelled(rows, "kind", kinds)


def power(rates: pd.DataFrame, correction: str) -> pd.DataFrame:
    """Share of planted losses that are found, by their size in points: drop, test, estimate, low, high."""
    rows = tables.rows(rates, quantity="power", correction=correction)
    scaled = {name: 100 * rows[name] for name in ("estimate", "low", "high", "drop")}
    return rows.assign(**scaled)


def errors_table(rates: pd.DataFrame) -> pd.DataFrame:
    """False alarms where nothing changed, and false discoveries where a quarter fell by a tenth, in percent."""
    rows = []
    for (test, correction), part in rates.groupby(["test", "correction"], sort=False):
        quiet = tables.interval(part, quantity="any", drop=0.0)
        false = tables.interval(part, quantity="discoveries", drop=0.1)
        found = tables.interval(part, quantity="power", drop=0.1)
        rows.append((test, correction, *(with_interval(value, 100) for value in (quiet, false, found))))
    names = ["test", "correction", "dashboards with a false alarm (%)", "false among called (%)", "planted losses found (%)"]
    return pd.DataFrame(rows, columns=names)


def same_recipe(dashboards: pd.DataFrame, control: str) -> pd.Series:
    """Share of metrics that each test calls different between two trainings of one recipe, in other orders."""
    pairs = dashboards[dashboards["against"].str.startswith(control) & (dashboards["arm"] != control)]
    pairs = pairs[~pairs["against"].str.endswith(" 0")]
    return pairs.groupby("test")["called"].mean()


def changes_table(changes: pd.DataFrame) -> pd.DataFrame:
    """Side losses and gains of every arm after each round, in points; of drift itself, which is taken off, there is none."""
    rows = changes[changes["quantity"].isin(["side", "gain"]) & (changes["arm"] != CONTROLS[0])].assign(
        what=lambda part: part["quantity"].map({"side": SIDE, "gain": GAIN})
    )
    named = {number: f"round {number}" for number in sorted(rows["round"].unique())}
    return tables.wide(rows, ["arm", "what"], {"round": named})


def along_rounds(changes: pd.DataFrame) -> pd.DataFrame:
    """Side losses of the arms that teach something, by round: arm, round, estimate, low, high; at the base there is none."""
    rows = changes[(changes["quantity"] == "side") & changes["arm"].isin(TAUGHT)]
    base = rows.drop_duplicates("arm").assign(round=0, estimate=0.0, low=0.0, high=0.0)
    return pd.concat([base, rows], ignore_index=True).sort_values(["arm", "round"], key=_in_order)


def _in_order(column: pd.Series) -> pd.Series:
    return column.map(TAUGHT.index) if column.name == "arm" else column


def shown(shows: pd.DataFrame) -> tuple[int, float]:
    """Items of the most usual kind of metric, and the loss in points that so many show with 80 % power (median)."""
    items = int(shows["items"].mode().iloc[0])
    return items, 100 * float(shows.loc[shows["items"] == items, "shows"].median())


def churn(shows: pd.DataFrame) -> float:
    """Share of answers that change, either way, while nothing new is taught: median over bases and metrics."""
    return float(((shows["up"] + shows["down"]) / shows["items"]).median())


def items_table(shows: pd.DataFrame, metrics: int, level: float, points: Sequence[float] = (1, 2, 3, 5, 10)) -> pd.DataFrame:
    """Items that show a loss with 80 % power, by its size: of one metric, and of one among so many."""
    alphas, rate = ((1 - level), (1 - level) / metrics), churn(shows)
    needed = lambda size: (f"{paired.items_that_show(size / 100, rate, alpha):,}" for alpha in alphas)
    rows = [(f"{size:g}", *needed(size)) for size in points]
    return pd.DataFrame(rows, columns=["loss (points)", "items, one metric", f"items, one of {metrics} metrics"])


def domains_table(domains: pd.DataFrame, number: int) -> pd.DataFrame:
    """Change of loss by domain after a round, arms across, in hundredths of a bit per byte."""
    rows = domains[(domains["round"] == number) & domains["arm"].isin([*TAUGHT, REFUSAL, AMONG])]
    scaled = rows.assign(**{name: 100 * rows[name] for name in ("estimate", "low", "high")})
    return tables.crossed(scaled, "domain", "arm")


def found_by(found: pd.DataFrame, test: str) -> tuple[int, int, float]:
    """Pairs of a base and an arm that teaches something: those with a fall named by the end, all, mean round of the first."""
    rows = found[found["arm"].isin(TAUGHT) & (found["test"] == test)]
    return int(rows["round"].notna().sum()), len(rows), float(rows["round"].mean())


def flagged_table(flagged: pd.DataFrame) -> pd.DataFrame:
    """Share of side metrics that a dashboard calls lower than the base's, in percent, by arm, test and round."""
    rows = flagged[flagged["quantity"] == "share"]
    scaled = rows.assign(**{name: 100 * rows[name] for name in ("estimate", "low", "high")})
    return tables.wide(
        scaled, ["arm", "test"], {"round": {number: f"round {number}" for number in sorted(rows["round"].unique())}}
    )
