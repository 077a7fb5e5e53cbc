"""Frames of the page on choosing a corpus: tables for reading, and what its figures need beside the fits."""

from __future__ import annotations

import pandas as pd

from proxylib.report import scoreboard, tables
from proxylib.report.words import whole_percent
from proxylib.studies.data_selection.mixture_losses import RHO
from proxylib.studies.data_selection.panel import NAMES, PRIMARY_SIZE, SIGNALS

REPORTED_CLAIM, REPORTED_MIXTURES = "datadecide-150m", "regmix-rank"
LARGER = ("60M", "1B")


def _factor(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _ratio(value: float) -> str:
    """A ratio with one digit: `1/300` below one, `3,000` above."""
    digits = lambda number: f"{float(f'{number:.1g}'):,.0f}"
    return digits(value) if value >= 1 else f"1/{digits(1 / value)}"


def reported() -> float:
    """Decision accuracy of 150M accuracy as DataDecide's abstract reports it, from the table of claims."""
    return scoreboard.reported("datadecide")[REPORTED_CLAIM]


def reported_rank() -> float:
    """Rank correlation at 1B of a regression fitted at 1M, as an index says that RegMix reports it."""
    return scoreboard.reported("regmix")[REPORTED_MIXTURES]


def forest_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The contrasts at the primary size with a `label` each, for `plots.contrast_forest`."""
    rows = frame[frame["size"] == PRIMARY_SIZE].reset_index(drop=True)
    return rows.assign(label=rows["combination"] + "\nvs " + rows["baseline"].map(NAMES))


def reported_point(single: pd.DataFrame) -> pd.DataFrame:
    """The reported decision accuracy of 150M accuracy, placed on the compute axis: compute_fraction, estimate."""
    row = tables.row(single, size=PRIMARY_SIZE, signal="accuracy")
    return pd.DataFrame({"compute_fraction": [row["compute_fraction"]], "estimate": [reported()]})


def commonest(pairs: pd.DataFrame) -> tuple[str, int]:
    """The corpus that occurs most among some pairs, first by name where several do, and how often."""
    counts = pd.concat([pairs["better"], pairs["worse"]]).value_counts()
    return min(counts[counts == counts.max()].index), int(counts.max())


def needed_table(needed: pd.DataFrame) -> pd.DataFrame:
    """A row per threshold: where each signal first reaches it, and how many times as much compute accuracy needs as NLL."""
    rows = []
    for threshold, part in needed.groupby("threshold", sort=False):
        places = {}
        for signal in SIGNALS:
            row = tables.row(part, signal=signal)
            share = f"{100 * row['compute_fraction']:.2g}"
            places[f"{NAMES[signal]} (% of the target's compute)"] = f"{row['size']} ({share} %)"
        row = tables.row(part, signal="nll")
        ratio = f"{_factor(row['ratio'])} [{_ratio(row['low'])}, {_ratio(row['high'])}]"
        rows.append({"decision accuracy": f"{threshold:.2f}"} | places | {"compute, accuracy over NLL": ratio})
    return pd.DataFrame(rows)


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
            "difference (points)": [whole_percent(ends, "+") for ends in rows[tables.ENDS].to_numpy()],
        }
    )


def regressions_rows(ranks: pd.DataFrame) -> pd.DataFrame:
    """Rank correlations on Pile-CC at the larger sizes, a row per method and size, for `plots.forest`."""
    rows = tables.rows(ranks, measure=RHO)
    return rows[rows["size"].isin(LARGER)].reset_index(drop=True)


def domains_table(direct: pd.DataFrame, by_domain: pd.DataFrame) -> pd.DataFrame:
    """A row per domain: how its loss is ranked by the same loss at 1M, and by the regression at the larger sizes."""
    own = tables.rows(direct, itself=True, measure=RHO)
    shown = {"own loss at 1M, at 60M": own.set_index("domain")}
    same = by_domain[by_domain["domain"] == by_domain["against"]]
    shown |= {f"regression, at {size}": tables.rows(same, size=size).set_index("domain") for size in LARGER}
    table = pd.DataFrame({name: dict(zip(part.index, tables.shown(part), strict=True)) for name, part in shown.items()})
    return table.rename(index=lambda name: name.replace("_", " ")).rename_axis("loss on").reset_index()


def runs_needed(needed: pd.DataFrame, method: str) -> str:
    """How many models at 1M a method needs at 1B: `0.90 with 64, 0.95 with none of these`, by threshold."""
    rows = tables.rows(needed, size="1B", method=method)
    count = lambda runs: f"{runs:.0f}" if pd.notna(runs) else "none of these"
    return ", ".join(f"{row.threshold:.2f} with {count(row.runs)}" for row in rows.itertuples())
