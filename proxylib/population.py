"""Proxies beside accuracy over a population of models: fits that return tidy frames.

Fixed before looking: the four proxies of `FIXED` and nothing chosen from the data; Spearman's correlation over models
within a task, averaged over tasks; intervals from drawing families whole; the difference of a proxy and cross-entropy on
the same draws.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import proxies, stats
from .config import Inference, PopulationSettings
from .errors import UserError
from .store import Workspace

#: proxy -> (statistic, weighting), each oriented so that more is better; the first is what the others are held against
FIXED = {
    "cross-entropy per token": ("cross_entropy", "uniform"),
    "bits per byte": ("bits_per_byte", "uniform"),
    "top-1, inverse frequency": ("top1", "inverse_frequency"),
    "top-5, frequency": ("top5", "frequency"),
}
HALVES = 200  # random splits of the items


def accuracies(answers: pd.DataFrame, level: float) -> pd.DataFrame:
    """Accuracy per model and task with Wilson intervals over items.

    Parameters
    ----------
    answers : columns member, family, width, task, id, correct

    Returns
    -------
    columns member, family, width, task, estimate, low, high, n; accuracies as shares
    """
    rows = []
    for keys, part in answers.groupby(["member", "family", "width", "task"], sort=False):
        interval = stats.proportion_interval(int(part["correct"].sum()), len(part), level)
        rows.append((*keys, interval.estimate, interval.low, interval.high, len(part)))
    return pd.DataFrame(rows, columns=["member", "family", "width", "task", "estimate", "low", "high", "n"])


def split_half_reliability(answers: pd.DataFrame, seed: int) -> pd.DataFrame:
    """How well a task's accuracies repeat on other items: correlation over models of two halves of the items.

    Returns
    -------
    columns task, reliability (Pearson's correlation of the halves, stepped up to full length by Spearman and Brown, mean
    over random splits), ceiling (its square root: no predictor can be expected to correlate higher), models

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
                r = np.corrcoef(a, b)[0, 1]
                found.append(2 * r / (1 + r) if r > -1 else np.nan)
        reliability = float(np.mean(found)) if found else np.nan
        rows.append((task, reliability, np.sqrt(reliability) if reliability > 0 else np.nan, len(grid)))
    return pd.DataFrame(rows, columns=["task", "reliability", "ceiling", "models"])


def oriented(values: pd.DataFrame) -> pd.DataFrame:
    """The four fixed proxies, one column each, signs turned so that more is better.

    Parameters
    ----------
    values : columns member, task, statistic, weighting, value; bits_per_byte is a statistic under "uniform"

    Returns
    -------
    index (member, task), one column per name of `FIXED`
    """
    columns = {}
    for name, (statistic, weighting) in FIXED.items():
        chosen = values[(values["statistic"] == statistic) & (values["weighting"] == weighting)]
        columns[name] = chosen.set_index(["member", "task"])["value"] * proxies.STATISTICS.get(statistic, -1)
    return pd.DataFrame(columns)


