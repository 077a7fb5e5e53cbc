"""Frames of the page on the lab: recipes, models, tasks, what models answer and how fast they trained."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.data import tasks
from proxylib.report import words
from proxylib.studies.lab.population import SPEEDS


def corpus_table(described: pd.DataFrame) -> pd.DataFrame:
    """The corpus recipes for reading."""
    return pd.DataFrame(
        {
            "recipe": described["recipe"],
            "sources (share of characters)": described["sources"],
            "million tokens": [f"{tokens / 1e6:.2f}" for tokens in described["tokens"]],
            "documents": [f"{documents:,}" for documents in described["documents"]],
            "documents that occurred before (%)": [f"{100 * share:.1f}" for share in described["repeated"]],
            "SHA-256": described["sha256"].str[:10],
        }
    )


def member_table(members: pd.DataFrame) -> pd.DataFrame:
    """The models of the first seed: family, size, what each read and how it was trained on."""
    first = members[members["seed"] == members["seed"].iloc[0]]
    shown = first[["family", "width", "mix", "post", "parameters", "tokens"]].rename(columns={"post": "post-training"})
    shown["parameters"] = [f"{count:,}" for count in shown["parameters"]]
    shown["million tokens"] = [f"{count / 1e6:.2f}" for count in shown.pop("tokens")]
    return shown


def spread(accuracy: pd.DataFrame, eligible: pd.DataFrame) -> pd.DataFrame:
    """How far a task's accuracies lie apart: quartiles over models, inter-quartile range, models at floor or ceiling.

    Returns
    -------
    columns task, low, median, high (quartiles, as shares), range, at_floor_or_ceiling, models
    """
    rows = []
    for task, part in accuracy.groupby("task", sort=False):
        low, median, high = np.quantile(part["estimate"], [0.25, 0.5, 0.75])
        levels = eligible.set_index("task").loc[task]
        rows.append((task, low, median, high, high - low, int(levels["models"] - levels["differing"]), len(part)))
    return pd.DataFrame(rows, columns=["task", "low", "median", "high", "range", "at_floor_or_ceiling", "models"])


def accuracy_table(accuracy: pd.DataFrame, reliability: pd.DataFrame, eligible: pd.DataFrame) -> pd.DataFrame:
    """Percent correct, mean over seeds, a row per model and a column per task, best mean first; then facts on each task."""
    names = list(accuracy["task"].drop_duplicates())
    mean = accuracy.pivot_table(index="model", columns="task", values="estimate", sort=False)[names]
    spare = accuracy.pivot_table(index="model", columns="task", values="estimate", aggfunc=np.ptp, sort=False)[names]
    several = len(accuracy["seed"].unique()) > 1
    show = lambda model, task: (
        f"{100 * mean.loc[model, task]:.0f}" + (f" ±{50 * spare.loc[model, task]:.0f}" if several else "")
    )
    order = mean.mean(axis=1).sort_values(ascending=False).index
    table = pd.DataFrame({task: [show(model, task) for model in order] for task in names}, index=order)
    table.insert(0, "mean", [f"{100 * value:.0f}" for value in mean.mean(axis=1)[order]])
    facts, wide = eligible.set_index("task").loc[names], spread(accuracy, eligible).set_index("task").loc[names]
    repeat = reliability.set_index("task").loc[names, "reliability"]
    table.loc["best constant answer"] = ["", *(f"{100 * floor:.0f}" for floor in facts["floor"])]
    table.loc["inter-quartile range"] = ["", *(f"{100 * value:.0f}" for value in wide["range"])]
    table.loc["split-half reliability"] = ["", *(words.rounded(value, 0.05) for value in repeat)]
    table.loc["at floor or ceiling"] = ["", *(f"{row.at_floor_or_ceiling} of {row.models}" for row in wide.itertuples())]
    return table.rename_axis(None, axis=1).reset_index(names="model")


def task_table(names: list[str]) -> pd.DataFrame:
    """Families with their difficulty knob, and which difficulties training never shows."""
    chosen = [tasks.task(name) for name in names]
    return pd.DataFrame(
        {
            "task": [task.name for task in chosen],
            "difficulty": ["number of " + task.knob for task in chosen],
            "trained": [", ".join(map(str, task.trained)) for task in chosen],
            "never trained": [", ".join(map(str, task.untrained)) for task in chosen],
        }
    )


def first_traces(frame: pd.DataFrame) -> list[dict]:
    """The second-easiest problem of each task, with its solution."""
    return frame.groupby("task", sort=False).nth(1).to_dict("records")


def shown_answers(examples: pd.DataFrame, accuracy: pd.DataFrame) -> list[dict]:
    """What the best and the worst model (by mean accuracy) wrote on the first problem of each task."""
    mean = accuracy.groupby("member")["estimate"].mean()
    chosen = examples[examples["member"].isin([mean.idxmax(), mean.idxmin()])]
    return chosen.groupby(["task", "member"], sort=False).head(1).sort_values(["task", "member"]).to_dict("records")


def speed_table(members: pd.DataFrame, speed: dict) -> pd.DataFrame:
    """Training throughput beside the machine's matrix product of the same shape: median over seeds, smallest design first."""
    measured = members.assign(**{key: [speed[name][key] for name in members["member"]] for key in SPEEDS})
    measured = measured.dropna(subset=list(SPEEDS)).assign(design=lambda rows: rows["member"].str.rpartition("-")[0])
    rows = []
    for design, part in measured.groupby("design", sort=False):
        middle = part[["parameters", *SPEEDS]].median()
        rows.append(
            {
                "design": design,
                "parameters": f"{middle['parameters']:,.0f}",
                "runs": len(part),
                "thousand tokens per second": f"{middle['tokens_per_second'] / 1e3:.0f}",
                "model GFLOP/s": f"{middle['flops_per_second'] / 1e9:.0f}",
                "matrix product GFLOP/s": f"{middle['matmul_flops_per_second'] / 1e9:.0f}",
                "share (%)": f"{100 * middle['utilisation']:.0f}",
            }
        )
    return pd.DataFrame(rows)
