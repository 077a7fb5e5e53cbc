"""Frames of the page on iterated fine-tuning and reinforcement learning."""

from __future__ import annotations

import pandas as pd

from proxylib.report import tables
from proxylib.report.words import MISSING, listed, with_interval
from proxylib.stats import Interval
from proxylib.studies.sft_or_rl.judges import IMPERFECT, PASSED, RUBRIC

EXPERT, ITERATED, GRPO = "expert notes", "iterated SFT", "GRPO"
#: what a note is worth, by whom
SCORES = {RUBRIC: "by the rubric", IMPERFECT: "by the imperfect judge"}
LEAST = 3  # beginnings, fewer of which have an interval that says nothing
COSTS = {"samples": "notes judged", "flops": "operations"}


def method_of(arm: str) -> str:
    """The arm's method, its bound included."""
    return arm.removesuffix(f", {RUBRIC}").removesuffix(f", {IMPERFECT}")


def learnt(curves: pd.DataFrame, judge: str, score: str) -> pd.DataFrame:
    """Curves of the arms that a judge rewards, for lines over operations: method, flops, estimate, low, high.

    Percent, whose intervals end where percent do.

    The beginning has cost nothing and stands on no axis of ratios; expert notes, which no judge rewards, stand beside both.
    """
    arms = curves["arm"].str.endswith(f", {judge}") | (curves["arm"] == EXPERT)
    rows = curves[arms & (curves["score"] == score) & (curves["round"] > 0)]
    return rows.assign(method=rows["arm"].map(method_of), **rows[tables.ENDS].clip(0, 100))


def beginning(curves: pd.DataFrame, score: str) -> Interval:
    """Score before anything was taught; the same for every arm."""
    first = curves[(curves["round"] == 0) & (curves["score"] == score)].iloc[0]
    return Interval(first["estimate"], first["low"], first["high"])


def claims(estimates: pd.DataFrame) -> dict[str, Interval]:
    """The rows that claims read, by claim."""
    return {name: tables.interval(estimates, claim=name) for name in estimates["claim"]}


def by_method(table: pd.DataFrame, score: str) -> dict[str, Interval]:
    """Rows of both methods under the rubric, by method."""
    return {method: tables.interval(table, arm=f"{method}, {RUBRIC}", score=score) for method in (ITERATED, GRPO)}


def changes_said(gain: dict[str, Interval]) -> str:
    """Changes of both methods with their intervals, in points."""
    return listed(f"{method} {with_interval(change)}" for method, change in gain.items())


def against_experts(contrasts: pd.DataFrame) -> Interval:
    """Iterated SFT under the rubric minus expert notes of as many dialogues, criteria passed."""
    return tables.interval(contrasts, arm=f"{ITERATED}, {RUBRIC}", rival=EXPERT, equal="dialogues", score=PASSED)


def factor(ratio: Interval) -> str:
    """A ratio with its interval, two digits each, as a ratio near zero has no use for a common rounding."""
    return f"{ratio.estimate:.2g} [{ratio.low:.2g}, {ratio.high:.2g}]"


def times(longer: pd.DataFrame, shorter: pd.DataFrame) -> float:
    """How many times the rounds of the shorter arms the longer ones have; the smaller number where methods differ."""
    last = [curves.groupby("arm")["round"].max() for curves in (longer, shorter)]
    return float((last[0] / last[1]).min())


def gains(table: pd.DataFrame, judge: str) -> pd.DataFrame:
    """Change of both scores from beginning to end of the arms that a judge rewards: method, what, estimate, low, high."""
    arms = table["arm"].str.endswith(f", {judge}") | (table["arm"] == EXPERT)
    rows = table[arms & table["score"].isin(list(SCORES))]
    return rows.assign(method=rows["arm"].map(method_of), what=rows["score"].map(SCORES))


def compared(contrasts: pd.DataFrame, judge: str, equal: str, score: str) -> Interval:
    """GRPO without a bound minus iterated SFT under one judge."""
    return tables.interval(contrasts, arm=f"{GRPO}, {judge}", rival=f"{ITERATED}, {judge}", equal=equal, score=score)


def ratios_table(ratios: pd.DataFrame, starts: int) -> pd.DataFrame:
    """Cost of a threshold under GRPO over that under iterated SFT, and how often either reaches it.

    A dash where fewer than `LEAST` beginnings say anything.
    """
    rows = [
        (
            row["judge"],
            f"{row['gain']:g}",
            COSTS[row["cost"]],
            factor(Interval(row["estimate"], row["low"], row["high"])) if row["n"] >= LEAST else MISSING,
            f"{row['reached']} and {row['rival']} of {starts}",
        )
        for _, row in ratios.iterrows()
    ]
    return pd.DataFrame(
        rows, columns=["reward", "gain (points)", "cost", "GRPO over iterated SFT", "reached by GRPO and by SFT"]
    )


def contrasts_table(contrasts: pd.DataFrame) -> pd.DataFrame:
    """Paired differences in points, scores across."""
    named = {PASSED: "criteria passed", **SCORES, "gaming": "judge beyond rubric"}
    rows = contrasts[contrasts["score"].isin(list(named))].rename(columns={"equal": "at equal"})
    return tables.wide(rows, ["arm", "rival", "at equal"], {"score": named})


def bounds(table: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """GRPO under the imperfect judge by its bound: divergence from the beginning and both changes."""
    last = curves.sort_values("round").groupby(["arm", "score"], sort=False).tail(1)
    rows = []
    for arm in table["arm"].unique():
        if arm.startswith(GRPO) and arm.endswith(f", {IMPERFECT}"):
            gone = tables.interval(last, arm=arm, score="divergence")
            changes = (tables.interval(table, arm=arm, score=score) for score in (*SCORES, "words"))
            rows.append((method_of(arm), with_interval(gone), *map(with_interval, changes)))
    names = ["method", "divergence (nats a token)", *(f"change {said} (points)" for said in SCORES.values()), "change of words"]
    return pd.DataFrame(rows, columns=names)