def correlations(values: pd.DataFrame, accuracy: pd.DataFrame, inference: Inference) -> pd.DataFrame:
    """Rank correlation of each fixed proxy with accuracy over models, and its difference from cross-entropy's.

    Parameters
    ----------
    values : as for `oriented`
    accuracy : as from `accuracies`

    Returns
    -------
    columns task ("mean" for the mean over tasks), proxy, quantity ("rho" or "rho minus cross-entropy's"), estimate, low,
    high, models, families; nan intervals where fewer than half of the draws leave the statistic defined

    Notes
    -----
    With four families percentile intervals are too short, and 8 models leave any correlation uncertain by several
    tenths. A task on which all models score alike has no correlation and is left out of the mean.
    """
    table = oriented(values)
    family = accuracy.drop_duplicates("member").set_index("member")["family"]
    members = family.index.to_numpy()
    if len(members) < 3:
        raise UserError(f"correlation: at least 3 models are needed, found {len(members)}")
    weights = stats.cluster_weights(family.to_numpy(), inference.draws, inference.seed)
    tasks = list(accuracy["task"].drop_duplicates())
    names = list(FIXED)
    rho = np.full((len(tasks), len(names), 1 + inference.draws), np.nan)  # first column: the sample itself
    for t, task in enumerate(tasks):
        y = accuracy[accuracy["task"] == task].set_index("member").loc[members, "estimate"].to_numpy()
        x = table.xs(task, level="task").loc[members]
        for p, name in enumerate(names):
            rho[t, p] = stats.spearman_draws(x[name].to_numpy(), y, np.vstack([np.ones(len(members), int), weights]))
    defined = [t for t in range(len(tasks)) if np.isfinite(rho[t, :, 0]).all()]
    layers = {task: rho[t] for t, task in enumerate(tasks)}
    if defined:
        layers["mean"] = rho[defined].mean(0)
    rows = []
    for task, values_of in layers.items():
        for p, name in enumerate(names):
            quantities = {"rho": values_of[p]}
            if p:
                quantities["rho minus cross-entropy's"] = values_of[p] - values_of[0]
            for quantity, draws in quantities.items():
                rows.append((task, name, quantity, *_interval(draws, inference.level), len(members), family.nunique()))
    return pd.DataFrame(rows, columns=["task", "proxy", "quantity", "estimate", "low", "high", "models", "families"])


def _interval(draws: np.ndarray, level: float) -> tuple[float, float, float]:
    try:
        return tuple(stats.percentile_interval(draws[0], draws[1:], level)[:3])
    except UserError:
        return float(draws[0]), np.nan, np.nan


def build(step, workspace: Workspace) -> None:
    """Pool all models: proxies, accuracies, learning curves, correlations.

    Parameters
    ----------
    step : a declared `population` step; its parents are the train, extract and evaluate runs of every member
    workspace : receives the tables members, losses, proxies, accuracy, reliability, levels, correlations and examples
    """
    settings: PopulationSettings = step.settings
    members, losses, values, answers = [], [], [], []
    for member in settings.members:
        keys = {"member": member.name, "family": member.model.family, "width": member.model.width}
        trained, extracted = step.parent(f"train {member.name}"), step.parent(f"extract {member.name}")
        tokens, vocabulary = extracted.table("tokens"), extracted.facts["vocabulary"]
        values.append(proxies.by_task(tokens, vocabulary).assign(**keys))
        per_byte = proxies.bits_per_byte(tokens).rename(columns={"bits_per_byte": "value"})
        values.append(per_byte.assign(weighting="uniform", statistic="bits_per_byte", **keys))
        answers.append(step.parent(f"evaluate {member.name}").table("answers").assign(**keys))
        losses.append(trained.table("losses").assign(**keys))
        counts = trained.facts["parameters"]
        facts = {name: trained.facts[name] for name in ("tokens", "flops")}
        members.append(keys | facts | {"parameters": counts["all"], "vocabulary": vocabulary, "tokens_scored": len(tokens)})
    answered, value_frame = pd.concat(answers, ignore_index=True), pd.concat(values, ignore_index=True)
    accuracy = accuracies(answered, settings.inference.level)
    workspace.write_table("members", pd.DataFrame(members))
    workspace.write_table("losses", pd.concat(losses, ignore_index=True))
    workspace.write_table("proxies", value_frame)
    workspace.write_table("accuracy", accuracy)
    workspace.write_table("reliability", split_half_reliability(answered, settings.inference.seed))
    levels = answered.groupby(["member", "task", "level"], sort=False)["correct"].agg(["mean", "size"]).reset_index()
    workspace.write_table("levels", levels)
    workspace.write_table("correlations", correlations(value_frame, accuracy, settings.inference))
    workspace.write_table("examples", answered.groupby(["member", "task"], sort=False).head(2))
    rates = {m.name: step.parent(f"train {m.name}").facts for m in settings.members}
    workspace.note(
        speed={
            name: {key: facts[key] for key in ("tokens_per_second", "flops_per_second", "matmul_flops_per_second", "utilisation")}
            for name, facts in rates.items()
        }
    )
