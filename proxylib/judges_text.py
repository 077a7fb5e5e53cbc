"""What the page on agreement of judges says."""

from __future__ import annotations

import pandas as pd

from . import stats
from .loss_text import one

#: first and second voter -> agreement without ties, from the note of the MT-Bench set
KNOWN = {("GPT-4", "human"): 1823 / 2129, ("human", "human"): 1282 / 1550}
ENDS = ["estimate", "low", "high"]


def _share(table: pd.DataFrame, first: str, second: str) -> str:
    return stats.with_interval(one(table, first=first, second=second, statistic="without ties"), 100)


def verdict(mt_bench: pd.DataFrame, pandalm: pd.DataFrame, length: pd.DataFrame) -> str:
    """The page's first sentences."""
    more = [
        kind for kind in length["kind"].unique() if one(length, kind=kind, statistic="minus human")[1] > 0
    ]  # a nan compares as False
    biased = (
        f"{' and '.join(more)} prefer longer answers more than people do"
        if more
        else ("neither machine prefers longer answers more than people do")
    )
    return (
        f"On MT-Bench GPT-4 agrees with people in {_share(mt_bench, 'GPT-4', 'human')} % of the pairs of firm votes, people "
        f"with each other in {_share(mt_bench, 'human', 'human')} %. On PandaLM, whose annotators had one guide, people agree "
        f"in {_share(pandalm, 'human', 'human')} % and GPT-3.5 with them in {_share(pandalm, 'GPT-3.5', 'human')} %; {biased}."
    )


def forest(mt_bench: pd.DataFrame, pandalm: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure."""
    rows = []
    for name, table in (("MT-Bench", mt_bench), ("PandaLM", pandalm)):
        for row in table[table["statistic"] == "without ties"].itertuples():
            pair = (row.first, row.second)
            known = KNOWN.get(pair, float("nan")) if name == "MT-Bench" else float("nan")
            label = f"{name}: {row.first} with {row.second}"
            rows.append((label, pair == ("human", "human"), row.estimate, row.low, row.high, known))
    return pd.DataFrame(rows, columns=["pair", "people", *ENDS, "known"])


def finding(mt_bench: pd.DataFrame, pandalm: pd.DataFrame) -> str:
    """The figure's title."""
    level = lambda table, first: one(table, first=first, second="human", statistic="without ties")
    same = level(mt_bench, "GPT-4")[1] > level(mt_bench, "human")[1]
    below = level(pandalm, "GPT-3.5")[2] < level(pandalm, "human")[1]
    first = "GPT-4 agrees with people as they do with each other" if same else "GPT-4 agrees less than people do"
    return f"{first}; with trained annotators a judge is {'not' if below else 'nearly'} on a par"


def agreement_table(mt_bench: pd.DataFrame, pandalm: pd.DataFrame) -> pd.DataFrame:
    """A row per pair of voters."""
    rows = []
    for name, table in (("MT-Bench", mt_bench), ("PandaLM", pandalm)):
        for (first, second), part in table.groupby(["first", "second"], sort=False):
            firm = part[part["statistic"] == "without ties"].iloc[0]
            rows.append(
                {
                    "set": name,
                    "voters": f"{first} with {second}",
                    "agree, %": stats.with_interval(firm[ENDS], 100),
                    "pairs of firm votes": f"{firm['agreeing']:,} of {firm['n']:,}",
                    "kappa": stats.with_interval(one(part, statistic="kappa")),
                }
            )
    return pd.DataFrame(rows)


def length_table(length: pd.DataFrame) -> pd.DataFrame:
    """A row per kind of voter."""
    rows = []
    for kind in length["kind"].unique():
        gap = one(length, kind=kind, statistic="minus human")
        prefers = one(length, kind=kind, statistic="prefers the longer")
        shown = "" if gap[0] != gap[0] else stats.with_interval(gap, 100)
        rows.append({"voter": kind, "prefers the longer, %": stats.with_interval(prefers, 100), "minus people, points": shown})
    return pd.DataFrame(rows)


def circles(table: pd.DataFrame) -> str:
    """One sentence."""
    row = table.iloc[0]
    return (
        f"Of {row['n']:,} triples of models that GPT-4 judged on one question without a tie, "
        f"{stats.with_interval(row[ENDS], 100)} % form a circle; coins would in 25 %. Verdicts that turned with the order of "
        "the answers count as ties and are left out, so this is the judge at its most consistent."
    )


def notes_table(notes: pd.DataFrame) -> pd.DataFrame:
    """A row per automatic measure."""
    names = {"factual_f1": "F1 of facts", "hallucination": "share made up", "omission": "share left out"}
    rows = [
        {"measure": row["measure"], "people's score": names[row["score"]], "Spearman": stats.with_interval(row[ENDS])}
        for _, row in notes.iterrows()
    ]
    return pd.DataFrame(rows)
