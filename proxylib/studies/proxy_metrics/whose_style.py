"""The dial of styles: correlations in populations that differ in whose style their models read.

Fixed before looking: the proxies of `features.FIXED`; one training seed, the same in all
populations; differences between populations on the same draws of families.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.ranking.panel import usable
from proxylib.runs.store import Run, Workspace
from proxylib.stats import Bootstrap, Drawn
from proxylib.studies.proxy_metrics import ablations
from proxylib.studies.proxy_metrics.settings import AnalysisSettings

#: population -> mean share of the expert's style in what its models' mixes work out
SHARES = {"other": 0.0, "crossed": 0.5, "expert": 1.0}
ALL_MINUS_NONE, SOME_MINUS_ALL = "all minus none", "some minus all"
WITH_STYLE, WITH_SKILL, STYLE_MINUS_SKILL = "with style", "with skill", "style minus skill"
FEWEST = 3  # models that a correlation needs
LOSS, ACCURACY = "cross-entropy per token", "accuracy"
#: row of the scoreboard -> the proxy, and the difference or the population, that it is about
CLAIMS = {
    "ours-style-dial": (ablations.WINNER, ALL_MINUS_NONE),
    "ours-style-dial-loss": (LOSS, ALL_MINUS_NONE),
    "ours-style-dial-wrong": (ablations.WINNER, "other"),
}


#: post-training on solutions in the expert's style: who read none before has read it then
TAUGHT = "style"


def correlations(runs: Mapping[str, Run], ranked: tuple[str, ...], bootstrap: Bootstrap) -> pd.DataFrame:
    """Mean Spearman correlation of each fixed proxy in each population, and differences between populations.

    Parameters
    ----------
    runs : population -> its pooled run; of several training seeds the first that all have is read, and of the models those
        that all have and that post-training did not teach the expert's style (`TAUGHT`)
    ranked : tasks of the mean, less those on which a population's models all score alike
    bootstrap : bootstrap over families

    Returns
    -------
    columns style, share, proxy, quantity ("rho", `ALL_MINUS_NONE`, `SOME_MINUS_ALL`), estimate, low, high, models, families

    Notes
    -----
    A draw in which a correlation is undefined counts as 0, so that it cannot be dropped in a proxy's favour.
    """
    accuracies = {style: run.table("accuracy") for style, run in runs.items()}
    seed = min(set.intersection(*(set(table["seed"]) for table in accuracies.values())))
    models = set.intersection(*(_untaught(run) for run in runs.values()))
    alike = lambda table: table[(table["seed"] == seed) & table["model"].isin(models)]
    accuracies = {style: alike(table) for style, table in accuracies.items()}
    kept = [task for task in ranked if all(task in usable(table, ranked) for table in accuracies.values())]
    by_style: dict[tuple[str, str], Drawn] = {}
    for style, run in runs.items():
        accuracy = accuracies[style]
        who = accuracy.drop_duplicates("member")
        families = bootstrap.over(who["family"])
        features = run.table("features").set_index(["member", "task"])
        rhos: dict[str, list[np.ndarray]] = {}
        for task in kept:
            scores = ablations.fixed_scores(features.xs(task, level="task").loc[who["member"]])
            y = accuracy[accuracy["task"] == task].set_index("member").loc[who["member"], "estimate"].to_numpy()
            for label in scores:
                rho = stats.spearman_draws(scores[label], y, families.weights, undefined=0.0)
                rhos.setdefault(label, []).append(rho)
        by_style |= {(style, label): families.drawn(np.mean(parts, 0)) for label, parts in rhos.items()}
    sizes = (len(who), who["family"].nunique())
    rows = [(style, SHARES[style], label, "rho", *rho.interval(), *sizes) for (style, label), rho in by_style.items()]
    for label in dict.fromkeys(label for _, label in by_style):
        gaps = {
            ALL_MINUS_NONE: by_style["expert", label].minus(by_style["other", label]),
            SOME_MINUS_ALL: by_style["crossed", label].minus(by_style["expert", label]),
        }
        rows += [("", np.nan, label, quantity, *gap.interval(), *sizes) for quantity, gap in gaps.items()]
    columns = ["style", "share", "proxy", "quantity", "estimate", "low", "high", "models", "families"]
    return pd.DataFrame(rows, columns=columns)


def _untaught(run: Run) -> set[str]:
    members = run.table("members")
    untaught = members[members["post"] != TAUGHT]["member"]
    accuracy = run.table("accuracy")
    return set(accuracy[accuracy["member"].isin(untaught)]["model"])


def follows(run: Run, ranked: tuple[str, ...], bootstrap: Bootstrap) -> pd.DataFrame:
    """Within one population: does a proxy go with what a model has read, or with what it can do?

    Parameters
    ----------
    run : a pooled population whose mixes differ in their share of the expert's style; its first training seed is read
    ranked : tasks of the mean, less those on which all models score alike
    bootstrap : bootstrap over families

    Returns
    -------
    columns proxy, quantity, estimate, low, high, models, families. Mean Spearman correlation over tasks of each fixed proxy
    `WITH_STYLE` (that share), `WITH_SKILL` (accuracy) and their paired difference `STYLE_MINUS_SKILL`; `ACCURACY` as if it
    were a proxy has `WITH_STYLE` alone: a model may be skilled because of its mix. Empty where fewer than `FEWEST` models, or
    one family alone, have read anything worked out
    """
    accuracy = run.table("accuracy")
    accuracy = accuracy[accuracy["seed"] == accuracy["seed"].min()]
    shares = run.table("members").set_index("member")["style_share"].dropna()
    who = accuracy[accuracy["member"].isin(shares.index)].drop_duplicates("member")
    columns = ["proxy", "quantity", "estimate", "low", "high", "models", "families"]
    if len(who) < FEWEST or who["family"].nunique() < 2:
        return pd.DataFrame([], columns=columns)
    families, share = bootstrap.over(who["family"]), shares.loc[who["member"]].to_numpy()
    rho = lambda x, y: stats.spearman_draws(x, y, families.weights, undefined=0.0)
    parts: dict[tuple[str, str], list[np.ndarray]] = {}
    features = run.table("features").set_index(["member", "task"])
    for task in usable(accuracy, ranked):
        y = accuracy[accuracy["task"] == task].set_index("member").loc[who["member"], "estimate"].to_numpy()
        parts.setdefault((ACCURACY, WITH_STYLE), []).append(rho(y, share))
        scores = ablations.fixed_scores(features.xs(task, level="task").loc[who["member"]])
        for label in scores:
            parts.setdefault((label, WITH_STYLE), []).append(rho(scores[label], share))
            parts.setdefault((label, WITH_SKILL), []).append(rho(scores[label], y))
    drawn = {key: families.drawn(np.mean(values, 0)) for key, values in parts.items()}
    for label in [label for label, quantity in drawn if quantity == WITH_SKILL]:
        drawn[label, STYLE_MINUS_SKILL] = drawn[label, WITH_STYLE].minus(drawn[label, WITH_SKILL])
    rows = [(*key, *values.interval(), len(who), who["family"].nunique()) for key, values in drawn.items()]
    return pd.DataFrame(rows, columns=columns)


def estimates(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """The scoreboard's rows (`CLAIMS`), from `correlations`; intervals draw families, over which the claims generalise."""
    rows = []
    for claim, (proxy, which) in CLAIMS.items():
        row = table[(table["proxy"] == proxy) & ((table["style"] == which) | (table["quantity"] == which))].iloc[0]
        unit = f"models of {row['families']} families"
        rows.append((claim, row["estimate"], row["low"], row["high"], level, row["models"], unit))
    return pd.DataFrame(rows, columns=["claim", "estimate", "low", "high", "level", "n", "n_unit"])


def build(step, workspace: Workspace) -> None:
    """The correlations of every population.

    Parameters
    ----------
    step : a declared `dial` step; its parents are the populations, by the names of `SHARES`
    workspace : receives the tables `correlations`, `follows` and `estimates`
    """
    settings: AnalysisSettings = step.settings
    runs = {style: step.parent(style) for style in SHARES}
    table = correlations(runs, settings.ranked, settings.bootstrap)
    workspace.write_table("correlations", table)
    workspace.write_table("follows", follows(runs["crossed"], settings.ranked, settings.bootstrap))
    workspace.write_table("estimates", estimates(table, settings.bootstrap.level))
