"""Proxies beside accuracy over a population of models: fits that return tidy frames.

Fixed before looking: the four proxies of `FIXED` and nothing chosen from the data; Spearman's correlation over models
within a task, averaged over the tasks that tell models apart (`eligibility`, decided on accuracies alone); intervals from
drawing families whole; the difference of a proxy and cross-entropy on the same draws. Added after a review and before
the reported run was pooled: the winner's difference from bits per byte, the fair form of loss across tokenizers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import proxies, stats, tasks
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
BASELINE, WINNER = "cross-entropy per token", "top-1, inverse frequency"
FAIR = "bits per byte"
RHO, DIFFERENCE, FAIR_DIFFERENCE = "rho", "rho minus cross-entropy's", "rho minus that of bits per byte"
SPEEDS = ("tokens_per_second", "flops_per_second", "matmul_flops_per_second", "utilisation")
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


def correlations(
    values: pd.DataFrame, accuracy: pd.DataFrame, inference: Inference, eligible: list[str] | None = None
) -> pd.DataFrame:
    """Rank correlation of each fixed proxy with accuracy over models, and its difference from cross-entropy's.

    Parameters
    ----------
    values : as for `oriented`
    accuracy : as from `accuracies`
    eligible : tasks of the mean; default all

    Returns
    -------
    columns task ("mean" for the mean over eligible tasks, "mean of all" over all), proxy, quantity (`RHO`, `DIFFERENCE`,
    and for the winner `FAIR_DIFFERENCE`), estimate, low, high, models, designs, families; nan intervals
    where fewer than half of the draws leave the statistic defined

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
    asked = list(accuracy["task"].drop_duplicates())
    names = list(FIXED)
    rho = np.full((len(asked), len(names), 1 + inference.draws), np.nan)  # first column: the sample itself
    for t, task in enumerate(asked):
        y = accuracy[accuracy["task"] == task].set_index("member").loc[members, "estimate"].to_numpy()
        x = table.xs(task, level="task").loc[members]
        for p, name in enumerate(names):
            rho[t, p] = stats.spearman_draws(x[name].to_numpy(), y, np.vstack([np.ones(len(members), int), weights]))
    defined = [t for t in range(len(asked)) if np.isfinite(rho[t, :, 0]).all()]
    layers = {task: rho[t] for t, task in enumerate(asked)}
    chosen = [t for t in defined if eligible is None or asked[t] in eligible]
    if chosen:
        layers["mean"] = rho[chosen].mean(0)
    if defined and len(chosen) < len(defined):
        layers["mean of all"] = rho[defined].mean(0)
    designs = len(accuracy[["family", "width"]].drop_duplicates())
    rows = []
    for task, values_of in layers.items():
        for p, name in enumerate(names):
            quantities = {RHO: values_of[p]}
            if p:
                quantities[DIFFERENCE] = values_of[p] - values_of[0]
            if name == WINNER:
                quantities[FAIR_DIFFERENCE] = values_of[p] - values_of[names.index(FAIR)]
            for quantity, draws in quantities.items():
                sizes = (len(members), designs, family.nunique())
                rows.append((task, name, quantity, *_interval(draws, inference.level), *sizes))
    columns = ["task", "proxy", "quantity", "estimate", "low", "high", "models", "designs", "families"]
    return pd.DataFrame(rows, columns=columns)


def _interval(draws: np.ndarray, level: float) -> tuple[float, float, float]:
    try:
        return tuple(stats.percentile_interval(draws[0], draws[1:], level)[:3])
    except UserError:
        return float(draws[0]), np.nan, np.nan


def _row(correlation: pd.DataFrame, proxy: str, quantity: str, task: str = "mean") -> pd.Series | None:
    keep = (correlation["proxy"] == proxy) & (correlation["quantity"] == quantity) & (correlation["task"] == task)
    return correlation[keep].iloc[0] if keep.any() else None


def estimates(correlation: pd.DataFrame, level: float) -> pd.DataFrame:
    """The scoreboard's rows: the fixed winner's mean correlation minus either form of loss; empty where undefined."""
    rows = []
    for claim, quantity in (("winner-beats-loss", DIFFERENCE), ("winner-beats-bits-per-byte", FAIR_DIFFERENCE)):
        row = _row(correlation, WINNER, quantity)
        if row is not None and np.isfinite(row["low"]):
            unit = f"models ({row['designs']} designs) in {row['families']} families"
            rows.append((claim, row["estimate"], row["low"], row["high"], level, row["models"], unit))
    columns = ["claim", "estimate", "low", "high", "level", "n", "n_unit"]
    return pd.DataFrame(rows, columns=columns).astype({"claim": str, "n_unit": str})


def _compared(gap: pd.Series) -> str:
    if gap["low"] > 0:
        return "better than"
    return "worse than" if gap["high"] < 0 else "not distinguishably better or worse than"


