"""Frames of the page on model selection."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxylib.ranking import protocols
from proxylib.report import words
from proxylib.studies.proxy_metrics.model_selection import (
    ALONE,
    CONFIRMATORY,
    GAIN,
    HELD_IN,
    LINEAR,
    OURS,
    PER_BYTE,
    PROSE,
    PROXY,
    REPORTED,
    WITH_PROXY,
    find,
)


def _shown(row: pd.Series | Mapping | None) -> str:
    if row is None:
        return ""
    values = [row["estimate"], row["low"], row["high"]]
    return words.with_interval(values) if np.isfinite(values).all() else words.rounded(values[0], 0.1)


def main_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Every method: the paper's value, ours under each protocol, pairs with an unseen family; best on those first."""
    columns = {"unseen tasks": "leave-tasks-out", "unseen family": "leave-family-out", "both unseen": "leave-both-out"}
    rows = []
    for method in summary["method"].drop_duplicates():
        own = {label: find(summary, method, protocol, "rho") for label, protocol in columns.items()}
        if method.startswith("oracle"):
            own["unseen tasks"] = find(summary, method, protocols.ORACLE, "rho")
        pair = find(summary, method, "leave-family-out", "pair agreement")
        reported = REPORTED.get(method)
        key = own["unseen family"]["estimate"] if own["unseen family"] is not None else own["unseen tasks"]["estimate"]
        row = {"method": method, "paper": "" if reported is None else f"{reported:.2f}"}
        row |= {label: _shown(found) for label, found in own.items()}
        rows.append(row | {"pairs inside an unseen family": _shown(pair), "key": -key})
    return pd.DataFrame(rows).sort_values("key", kind="stable").drop(columns="key")


def order(summary: pd.DataFrame) -> list[str]:
    """Methods as the main table has them."""
    return list(main_table(summary)["method"])


def drawn(summary: pd.DataFrame) -> pd.DataFrame:
    """The correlations of the main figure; the oracle stands among the unseen tasks, whose protocol it shares."""
    rho = summary[summary["quantity"] == "rho"]
    return rho.assign(protocol=rho["protocol"].replace({protocols.ORACLE: "leave-tasks-out"}))


def confirmatory_table(summary: pd.DataFrame) -> pd.DataFrame:
    """The differences fixed in advance."""
    rows = []
    for method, protocol, baseline in CONFIRMATORY:
        row = find(summary, method, protocol, f"rho minus that of {baseline}")
        word = _word(row)
        rows.append({"method": method, "against": baseline, "protocol": protocol, "difference": _shown(row), "": word})
    return pd.DataFrame(rows)


def _word(row: pd.Series | None) -> str:
    if row is None or not np.isfinite(row["low"]):
        return "undefined"
    return "better" if row["low"] > 0 else "worse" if row["high"] < 0 else "undecided"


def verdict(summary: pd.DataFrame) -> str:
    """The page's first sentences, from the summary; they turn with the numbers."""
    rho = lambda method, protocol: _shown(find(summary, method, protocol, "rho"))
    gap = lambda method, protocol, other: find(summary, method, protocol, f"rho minus that of {other}")
    words = {
        "better": "better than",
        "worse": "worse than",
        "undecided": "not distinguishably better than",
        "undefined": "beside",
    }
    said = lambda row: words[_word(row)]
    loss, memory = gap(LINEAR, "leave-tasks-out", PROSE), gap(LINEAR, "leave-tasks-out", HELD_IN)
    fair = gap(LINEAR, "leave-family-out", PER_BYTE)
    return (
        f"On tasks that it was not fitted to, the linear ranker orders models with a mean Spearman correlation of "
        f"{rho(LINEAR, 'leave-tasks-out')}, {said(loss)} loss on prose ({rho(PROSE, 'leave-tasks-out')}; difference "
        f"{_shown(loss)}), but it has seen the same models on other tasks, and it is {said(memory)} simply ranking them by "
        f"their scores there ({rho(HELD_IN, 'leave-tasks-out')}; difference {_shown(memory)}). On a family that it was not "
        f"fitted to it reaches {rho(LINEAR, 'leave-family-out')}, {said(fair)} the traces' bits per byte "
        f"({rho(PER_BYTE, 'leave-family-out')}; difference {_shown(fair)}), which need no fitting."
    )


def verdict_ours(summary: pd.DataFrame) -> str:
    """Which of our methods beat the best of the fixed baselines on an unseen family, all of them counted."""
    rows = [find(summary, method, "leave-family-out", f"rho minus that of {PER_BYTE}") for method in OURS]
    better = [method for method, row in zip(OURS, rows, strict=True) if _word(row) == "better"]
    told = "; ".join(f"{method} {_shown(row)}" for method, row in zip(OURS, rows, strict=True))
    if better:
        start = f"Of {len(OURS)} methods of ours, {len(better)} beat bits per byte on an unseen family ({', '.join(better)})"
    else:
        start = f"None of the {len(OURS)} methods of ours beats bits per byte on an unseen family"
    return f"{start}; differences: {told}."


def stability_table(found: pd.DataFrame) -> pd.DataFrame:
    """What the univariate and the 3-sparse ranker choose, and in how many folds, over all seeds."""
    rows = []
    for method, part in found.groupby("method", sort=False):
        counts = part["chosen"].value_counts()
        for chosen, count in counts.head(5).items():
            rows.append({"ranker": method, "chosen": chosen.replace("|", " x "), "folds": f"{count} of {len(part)}"})
        rows.append({"ranker": method, "chosen": f"({len(counts)} different choices)", "folds": ""})
    return pd.DataFrame(rows)


def finding_main(summary: pd.DataFrame) -> str:
    """The main figure's title."""
    value = lambda method, protocol: find(summary, method, protocol, "rho")["estimate"]
    return (
        f"The linear ranker: {value(LINEAR, 'leave-tasks-out'):.2f} on unseen tasks, {value(LINEAR, 'leave-family-out'):.2f} "
        f"on an unseen family. Other scores of the same models: {value(HELD_IN, 'leave-tasks-out'):.2f}. Bits per byte of the "
        f"traces: {value(PER_BYTE, 'leave-tasks-out'):.2f}"
    )


def finding_bought(bought: pd.DataFrame) -> str:
    """The title of the figure on bought answers."""
    few = bought[bought["answers"] == bought["answers"].min()].set_index("signal")
    return (
        f"{bought['answers'].min()} answers per model and task: {few.loc[ALONE, 'estimate']:.2f} alone, "
        f"{few.loc[WITH_PROXY, 'estimate']:.2f} with the proxy (gain {_shown(few.loc[GAIN])}), "
        f"{few.loc[PROXY, 'estimate']:.2f} the proxy alone"
    )


def bought_table(bought: pd.DataFrame) -> pd.DataFrame:
    """Correlations and the gain by the proxy, a row per number of answers."""
    shown = bought.assign(shown=[_shown(row) for _, row in bought.iterrows()])
    table = shown.pivot(index="answers", columns="signal", values="shown")[[ALONE, WITH_PROXY, PROXY, GAIN]]
    return table.rename_axis(columns=None).reset_index(names="answers bought")
