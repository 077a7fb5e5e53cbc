"""Frames of the page on the lab: recipes, models, tasks, what models answer and how fast they trained."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.data import tasks
from proxylib.report import tables, words
from proxylib.studies.lab import training_noise
from proxylib.studies.lab.population import SPEEDS

#: quantity of `training_noise.moves` -> what the table calls it, and the factor that puts it into that unit
MOVES = {
    training_noise.SEEDS: ("SD between seeds (points)", 100),
    training_noise.MODELS: ("SD between models (points)", 100),
    training_noise.MODELS_MINUS_SEEDS: ("between models minus between seeds (points)", 100),
    training_noise.PLACES: ("change of rank (places)", 1),
    training_noise.RHO: ("rank correlation between seeds", 1),
    training_noise.RHO_MINUS_ACCURACY: ("the same minus accuracy's", 1),
}


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


def spread(accuracy: pd.DataFrame, differing: pd.DataFrame) -> pd.DataFrame:
    """How far a task's accuracies lie apart: quartiles over models, inter-quartile range, models at floor or ceiling.

    Returns
    -------
    columns task, low, median, high (quartiles, as shares), range, at_floor_or_ceiling, models
    """
    rows = []
    for task, part in accuracy.groupby("task", sort=False):
        low, median, high = np.quantile(part["estimate"], [0.25, 0.5, 0.75])
        levels = differing.set_index("task").loc[task]
        rows.append((task, low, median, high, high - low, int(levels["models"] - levels["differing"]), len(part)))
    return pd.DataFrame(rows, columns=["task", "low", "median", "high", "range", "at_floor_or_ceiling", "models"])


def accuracy_table(accuracy: pd.DataFrame, reliability: pd.DataFrame, differing: pd.DataFrame) -> pd.DataFrame:
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
    facts, wide = differing.set_index("task").loc[names], spread(accuracy, differing).set_index("task").loc[names]
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


def levels_shown(graded: pd.DataFrame, levels: pd.DataFrame) -> pd.DataFrame:
    """Every level of difficulty with what was decided on it, easiest first within a task.

    Parameters
    ----------
    graded : of the population; `counts` is what the models at hand would decide
    levels : columns task, level, counted: whether the level enters accuracies

    Returns
    -------
    graded with counted and otherwise: whether the models at hand would decide otherwise
    """
    decided = levels.drop_duplicates(["task", "level"])[["task", "level", "counted"]]
    shown = graded.merge(decided, on=["task", "level"], validate="one_to_one")
    shown = shown.assign(otherwise=shown["counted"] != shown["counts"], place=shown["task"].map(_places(graded["task"])))
    return shown.sort_values(["place", "level"], ignore_index=True).drop(columns="place")


def _places(names: pd.Series) -> dict[str, int]:
    return {name: place for place, name in enumerate(names.drop_duplicates())}


def level_table(shown: pd.DataFrame) -> pd.DataFrame:
    """What `levels_shown` gives, for reading."""
    yes = {True: "yes", False: "no"}
    return pd.DataFrame(
        {
            "task": shown["task"],
            "level": shown["level"],
            "trained": [
                yes[level in tasks.task(name).trained] for name, level in zip(shown["task"], shown["level"], strict=True)
            ],
            "commonest answer (%)": [words.percent(share) for share in shown["floor"]],
            "mean accuracy (%)": [words.percent(share) for share in shown["mean"]],
            "models that guess": shown["at_floor"],
            "models nearly perfect": shown["at_ceiling"],
            "enters accuracies": shown["counted"].map(yes),
            "would, by these models": shown["counts"].map(yes),
        }
    )


def twice(pairs: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Both trainings of every model by one measure, in percent, the most accurate model on top.

    Parameters
    ----------
    pairs : as from `training_noise.pairs`
    """
    accuracy = tables.rows(pairs, measure=training_noise.ACCURACY).set_index("model")
    order = accuracy[["first", "second"]].mean(axis=1).sort_values(ascending=False, kind="stable").index
    rows = tables.rows(pairs, measure=measure).set_index("model").loc[order].reset_index()
    return rows.assign(first=100 * rows["first"], second=100 * rows["second"])


def noise_table(moves: pd.DataFrame) -> pd.DataFrame:
    """How far a second training moves accuracy and the proxy, for reading."""
    shown = moves.assign(quantity=moves["quantity"].map(lambda name: MOVES[name][0]))
    shown[tables.ENDS] = moves[tables.ENDS].mul(moves["quantity"].map(lambda name: MOVES[name][1]), axis=0)
    return tables.crossed(shown, "quantity", "measure")
