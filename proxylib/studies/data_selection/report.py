"""The chapter on choosing a corpus, in words: sentences and tables as pure functions of `selection`'s frames.

A number that flips turns its sentence; nothing here is fitted and nothing is drawn.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from proxylib.data.published import datadecide
from proxylib.errors import UserError
from proxylib.report.scoreboard import CLAIMS
from proxylib.studies.data_selection.panel import (
    NAMES,
    NOISE_WIDTH,
    PRIMARY_SIZE,
    SIGNALS,
    SMALLEST_SIZE,
    TARGET_SIZE,
    TASKS,
    THRESHOLDS,
)

REPORTED_CLAIM = "datadecide-150m"


def _row(frame: pd.DataFrame, **values: Any) -> pd.Series:
    """The one row with these values."""
    chosen = frame
    for column, value in values.items():
        chosen = chosen[chosen[column] == value]
    if len(chosen) != 1:
        raise UserError(f"table: {len(chosen)} rows with {values}, expected one")
    return chosen.iloc[0]


def _percent(row: pd.Series) -> str:
    """`83 % [55, 95]`: whole percent, since every interval here is many points wide."""
    return f"{100 * row['estimate']:.0f} % [{100 * row['low']:.0f}, {100 * row['high']:.0f}]"


def _points(row: pd.Series) -> str:
    """`+27 points [+7, +38]`: percentage points, for differences of shares."""
    return f"{100 * row['estimate']:+.0f} points [{100 * row['low']:+.0f}, {100 * row['high']:+.0f}]"


def _factor(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _ratio(value: float) -> str:
    """A ratio with one digit: `1/300` below one, `3,000` above."""
    digits = lambda number: f"{float(f'{number:.1g}'):,.0f}"
    return digits(value) if value >= 1 else f"1/{digits(1 / value)}"


def _placed(row: pd.Series, value: float) -> int:
    """1 if the interval lies above `value`, -1 if below, 0 if it contains it."""
    return int(row["low"] > value) - int(row["high"] < value)


def reported() -> float:
    """Decision accuracy of 150M accuracy as DataDecide's abstract reports it, from the table of claims."""
    return float(pd.read_csv(CLAIMS).set_index("id").loc[REPORTED_CLAIM, "reported"])


def verdict(single: pd.DataFrame, differences: pd.DataFrame) -> str:
    """The chapter's answer in one sentence: 150M accuracy against the reported value; likelihood at the smallest size.

    Parameters
    ----------
    single : from `single_sizes`
    differences : from `paired`
    """
    accuracy = _row(single, size=PRIMARY_SIZE, signal="accuracy")
    nll = _row(single, size=SMALLEST_SIZE, signal="nll")
    gap = _row(differences, size=SMALLEST_SIZE)
    against = {0: "contains", 1: "lies above", -1: "lies below"}[_placed(accuracy, reported())]
    coin = {0: "cannot be told from a coin", 1: "beats a coin", -1: "is worse than a coin"}[_placed(nll, 0.5)]
    relation = {
        1: "beats that of accuracy",
        0: "cannot be told from that of accuracy",
        -1: "falls behind that of accuracy",
    }[_placed(gap, 0)]
    return (
        f"Accuracy of {PRIMARY_SIZE} models orders {_percent(accuracy)} of the pairs of corpora as {TARGET_SIZE} "
        f"models do, an interval that {against} the reported {100 * reported():.0f} %; at {SMALLEST_SIZE} the order by "
        f"likelihood {relation} ({_points(gap)}) and by itself {coin} ({_percent(nll)})."
    )


def finding_sizes(single: pd.DataFrame) -> str:
    """Title of the decision-accuracy figure."""
    at = {signal: _row(single, size=PRIMARY_SIZE, signal=signal)["estimate"] for signal in SIGNALS}
    return (
        f"At {PRIMARY_SIZE}, accuracy orders {at['accuracy']:.0%} of the pairs of corpora as {TARGET_SIZE} does, "
        f"NLL {at['nll']:.0%}"
    )


def finding_differences(differences: pd.DataFrame) -> str:
    """Title of the paired figure: at how many sizes one signal is better beyond its interval."""
    frame = differences[differences["on_trajectory"]]
    better, worse = int((frame["low"] > 0).sum()), int((frame["high"] < 0).sum())
    return (
        f"NLL orders corpora better than accuracy at {better} of {len(frame)} sizes, worse at {worse}; "
        f"{len(frame) - better - worse} undecided"
    )


