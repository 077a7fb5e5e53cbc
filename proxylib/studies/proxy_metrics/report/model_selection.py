"""Frames of the page on model selection: every method under every protocol, and the differences fixed in advance."""

from __future__ import annotations

import pandas as pd

from proxylib.ranking import protocols
from proxylib.report import scoreboard, tables
from proxylib.report.words import MISSING, chosen, with_interval
from proxylib.stats import Interval, decide
from proxylib.studies.proxy_metrics.model_selection import CONFIRMATORY, OF_THE_PAPER, OURS, PER_BYTE

TASKS_OUT, FAMILY_OUT = "leave-tasks-out", "leave-family-out"
#: protocol -> what was not seen
UNSEEN = {TASKS_OUT: "unseen tasks", FAMILY_OUT: "unseen family", "leave-both-out": "both unseen"}


def correlation(summary: pd.DataFrame, method: str, protocol: str) -> Interval:
    """A method's mean Spearman correlation with accuracy; nan where it cannot be asked."""
    return tables.interval(summary, method=method, protocol=protocol, quantity="rho")


def difference(summary: pd.DataFrame, method: str, protocol: str, baseline: str) -> Interval:
    """A method's correlation minus that of a baseline, paired."""
    return tables.interval(summary, method=method, protocol=protocol, quantity=f"rho minus that of {baseline}")


def reported() -> dict[str, float]:
    """Method -> the mean Spearman correlation on unseen tasks that notes on the paper report."""
    known = scoreboard.reported("ranking")
    return {method: known[f"setting-1 {method}"] for method in OF_THE_PAPER}


def drawn(summary: pd.DataFrame) -> pd.DataFrame:
    """The correlations of the main figure; the oracle stands among the unseen tasks, whose protocol it shares."""
    rho = tables.rows(summary, quantity="rho")
    return rho.assign(protocol=rho["protocol"].replace({protocols.ORACLE: TASKS_OUT}))


def order(summary: pd.DataFrame) -> list[str]:
    """Methods, best on an unseen family first; one that cannot be asked about a family stands by its unseen tasks."""
    wide = drawn(summary).pivot(index="method", columns="protocol", values="estimate").loc[summary["method"].unique()]
    return list(wide[FAMILY_OUT].fillna(wide[TASKS_OUT]).sort_values(ascending=False, kind="stable").index)


def main_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Every method: the paper's value, ours under each protocol, and pairs inside an unseen family."""
    table = tables.wide(drawn(summary), ["method"], {"protocol": UNSEEN}).set_index("method")
    table.insert(0, "paper", pd.Series(reported()).map("{:.2f}".format))
    pairs = tables.rows(summary, protocol=FAMILY_OUT, quantity="pair agreement")
    table["pairs inside an unseen family"] = pd.Series(tables.shown(pairs), pairs["method"])
    return table.loc[order(summary)].fillna(MISSING).reset_index()


def confirmatory_table(summary: pd.DataFrame) -> pd.DataFrame:
    """The differences fixed in advance, and what each decides."""
    intervals = [difference(summary, *contrast) for contrast in CONFIRMATORY]
    table = pd.DataFrame(CONFIRMATORY, columns=["method", "protocol", "against"])[["method", "against", "protocol"]]
    decided = [chosen(decide(interval), "better", "worse", "undecided") for interval in intervals]
    return table.assign(difference=list(map(with_interval, intervals)), decision=decided)


def ours(summary: pd.DataFrame) -> pd.DataFrame:
    """Methods of ours minus bits per byte on an unseen family: rows of the summary."""
    gaps = tables.rows(summary, protocol=FAMILY_OUT, quantity=f"rho minus that of {PER_BYTE}")
    return gaps.set_index("method").loc[list(OURS)].reset_index()


def stability_table(choices: pd.DataFrame) -> pd.DataFrame:
    """What the univariate and the 3-sparse ranker choose, and in how many folds, over all seeds."""
    rows = []
    for method, part in choices.groupby("method", sort=False):
        counts = part["chosen"].value_counts()
        for choice, count in counts.head(5).items():
            rows.append({"ranker": method, "chosen": choice.replace("|", " x "), "folds": f"{count} of {len(part)}"})
        rows.append({"ranker": method, "chosen": f"({len(counts)} different choices)", "folds": ""})
    return pd.DataFrame(rows)