def verdict(correlation: pd.DataFrame) -> str:
    """The page's first sentence about the question, from the frame; it turns with the numbers."""
    keys = ((WINNER, RHO), (BASELINE, RHO), (WINNER, DIFFERENCE), (WINNER, FAIR_DIFFERENCE))
    winner, loss, gap, fair = (_row(correlation, *which) for which in keys)
    if winner is None or not np.isfinite(gap["low"]):
        return "No verdict: in this run too few models differ in accuracy for a rank correlation to exist."
    show = lambda row: stats.with_interval((row["estimate"], row["low"], row["high"]))
    return (
        f"Over {winner['models']} models ({winner['designs']} designs) of {winner['families']} families, the proxy fixed in "
        f"advance (top-1 weighted by inverse frequency) orders accuracies {_compared(gap)} cross-entropy per token on the "
        f"same traces: mean Spearman correlation {show(winner)} against {show(loss)}, difference {show(gap)}. Against bits "
        f"per byte, the form of loss that is comparable across tokenizers, it is {_compared(fair)} loss: difference "
        f"{show(fair)}. Intervals draw {winner['families']} families whole, which is too few for them to be long enough."
    )


def finding(correlation: pd.DataFrame, task: str) -> str:
    """A panel's title: the task and the winner's correlation in it."""
    row = _row(correlation, WINNER, RHO, task)
    return f"{task}: rank correlation {row['estimate']:.2f}" if np.isfinite(row["estimate"]) else f"{task}: all models alike"


def finding_curves(held_out: pd.DataFrame) -> str:
    """The learning curves' title: range of the final held-out loss, and whether the widest models are the best."""
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


def scatter(values: pd.DataFrame, accuracy: pd.DataFrame, proxy: str) -> pd.DataFrame:
    """One fixed proxy beside accuracy: columns member, family, width, task, x (oriented proxy), estimate, low, high."""
    x = oriented(values)[proxy].rename("x").reset_index()
    return accuracy.merge(x, on=["member", "task"], validate="one_to_one")


def accuracy_table(accuracy: pd.DataFrame, reliability: pd.DataFrame, eligible: pd.DataFrame) -> pd.DataFrame:
    """Percent correct, a row per model and a column per task, best mean first; then floor, reliability, eligibility."""
    cells = accuracy.assign(shown=[stats.with_interval(row, 100) for row in accuracy[["estimate", "low", "high"]].to_numpy()])
    table = cells.pivot(index="member", columns="task", values="shown")[list(accuracy["task"].drop_duplicates())]
    mean = accuracy.groupby("member")["estimate"].mean()
    table.insert(0, "mean", [f"{100 * mean[name]:.0f}" for name in table.index])
    table = table.loc[mean.sort_values(ascending=False).index]
    names = list(table.columns[1:])
    facts = eligible.set_index("task").loc[names]
    table.loc["best constant answer"] = ["", *(f"{100 * floor:.0f}" for floor in facts["floor"])]
    repeat = reliability.set_index("task")["reliability"]
    table.loc["split-half reliability"] = ["", *(stats.rounded(repeat[name], 0.05) for name in names)]
    told = [f"{row.differing} of {row.models}" for row in facts.itertuples()]
    table.loc["models off floor and ceiling"] = ["", *told]
    return table.rename_axis(None, axis=1).reset_index(names="model")


def correlation_table(correlation: pd.DataFrame) -> pd.DataFrame:
    """The four fixed proxies, highest mean first: mean correlation, difference from cross-entropy, and each task's."""
    show = lambda row: stats.with_interval(row) if np.isfinite(row[1:]).all() else stats.rounded(row[0], 0.1)
    cells = correlation.assign(shown=[show(row) for row in correlation[["estimate", "low", "high"]].to_numpy()])
    rho = cells[cells["quantity"] == RHO].pivot(index="proxy", columns="task", values="shown")
    first = "mean" if "mean" in rho else rho.columns[0]
    highest = correlation[(correlation["quantity"] == RHO) & (correlation["task"] == first)].sort_values(
        "estimate", ascending=False
    )
    table = rho.loc[highest["proxy"], [first, *(task for task in rho.columns if task != first)]]
    gap = cells[(cells["quantity"] == DIFFERENCE) & (cells["task"] == "mean")].set_index("proxy")["shown"]
    table.insert(1, "mean minus cross-entropy's", [gap.get(name, "") for name in table.index])
    return table.rename_axis(None, axis=1).reset_index()


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
    eligible = eligibility(accuracy, step.parent("material").table("traces"))
    chosen = list(eligible.loc[eligible["eligible"], "task"])
    workspace.write_table("eligibility", eligible)
    correlation = correlations(value_frame, accuracy, settings.inference, chosen)
    workspace.write_table("correlations", correlation)
    workspace.write_table("estimates", estimates(correlation, settings.inference.level))
    workspace.write_table("examples", answered.groupby(["member", "task"], sort=False).head(2))
    rates = {m.name: step.parent(f"train {m.name}").facts for m in settings.members}
    workspace.note(speed={name: {key: facts[key] for key in SPEEDS} for name, facts in rates.items()})