def finding_ceiling(frame: pd.DataFrame) -> str:
    """Title of the ceiling figure."""
    both, others = (_row(frame, task=datadecide.MACRO, against=name) for name in ("mean of all seeds", "other two seeds"))
    return (
        f"One seed at {TARGET_SIZE} orders {_percent(others)} of the pairs as the other two seeds do, {_percent(both)} as "
        f"a mean that contains it"
    )


def finding_misranked(frame: pd.DataFrame) -> str:
    """Title of the noise figure, for accuracy at the primary size."""
    row = _row(frame, size=PRIMARY_SIZE, signal="accuracy")
    more = {1: "more than", 0: "not clearly different from", -1: "less than"}[_placed(row, row["all_estimate"])]
    return (
        f"{row['estimate']:.0%} of the pairs that {PRIMARY_SIZE} accuracy mis-ranks lie within the target's noise, "
        f"{more} the {row['all_estimate']:.0%} of all pairs"
    )


def finding_combinations(frame: pd.DataFrame) -> str:
    """Title of the forest plot: how the primary contrasts came out."""
    planned = frame[frame["primary"]]
    better, worse = int((planned["low"] > 0).sum()), int((planned["high"] < 0).sum())
    return (
        f"Planned combinations at {PRIMARY_SIZE}: {better} better than the single size, {worse} worse, "
        f"{len(planned) - better - worse} undecided"
    )


def finding_smallest(single: pd.DataFrame) -> str:
    """Whether either signal beats a coin at the smallest size: a difference between two useless signals is no use."""
    words = {1: "above", 0: "not clearly different from", -1: "below"}
    parts = []
    for signal in SIGNALS:
        row = _row(single, size=SMALLEST_SIZE, signal=signal)
        parts.append(f"{NAMES[signal]} orders {_percent(row)} of the pairs rightly, {words[_placed(row, 0.5)]} a coin")
    return f"At {SMALLEST_SIZE}, {'; '.join(parts)}."


def finding_noise(frame: pd.DataFrame) -> str:
    """The target's seed noise in percentage points, for the macro average and the noisiest and quietest task."""
    macro = _row(frame, task=datadecide.MACRO)
    tasks = frame[frame["task"] != datadecide.MACRO].sort_values("sigma")
    quiet, loud = tasks.iloc[0], tasks.iloc[-1]
    spread, low, high, se = (f"{100 * macro[name]:.2f}" for name in ("sigma", "low", "high", "se_difference"))
    return (
        f"From seed to seed the {TARGET_SIZE} macro accuracy varies with a standard deviation of {spread} percentage "
        f"points [{low}, {high}] (chi-square interval, {macro['n']} corpora), so two means of {datadecide.SEEDS} seeds "
        f"differ with a standard error of {se}. Single tasks range from {100 * quiet['sigma']:.1f} "
        f"({TASKS[quiet['task']]}) to {100 * loud['sigma']:.1f} ({TASKS[loud['task']]})."
    )


def finding_chance(planned: dict[str, float], explored: dict[str, float], frame: pd.DataFrame) -> str:
    """How many contrasts exclude zero, how many would by chance, and in which direction the exploratory ones point.

    Parameters
    ----------
    planned, explored : from `chance`
    frame : from `combinations`
    """
    rows = frame[~frame["primary"] & frame["excludes_zero"]]
    better = int((rows["estimate"] > 0).sum())
    against = int((frame["primary"] & frame["excludes_zero"] & (frame["estimate"] < 0)).sum())
    return (
        f"Intervals exclude zero for {planned['excluding']} of {planned['of']} planned contrasts ({against} of them against "
        f"the combination; by chance {planned['by_chance']:.1f}) and for {explored['excluding']} of {explored['of']} "
        f"exploratory ones over all sizes (by chance {explored['by_chance']:.1f} if intervals covered as they claim; with 5 "
        f"groups more): {better} of the latter favour the combination and {len(rows) - better} the single size."
    )


