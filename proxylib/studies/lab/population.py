"""The population pooled: what every model is, what it can do, and every feature that could tell so in advance.

Nothing is correlated here. Which tasks tell models apart (`eligibility`) is decided on accuracies alone.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.data import tasks
from proxylib.measure.features import to_wide, with_training
from proxylib.report import words
from proxylib.runs.store import Workspace
from proxylib.studies.lab.settings import Member, PopulationSettings

SPEEDS = ("tokens_per_second", "flops_per_second", "matmul_flops_per_second", "utilisation")
WHO = ["member", "model", "family", "width", "seed"]
HALVES = 200  # random splits of the items


def accuracies(answers: pd.DataFrame, level: float) -> pd.DataFrame:
    """Accuracy per model and task with Wilson intervals over items.

    Parameters
    ----------
    answers : columns member, model, family, width, seed, task, id, correct

    Returns
    -------
    columns member, model, family, width, seed, task, estimate, low, high, n; accuracies as shares
    """
    rows = []
    for keys, part in answers.groupby([*WHO, "task"], sort=False):
        interval = stats.proportion_interval(int(part["correct"].sum()), len(part), level)
        rows.append((*keys, interval.estimate, interval.low, interval.high, len(part)))
    return pd.DataFrame(rows, columns=[*WHO, "task", "estimate", "low", "high", "n"])


def eligibility(accuracy: pd.DataFrame, traces: pd.DataFrame) -> pd.DataFrame:
    """Which tasks tell models apart: at least two thirds differ by 2 standard errors from floor and ceiling.

    Parameters
    ----------
    accuracy : as from `accuracies`
    traces : columns task, answer

    Returns
    -------
    columns task, floor (accuracy of always giving the commonest answer), differing (models), models, eligible

    Notes
    -----
    Decided on the accuracies of the models at hand and never on a proxy. A model below the floor differs from it: it
    fails in another way than by guessing.
    """
    rows = []
    for task, part in accuracy.groupby("task", sort=False):
        answers = traces.loc[traces["task"] == task, "answer"]
        floor = float(answers.value_counts(normalize=True).iloc[0])
        estimate, n = part["estimate"].to_numpy(), part["n"].to_numpy()
        off_floor = np.abs(estimate - floor) > 2 * np.sqrt(floor * (1 - floor) / n)
        off_ceiling = 1 - estimate > 2 * np.sqrt(estimate * (1 - estimate) / n)
        differing = int((off_floor & off_ceiling).sum())
        rows.append((task, floor, differing, len(part), differing * 3 >= 2 * len(part)))
    return pd.DataFrame(rows, columns=["task", "floor", "differing", "models", "eligible"])


def split_half_reliability(answers: pd.DataFrame, seed: int) -> pd.DataFrame:
    """How well a task's accuracies repeat on other items: correlation over models of two halves of the items.

    Returns
    -------
    columns task, reliability (Pearson's correlation of the halves, mean over random splits, stepped up to full length by
    Spearman and Brown), ceiling (its square root: no predictor can be expected to correlate higher), models

    Notes
    -----
    nan where all models have the same accuracy in a half. With few models it is itself uncertain.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for task, part in answers.groupby("task", sort=False):
        grid = part.pivot(index="member", columns="id", values="correct").to_numpy(float)  # [models, items]
        found = []
        for _ in range(HALVES):
            order = rng.permutation(grid.shape[1])
            a, b = (grid[:, half].mean(1) for half in np.array_split(order, 2))
            if a.std() > 0 and b.std() > 0:
                found.append(np.corrcoef(a, b)[0, 1])
        # stepped up after averaging: before it, a few negative correlations would drag the mean down
        r = np.mean(found) if found else np.nan
        reliability = float(2 * r / (1 + r)) if r > -1 else np.nan
        rows.append((task, reliability, np.sqrt(reliability) if reliability > 0 else np.nan, len(grid)))
    return pd.DataFrame(rows, columns=["task", "reliability", "ceiling", "models"])


def identity(member: Member) -> dict[str, object]:
    """The columns that say who a model is."""
    model = member.model.in_style(member.style)
    named = {name: getattr(model, name) for name in ("name", "family", "width", "mix", "post", "share")}
    return {"member": member.name, "model": named.pop("name"), "seed": member.seed, **named}


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
        found = eligible.set_index("task").loc[task]
        rows.append((task, low, median, high, high - low, int(found["models"] - found["differing"]), len(part)))
    return pd.DataFrame(rows, columns=["task", "low", "median", "high", "range", "at_floor_or_ceiling", "models"])


