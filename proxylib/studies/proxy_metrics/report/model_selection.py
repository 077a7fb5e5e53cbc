"""Frames of the page on model selection: every method under every protocol, and the differences fixed in advance."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from proxylib.ranking import nulls, protocols, strata
from proxylib.report import scoreboard, tables
from proxylib.report.words import MISSING, chosen, with_interval
from proxylib.stats import Decision, Interval, decide, mean_interval
from proxylib.studies.proxy_metrics.model_selection import (
    CONFIRMATORY,
    HELD_IN,
    LINEAR,
    NAMED,
    OF_THE_PAPER,
    ORACLE,
    OURS,
    PER_BYTE,
)

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
    known = scoreboard.reported("ranking_claims")
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


def oracle_beats_null(summary: pd.DataFrame, lacking: pd.DataFrame) -> Decision:
    """Whether the oracle finds more than the same choice does without a signal, by the same rule.

    Parameters
    ----------
    lacking : the table `nulls` of `ranking_claims`
    """
    interval, null = correlation(summary, ORACLE, protocols.ORACLE), _oracle_null(lacking)
    decision = decide(interval, null["null_mean"])
    return Decision.UNDECIDED if decision == Decision.HIGHER and interval.estimate <= null["null_high"] else decision


def _oracle_null(lacking: pd.DataFrame) -> pd.Series:
    return tables.row(nulls.bars(lacking), method=ORACLE, protocol=protocols.ORACLE)


def bands(fitted: pd.DataFrame, lacking: pd.DataFrame) -> pd.DataFrame:
    """What the main figure's methods find without a signal, the oracle among the unseen tasks as in `drawn`."""
    every = nulls.bars(pd.concat([fitted, lacking], ignore_index=True))
    return every.assign(protocol=every["protocol"].replace({protocols.ORACLE: TASKS_OUT}))


def wide(summary: pd.DataFrame, tasks: pd.DataFrame, method: str, protocol: str, baseline: str | None = None) -> Interval:
    """A method's correlation, or its difference from a baseline, with an interval as wide as that over families and over tasks.

    Parameters
    ----------
    summary : of the ranking
    tasks : the table `by_task` of `ranking_claims`
    """
    families = correlation(summary, method, protocol) if baseline is None else difference(summary, method, protocol, baseline)
    values = lambda name: tables.rows(tasks, method=name, protocol=protocol).set_index("task")["estimate"]
    over = mean_interval(values(method) - (0 if baseline is None else values(baseline)))
    return Interval(families.estimate, min(families.low, over.low), max(families.high, over.high))


class Advice(NamedTuple):
    """What a reader is told to do, as decisions over other families and tasks: the wider interval takes each.

    fit : of the linear ranker on an unseen family, against plain loss; higher only where it beats its null there, too
    over_named : of the same against the proxy named in advance, which needs no fit
    plain : whether plain loss on the traces orders models of an unseen family
    over_scores : of the ranker on unseen tasks, against known scores on other tasks; higher only where it beats its null
    """

    fit: Decision
    over_named: Decision
    plain: Decision
    over_scores: Decision


def advice(summary: pd.DataFrame, fitted: pd.DataFrame, tasks: pd.DataFrame) -> Advice:
    """What the ranking decides for somebody who has to choose a signal; `tasks` as for `wide`."""
    against = lambda protocol, baseline: decide(wide(summary, tasks, LINEAR, protocol, baseline))
    lucky = {way: beats_null(summary, fitted, LINEAR, way) != Decision.HIGHER for way in (FAMILY_OUT, TASKS_OUT)}
    # better counts for nothing where the fit may be better without a signal, too
    unless_chance = lambda way, taken: Decision.UNDECIDED if lucky[way] and taken == Decision.HIGHER else taken
    return Advice(
        fit=unless_chance(FAMILY_OUT, against(FAMILY_OUT, PER_BYTE)),
        over_named=against(FAMILY_OUT, NAMED),
        plain=decide(wide(summary, tasks, PER_BYTE, FAMILY_OUT)),
        over_scores=unless_chance(TASKS_OUT, against(TASKS_OUT, HELD_IN)),
    )


def beating(summary: pd.DataFrame, fitted: pd.DataFrame, protocol: str) -> list[str]:
    """Fitted methods that find more than chance."""
    return [name for name in fitted_methods(fitted) if beats_null(summary, fitted, name, protocol) == Decision.HIGHER]


def fitted_methods(fitted: pd.DataFrame) -> list[str]:
    """Methods that learn an order, in their order."""
    return list(fitted["method"].unique())


def null_table(summary: pd.DataFrame, fitted: pd.DataFrame, lacking: pd.DataFrame) -> pd.DataFrame:
    """Every fitted method beside its null, unseen families first; last the oracle, which has seen the scores it ranks by."""
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
    null, interval = _oracle_null(lacking), correlation(summary, ORACLE, protocols.ORACLE)
    oracle = {
        "unseen": "none",
        "method": ORACLE,
        "correlation": with_interval(interval),
        "without a signal": f"{null['null_mean']:.2f}",
        "19 of 20 below": f"{null['null_high']:.2f}",
        "difference": with_interval([end - null["null_mean"] for end in interval]),
        "decision": chosen(oracle_beats_null(summary, lacking), "more", "less", "undecided"),
    }
    return pd.DataFrame([*rows, oracle])


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


def tasks_table(summary: pd.DataFrame, tasks: pd.DataFrame, over: pd.DataFrame, protocol: str = FAMILY_OUT) -> pd.DataFrame:
    """Every method in every task, and its mean with the interval that draws families beside the one that draws tasks.

    Parameters
    ----------
    summary : of the ranking
    tasks, over : the tables `by_task` and `over_tasks` of `ranking_claims`
    """
    correlations = tables.rows(summary, quantity="rho")
    bounded = over.assign(low=over["low"].clip(lower=-1), high=over["high"].clip(upper=1))  # Student's t knows no end
    part, means, drawn_tasks = (tables.rows(frame, protocol=protocol) for frame in (tasks, correlations, bounded))
    wide = part.pivot(index="method", columns="task", values="estimate")[list(part["task"].unique())]
    shown = wide.map("{:.2f}".format)
    for name, frame in (("families drawn", means), ("tasks drawn", drawn_tasks)):
        shown[name] = pd.Series(tables.shown(frame), frame["method"])
    return (
        shown.loc[[method for method in order(correlations) if method in shown.index]].rename_axis(None, axis=1).reset_index()
    )


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