def forest_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The contrasts at the primary size with a `label` each, for `plots.contrast_forest`."""
    rows = frame[frame["size"] == PRIMARY_SIZE].reset_index(drop=True)
    return rows.assign(label=rows["combination"] + "\nvs " + rows["baseline"].map(NAMES))


def reported_point(single: pd.DataFrame) -> pd.DataFrame:
    """The reported decision accuracy of 150M accuracy, placed on the compute axis: compute_fraction, estimate."""
    row = _row(single, size=PRIMARY_SIZE, signal="accuracy")
    return pd.DataFrame({"compute_fraction": [row["compute_fraction"]], "estimate": [reported()]})


def finding_needed(frame: pd.DataFrame) -> str:
    """One sentence per threshold: compute at which each signal reaches it, and the ratio."""
    sentences = []
    for threshold in THRESHOLDS:
        parts = []
        for signal in SIGNALS:
            row = _row(frame, signal=signal, threshold=threshold)
            where = f"{row['size']} ({100 * row['compute_fraction']:.2g} % of the target's compute)"
            parts.append(f"{NAMES[signal]} at {where}")
        row = _row(frame, signal="nll", threshold=threshold)
        verb = {1: "less", 0: "neither clearly less nor more", -1: "more"}[_placed(row, 1)]
        sentences.append(
            f"A decision accuracy of {threshold:.2f} is first reached by {' and by '.join(parts)}: NLL needs {verb} "
            f"compute (accuracy needs {_factor(row['ratio'])} times as much; interval from {_ratio(row['low'])} to "
            f"{_ratio(row['high'])})."
        )
    return " ".join(sentences)


def finding_pairs(frame: pd.DataFrame) -> str:
    """Which corpus occurs most among the pairs mis-ranked most often, and how many of these pairs are beyond noise."""
    counts = pd.concat([frame["better"], frame["worse"]]).value_counts()
    name = min(counts[counts == counts.max()].index)
    beyond = int((frame["gap_se"] > NOISE_WIDTH).sum())
    return (
        f"Of the {len(frame)} pairs that are mis-ranked most often, {counts[name]} contain {name}, and {beyond} differ "
        f"at {TARGET_SIZE} by more than {NOISE_WIDTH} standard errors: there the small runs are wrong, not the target "
        f"uncertain."
    )


def _brackets(frame: pd.DataFrame, low: str, high: str) -> list[str]:
    return [f"[{a:.2f}, {b:.2f}]" for a, b in zip(frame[low], frame[high], strict=True)]


def sizes_table(single: pd.DataFrame) -> pd.DataFrame:
    """Decision accuracy of both signals, by size, with the three expressions of uncertainty.

    Two decimals throughout, so that rows can be compared: no interval is so wide that the first of them is empty.

    Parameters
    ----------
    single : from `single_sizes`
    """
    rows = single[~single["by_construction"]].sort_values(["compute_fraction", "signal"])
    return pd.DataFrame(
        {
            "size": rows["size"] + rows["on_trajectory"].map({True: "", False: " (off trajectory)"}),
            "signal": rows["signal"].map(NAMES),
            "compute (% of target)": [_factor(100 * value) for value in rows["compute_fraction"]],
            "decision accuracy": rows["estimate"].map("{:.2f}".format),
            "groups drawn": _brackets(rows, "low", "high"),
            "corpora drawn": _brackets(rows, "low_corpora", "high_corpora"),
            "one group left out": _brackets(rows, "low_without_group", "high_without_group"),
        }
    )


def pairs_table(frame: pd.DataFrame, rows: int = 10) -> pd.DataFrame:
    """The first `rows` of `pairs`, with readable headers."""
    frame = frame.head(rows)
    return pd.DataFrame(
        {
            "better at 1B": frame["better"],
            "worse at 1B": frame["worse"],
            "distance (s.e.)": frame["gap_se"].map("{:.1f}".format),
            "wrong by accuracy (sizes)": frame["accuracy"].map("{:g}".format),
            "wrong by NLL (sizes)": frame["nll"].map("{:g}".format),
        }
    )


def contrasts_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The contrasts of `forest_rows`, planned ones first, the largest difference first."""
    rows = frame.sort_values(["primary", "estimate"], ascending=False)
    return pd.DataFrame(
        {
            "combination": rows["combination"],
            "against": rows["baseline"].map(NAMES),
            "status": rows["primary"].map({True: "planned", False: "exploratory"}),
            "compute (x single size)": rows["cost_ratio"].map("{:.1f}".format),
            "difference": [_points(row) for _, row in rows.iterrows()],
        }
    )