def verdict(accuracy: pd.DataFrame, eligible: pd.DataFrame) -> str:
    """The page's first sentence: on how many tasks models differ enough to be ranked."""
    table = spread(accuracy, eligible)
    wide = int((table["range"] >= 0.15).sum())
    seeds = accuracy["seed"].nunique()
    models = accuracy["member"].nunique() // seeds
    return (
        f"{models} models of {accuracy['family'].nunique()} families, trained {seeds} time{'s' if seeds > 1 else ''} each, "
        f"answer {len(table)} kinds of problems. On {wide} of them the middle half of the accuracies spans at least 15 points, "
        f"and {int(eligible['eligible'].sum())} tell at least two thirds of the models from guessing and from perfection."
    )


def finding_spread(accuracy: pd.DataFrame, eligible: pd.DataFrame) -> str:
    """The figure's title: where accuracies spread most and least."""
    wide = spread(accuracy, eligible).set_index("task")["range"]
    return (
        f"The middle half of the models spans {100 * wide.max():.0f} points of accuracy on {wide.idxmax()} and "
        f"{100 * wide.min():.0f} on {wide.idxmin()}"
    )


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


def finding_curves(held_out: pd.DataFrame) -> str:
    """The learning curves' title: range of the final held-out loss."""
    last = held_out.sort_values("step").groupby("member", sort=False).last()
    best, worst = last["bits_per_byte"].min(), last["bits_per_byte"].max()
    return f"Final held-out loss runs from {best:.2f} to {worst:.2f} bits per byte"


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


def build(step, workspace: Workspace) -> None:
    """Pool all models: features, accuracies, learning curves.

    Parameters
    ----------
    step : a declared `population` step; its parents are the material, the lab expert's measurement, and the train and
        measure runs of every member
    workspace : receives the tables members, losses (held-out), features (index member, task), accuracy, reliability,
        levels, eligibility, answers (who was right where) and examples (what was written)
    """
    settings: PopulationSettings = step.settings
    material, expert = step.parent("material"), step.parent("expert")
    members, losses, values, answers, written, speed = [], [], [], [], [], {}
    for member in settings.members:
        keys = identity(member)
        trained, measured = step.parent(f"train {member.name}"), step.parent(f"measure {member.name}")
        counts, used = trained.facts["parameters"], {name: trained.facts[name] for name in ("tokens", "flops")}
        facts = used | {"parameters": counts["all"], "vocabulary": measured.facts["vocabulary"]}
        values.append(with_training(to_wide(measured.table("features")), facts).assign(member=member.name))
        answers.append(measured.table("answers").assign(**keys))
        written.append(measured.table("written").assign(**keys))
        losses.append(trained.table("losses").query("split == 'held-out'").assign(**keys))
        kept = {name: trained.facts.get(name) for name in ("samples", "samples_kept")}
        members.append(keys | facts | kept | {"tokens_scored": measured.facts["tokens_scored"]})
        speed[member.name] = {key: trained.facts[key] for key in SPEEDS}
    answered = pd.concat(answers, ignore_index=True)
    accuracy = accuracies(answered, settings.bootstrap.level)
    workspace.write_table("members", pd.DataFrame(members))
    workspace.write_table("losses", pd.concat(losses, ignore_index=True))
    workspace.write_table("features", pd.concat(values, ignore_index=True))
    workspace.write_table("accuracy", accuracy)
    workspace.write_table("reliability", split_half_reliability(answered, settings.bootstrap.seed))
    levels = answered.groupby(["member", "task", "level"], sort=False)["correct"].agg(["mean", "size"]).reset_index()
    workspace.write_table("levels", levels)
    workspace.write_table("eligibility", eligibility(accuracy, material.table("traces")))
    workspace.write_table("examples", pd.concat(written, ignore_index=True).groupby(["member", "task"], sort=False).head(1))
    workspace.write_table("answers", answered[["member", "task", "id", "correct"]])
    theirs = expert.table("answers").groupby("task", sort=False)["correct"].mean()
    workspace.note(speed=speed, expert_accuracy={task: float(value) for task, value in theirs.items()})
