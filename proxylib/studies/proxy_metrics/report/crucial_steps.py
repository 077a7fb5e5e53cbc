"""Frames of the page on crucial steps."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.measure import proxies
from proxylib.report import words
from proxylib.studies.proxy_metrics.crucial_steps import SIGNALS


def _shown(row: pd.Series, scale: float = 1.0) -> str:
    return words.with_interval(row[["estimate", "low", "high"]], scale)


def verdict(found: pd.DataFrame) -> str:
    """The page's first sentence, from `estimates`; it turns with the numbers."""
    rows = found.set_index("claim")
    said = []
    if "failed-but-likely" in rows.index:
        row = rows.loc["failed-but-likely"]
        word = "yes" if row["low"] > 0 else "no" if row["high"] < 0 else "undecided"
        said.append(
            f"On problems that the model fails, are the decisive tokens already likely? {word.capitalize()}: the share of them "
            f"that the model would say first, minus that of always saying the commonest token of the step, is "
            f"{_shown(row, 100)} points."
        )
    for claim, subject in (
        ("steps-before-answers", "Agreement on decisive tokens is"),
        ("steps-beyond-compounding", "Agreement on all decisive tokens of a trace at once, which leaves compounding out, is"),
    ):
        if claim in rows.index:
            row = rows.loc[claim]
            word = "earlier" if row["low"] > 1 else "later" if row["high"] < 1 else "neither clearly earlier nor later"
            said.append(
                f"{subject} half-way {word} than accuracy (training tokens of accuracy over those of agreement: {_shown(row)})."
            )
    return " ".join(said) or "No verdict: accuracy does not rise in this run."


def finding_curves(found: pd.DataFrame) -> str:
    """The figure's title: where each signal ends."""
    last = found[found["step"] == found["step"].max()].set_index("signal")["estimate"]
    return (
        f"At the end {100 * last['decisive']:.0f} % of the decisive tokens agree and {100 * last['correct']:.0f} % of the "
        "answers are right"
    )


def lead_table(found: pd.DataFrame) -> pd.DataFrame:
    """Accuracy's training tokens over each signal's, per task, the mean last."""
    cells = found.assign(
        shown=[
            words.with_interval(row) if np.isfinite(row[1]) else words.rounded(row[0], 0.4)
            for row in found[["estimate", "low", "high"]].to_numpy()
        ]
    )
    table = cells.pivot(index="task", columns="signal", values="shown")[["decisive", "other", "whole"]]
    order = [*(task for task in found["task"].drop_duplicates() if task != "mean"), "mean"]
    table = table.loc[[task for task in order if task in table.index]].rename(columns=SIGNALS)
    return table.rename_axis(None, axis=1).reset_index()


def weight_table(shown: pd.DataFrame) -> pd.DataFrame:
    """Share of each weighting's mass on decisive tokens, at the first, the middle and the last checkpoint."""
    steps = sorted(shown["step"].unique())
    rows = {}
    for label, at in (("start", steps[0]), ("midway", steps[len(steps) // 2]), ("end", steps[-1])):
        part = shown[shown["step"] == at]
        mass = part[list(proxies.WEIGHTINGS)]
        rows[label] = mass[part["decisive"]].sum() / mass.sum()
    table = pd.DataFrame(rows).map(lambda share: f"{100 * share:.0f} %")
    return table.rename(index=lambda name: name.replace("_", " ")).reset_index(names="weighting")
