"""The population pooled: what every model is, what it can do, and every feature that could tell so in advance.

Nothing is correlated here. Which tasks tell models apart (`eligibility`) is decided on accuracies alone.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.data import corpora
from proxylib.measure.features import to_wide, with_training
from proxylib.runs.store import Workspace
from proxylib.studies.lab.reading import counts
from proxylib.studies.lab.settings import Member, PopulationSettings

SPEEDS = ("tokens_per_second", "flops_per_second", "matmul_flops_per_second", "utilisation")
WHO = ["member", "model", "family", "width", "seed"]
CEILING = 0.97  # share of right answers from which a level no longer tells models apart
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


def graded(answers: pd.DataFrame, traces: pd.DataFrame) -> pd.DataFrame:
    """What each difficulty tells: how many models answer it no better than guessing, and how many always.

    Parameters
    ----------
    answers : columns member, task, id, level, correct
    traces : columns task, id, answer

    Returns
    -------
    columns task, level, floor (share of the level's commonest answer), mean (accuracy over models), at_floor (models not above
    it by two standard errors), at_ceiling (models at `CEILING` and above), models, counts (fewer than half of the models are
    at the floor, fewer than half at the ceiling)

    Notes
    -----
    `counts` decides nothing here: which levels enter accuracies stands in the config, decided by this rule on tuning seeds.
    """
    answered = answers.merge(traces[["task", "id", "answer"]], on=["task", "id"])
    rows = []
    for (task, level), part in answered.groupby(["task", "level"], sort=False):
        problems = part.drop_duplicates("id")["answer"]
        floor = float(problems.value_counts(normalize=True).iloc[0])
        accuracy = part.groupby("member", sort=False)["correct"].mean()
        bar = floor + 2 * np.sqrt(floor * (1 - floor) / len(problems))
        at_floor, at_ceiling = int((accuracy <= bar).sum()), int((accuracy >= CEILING).sum())
        counts = 2 * at_floor < len(accuracy) and 2 * at_ceiling < len(accuracy)
        rows.append((task, level, floor, accuracy.mean(), at_floor, at_ceiling, len(accuracy), counts))
    return pd.DataFrame(rows, columns=["task", "level", "floor", "mean", "at_floor", "at_ceiling", "models", "counts"])


def eligibility(accuracy: pd.DataFrame, traces: pd.DataFrame) -> pd.DataFrame:
    """The rule by which tasks enter rankings: two thirds of the models differ by 2 standard errors from floor and ceiling.

    The setting `ranked` has what it gave on the tuning seed; here it is asked of the models at hand, over difficulties that
    count (the setting `counted`).

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
        halves = []
        for _ in range(HALVES):
            order = rng.permutation(grid.shape[1])
            a, b = (grid[:, half].mean(1) for half in np.array_split(order, 2))
            if a.std() > 0 and b.std() > 0:
                halves.append(np.corrcoef(a, b)[0, 1])
        # stepped up after averaging: before it, a few negative correlations would drag the mean down
        r = np.mean(halves) if halves else np.nan
        reliability = float(2 * r / (1 + r)) if r > -1 else np.nan
        rows.append((task, reliability, np.sqrt(reliability) if reliability > 0 else np.nan, len(grid)))
    return pd.DataFrame(rows, columns=["task", "reliability", "ceiling", "models"])


def identity(member: Member) -> dict[str, object]:
    """The columns that say who a model is."""
    model = member.model.in_style(member.style)
    named = {name: getattr(model, name) for name in ("name", "family", "width", "mix", "post", "share")}
    share = corpora.recipe(model.mix).style_share
    return {"member": member.name, "model": named.pop("name"), "seed": member.seed, **named, "style_share": round(share, 2)}


def build(step, workspace: Workspace) -> None:
    """Pool all models: features, accuracies, learning curves.

    Parameters
    ----------
    step : a declared `population` step; its parents are the material, the lab expert's measurement, what traces that count
        say, and the train and measure runs of every member
    workspace : receives the tables members, losses (held-out), features_of_all (columns member, task), levels and graded (of
        every difficulty); over difficulties that count features, accuracy, reliability, eligibility and answers (who was
        right where); and examples (what was written)
    """
    settings: PopulationSettings = step.settings
    material, expert = step.parent("material"), step.parent("expert")
    read = step.parent("reading").table("features").set_index("member")
    members, losses, values, of_all, answers, written, speed = [], [], [], [], [], [], {}
    for member in settings.members:
        keys = identity(member)
        trained, measured = step.parent(f"train {member.name}"), step.parent(f"measure {member.name}")
        facts = {name: trained.facts[name] for name in ("tokens", "flops")}
        facts |= {"parameters": trained.facts["parameters"]["all"], "vocabulary": measured.facts["vocabulary"]}
        values.append(with_training(read.loc[[member.name]].reset_index(), facts))
        of_all.append(with_training(to_wide(measured.table("features")), facts).assign(member=member.name))
        answers.append(measured.table("answers").assign(**keys))
        written.append(measured.table("written").assign(**keys))
        losses.append(trained.table("losses").query("split == 'held-out'").assign(**keys))
        kept = {name: trained.facts.get(name) for name in ("samples", "samples_kept")}
        members.append(keys | facts | kept | {"tokens_scored": measured.facts["tokens_scored"]})
        speed[member.name] = {key: trained.facts[key] for key in SPEEDS}
    answered = pd.concat(answers, ignore_index=True)
    counted = answered[counts(answered, settings.counted)]
    traces = material.table("traces")
    accuracy = accuracies(counted, settings.bootstrap.level)
    workspace.write_table("members", pd.DataFrame(members))
    workspace.write_table("losses", pd.concat(losses, ignore_index=True))
    workspace.write_table("features", pd.concat(values, ignore_index=True))
    workspace.write_table("features_of_all", pd.concat(of_all, ignore_index=True))
    workspace.write_table("accuracy", accuracy)
    workspace.write_table("reliability", split_half_reliability(counted, settings.bootstrap.seed))
    levels = answered.groupby(["member", "task", "level"], sort=False)["correct"].agg(["mean", "size"]).reset_index()
    workspace.write_table("levels", levels.assign(counted=counts(levels, settings.counted)))
    workspace.write_table("graded", graded(answered, traces))
    workspace.write_table("eligibility", eligibility(accuracy, traces[traces["id"].isin(counted["id"])]))
    workspace.write_table("examples", pd.concat(written, ignore_index=True).groupby(["member", "task"], sort=False).head(1))
    workspace.write_table("answers", counted[["member", "task", "id", "correct"]])
    theirs = expert.table("answers").groupby("task", sort=False)["correct"].mean()
    workspace.note(speed=speed, expert_accuracy={task: float(value) for task, value in theirs.items()})
