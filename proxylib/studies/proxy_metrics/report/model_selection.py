"""Frames of the page on model selection: every method under every protocol, and the differences fixed in advance."""

from __future__ import annotations

import pandas as pd

from proxylib.ranking import nulls, protocols, strata
from proxylib.report import scoreboard, tables
from proxylib.report.words import MISSING, chosen, with_interval
from proxylib.stats import Decision, Interval, decide
from proxylib.studies.proxy_metrics.model_selection import CONFIRMATORY, OF_THE_PAPER, OURS, PER_BYTE

TASKS_OUT, FAMILY_OUT = "leave-tasks-out", "leave-family-out"
#: protocol -> what was not seen
UNSEEN = {FAMILY_OUT: "unseen family", TASKS_OUT: "unseen tasks", "leave-both-out": "both unseen"}
#: what was taken out of a correlation -> heading
GIVEN = {
    "rho": "all models",
    strata.WITHIN: "models of one share",
    strata.PARTIAL: "share held fixed",
    strata.LOST.format(strata.WITHIN): "lost inside one share",
    strata.LOST.format(strata.PARTIAL): "lost with it fixed",
}


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
    """Methods, best on an unseen family first; those that cannot be asked about a family follow, best on unseen tasks first."""
    wide = drawn(summary).pivot(index="method", columns="protocol", values="estimate").loc[summary["method"].unique()]
    return list(wide.sort_values([FAMILY_OUT, TASKS_OUT], ascending=False, kind="stable", na_position="last").index)


def headline(summary: pd.DataFrame) -> pd.DataFrame:
    """What the first figure draws: unseen families and unseen tasks; both at once stand in the table."""
    rows = drawn(summary)
    return rows[rows["protocol"].isin([FAMILY_OUT, TASKS_OUT])]


def beats_null(summary: pd.DataFrame, fitted: pd.DataFrame, method: str, protocol: str) -> Decision:
    """Whether a fitted method finds more than its fit does without a signal, by the rule that was fixed in advance.

    Higher: the paired difference has an interval above zero, and the correlation lies above the null's bar.
    """
    gap = tables.interval(summary, method=method, protocol=protocol, quantity=nulls.MINUS_NULL)
    bar = tables.row(nulls.bars(fitted), method=method, protocol=protocol)["null_high"]
    decision = decide(gap)
    above = correlation(summary, method, protocol).estimate > bar
    return Decision.UNDECIDED if decision == Decision.HIGHER and not above else decision


def fitted_methods(fitted: pd.DataFrame) -> list[str]:
    """Methods that learn an order, in their order."""
    return list(fitted["method"].unique())


def null_table(summary: pd.DataFrame, fitted: pd.DataFrame) -> pd.DataFrame:
    """Every fitted method beside its null, unseen families first."""
    rows = []
    bars = nulls.bars(fitted).set_index(["protocol", "method"])
    for protocol, unseen in UNSEEN.items():
        for method in bars.loc[protocol].index:
            bar = bars.loc[(protocol, method)]
            gap = tables.interval(summary, method=method, protocol=protocol, quantity=nulls.MINUS_NULL)
            rows.append(
                {
                    "unseen": unseen.removesuffix(" unseen").removeprefix("unseen "),
                    "method": method,
                    "correlation": with_interval(correlation(summary, method, protocol)),
                    "without a signal": f"{bar['null_mean']:.2f}",
                    "19 of 20 below": f"{bar['null_high']:.2f}",
                    "difference": with_interval(gap),
                    "decision": chosen(beats_null(summary, fitted, method, protocol), "more", "less", "undecided"),
                }
            )
    return pd.DataFrame(rows)


def style_table(given: pd.DataFrame, protocol: str = FAMILY_OUT) -> pd.DataFrame:
    """Every method's correlation over all models, inside one share of the style, and with the share held fixed."""
    rows = tables.rows(given, protocol=protocol)
    return tables.wide(rows, ["method"], {"quantity": GIVEN})


def style_losses(given: pd.DataFrame, protocol: str = FAMILY_OUT) -> dict[Decision, list[str]]:
    """Decision -> methods: whose correlation over all models is higher than inside one share of the style, or lower."""
    gaps = tables.rows(given, protocol=protocol, quantity=strata.LOST.format(strata.WITHIN))
    decided = pd.Series(tables.decided(gaps), gaps["method"])
    return {decision: list(decided.index[decided == decision]) for decision in Decision}


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


def architectures_table(architectures: pd.DataFrame) -> pd.DataFrame:
    """Every method that was asked about unseen architectures, its correlation there, and what it is above plain loss."""
    gap = f"rho minus that of {PER_BYTE}"
    return tables.wide(architectures, ["method"], {"quantity": {"rho": "unseen architecture", gap: "minus bits per byte"}})


def stability_table(choices: pd.DataFrame) -> pd.DataFrame:
    """What the univariate and the 3-sparse ranker choose, and in how many folds, over all seeds."""
    rows = []
    for method, part in choices.groupby("method", sort=False):
        counts = part["chosen"].value_counts()
        for choice, count in counts.head(5).items():
            rows.append({"ranker": method, "chosen": choice.replace("|", " x "), "folds": f"{count} of {len(part)}"})
        rows.append({"ranker": method, "chosen": f"({len(counts)} different choices)", "folds": ""})
    return pd.DataFrame(rows)
