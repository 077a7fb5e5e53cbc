"""Ablations: how much do the correlations hang on choices that could have been made otherwise?

Fixed before looking: every setting changes one thing from the default (expert traces, all of them, the whole trace, our
definitions), and is judged by the same fixed proxies, never by the best of eighty. Which proxies: `FIXED`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.errors import UserError
from proxylib.measure import proxies
from proxylib.measure.features import DEFAULT, FIXED, NUMBERS, SUBSETS
from proxylib.ranking.panel import usable
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.proxy_metrics.settings import AnalysisSettings

WINNER = "top-1, inverse frequency"
DOMAIN_PROXIES = ("bits per byte", WINNER)  # shown in the matrices of traces and tasks
OWN, OTHERS, OWN_MINUS_OTHERS = "traces of the task itself", "traces of another task", "own minus another"


def fixed_scores(values: pd.DataFrame) -> pd.DataFrame:
    """The fixed proxies of [models, columns of `FIXED`] in one task, named as `FIXED` names them and turned: more is better."""
    sign = {column: proxies.STATISTICS.get(column.split("|")[0], -1) for column in FIXED.values()}
    return pd.DataFrame({label: sign[column] * values[column] for label, column in FIXED.items()})


def correlations(values: pd.DataFrame, accuracy: pd.DataFrame, ranked: tuple[str, ...], bootstrap: Bootstrap) -> pd.DataFrame:
    """Mean Spearman correlation of each fixed proxy in each setting, and its difference from the default's.

    Parameters
    ----------
    values : columns ablation, setting, member, task, then those of `FIXED`; "10#3" is the fourth choice of
        ten traces, over whose choices correlations are averaged
    accuracy : columns member, model, family, seed, task, estimate
    ranked : tasks of the mean
    bootstrap : bootstrap over families, the same draws in every setting and seed

    Returns
    -------
    columns ablation, setting, proxy, quantity ("rho" or "rho minus the default's"), estimate, low, high, seed_low, seed_high,
    models, families, seeds

    Notes
    -----
    A draw in which a correlation is undefined counts as 0, so that it cannot be dropped in a proxy's favour.
    """
    seeds = list(accuracy["seed"].drop_duplicates())
    first = accuracy[(accuracy["seed"] == seeds[0]) & (accuracy["task"] == ranked[0])]
    models, families = list(first["model"]), first["family"].to_numpy()
    weights = np.vstack([np.ones(len(models), int), stats.cluster_weights(families, bootstrap.draws, bootstrap.seed)])
    who = accuracy.drop_duplicates("member").set_index("member")[["model", "seed"]]
    truth = accuracy.pivot(index=["seed", "model"], columns="task", values="estimate")
    values = values.join(who, on="member")
    found: dict[tuple[str, str, str], np.ndarray] = {}
    for (ablation, setting), part in values.groupby(["ablation", "setting"], sort=False):
        draws: dict[str, list[np.ndarray]] = {}
        for (seed, task), rows in part[part["task"].isin(ranked)].groupby(["seed", "task"], sort=False):
            scores = fixed_scores(rows.set_index("model").loc[models])
            y = truth.loc[seed].loc[models, task].to_numpy()
            for label in scores:
                x = scores[label].to_numpy()
                rho = stats.spearman_draws(x, y, weights) if np.isfinite(x).all() else np.full(len(weights), np.nan)
                draws.setdefault(label, []).append(rho)
        for label, parts in draws.items():
            stacked = np.stack(parts).reshape(len(seeds), -1, len(weights))  # [seeds, tasks, 1 + draws]
            found[ablation, setting, label] = np.nan_to_num(stacked).mean(1) if np.isfinite(stacked).any() else stacked.mean(1)
    for number in NUMBERS:
        for label in FIXED:
            choices = [found.pop(("number of traces", f"{number}#{subset}", label)) for subset in range(SUBSETS)]
            found["number of traces", str(number), label] = np.mean(choices, 0)
    rows = []
    for (ablation, setting, label), draws in found.items():
        quantities = {"rho": draws}
        if (ablation, setting) != DEFAULT:
            quantities["rho minus the default's"] = draws - found[(*DEFAULT, label)]
        for quantity, shown in quantities.items():
            if np.isfinite(shown[:, 0]).all():
                mean = shown.mean(0)
                interval = stats.percentile_interval(mean[0], mean[1:], bootstrap.level)[:3]
                sizes = (len(models), len(set(families)), len(seeds))
                rows.append((ablation, setting, label, quantity, *interval, shown[:, 0].min(), shown[:, 0].max(), *sizes))
    numbers = ["estimate", "low", "high", "seed_low", "seed_high", "models", "families", "seeds"]
    return pd.DataFrame(rows, columns=["ablation", "setting", "proxy", "quantity", *numbers])


def domains(
    features: pd.DataFrame, accuracy: pd.DataFrame, ranked: tuple[str, ...], bootstrap: Bootstrap
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Traces of one task forecasting another: Spearman correlation over models, mean over seeds.

    Parameters
    ----------
    features : columns member, task, then those of `FIXED`
    accuracy, ranked, bootstrap : as for `correlations`

    Returns
    -------
    cells : columns proxy, traces (task whose traces are read), task (whose accuracy is forecast), estimate, low, high
    contrasts : columns proxy, quantity (`OWN`, `OTHERS`, `OWN_MINUS_OTHERS`; means over cells), estimate, low, high

    Notes
    -----
    A draw in which a correlation is undefined counts as 0.
    """
    truth = accuracy.pivot(index="member", columns="task", values="estimate")
    who = accuracy.drop_duplicates("member")
    seeds = [part for _, part in who.groupby("seed", sort=False)]
    families = seeds[0]["family"].to_numpy()
    weights = np.vstack([np.ones(len(families), int), stats.cluster_weights(families, bootstrap.draws, bootstrap.seed)])
    scores = {task: fixed_scores(part.set_index("member")) for task, part in features.groupby("task", sort=False)}
    cells, contrasts = [], []
    for label in DOMAIN_PROXIES:
        grid = np.empty((len(ranked), len(ranked), len(weights)))
        for i, traces in enumerate(ranked):
            for j, task in enumerate(ranked):
                each = [
                    stats.spearman_draws(scores[traces].loc[own["member"], label], truth.loc[own["member"], task], weights)
                    for own in seeds
                ]
                grid[i, j] = np.nan_to_num(each).mean(0)
                cells.append(
                    (label, traces, task, *stats.percentile_interval(grid[i, j, 0], grid[i, j, 1:], bootstrap.level)[:3])
                )
        own = np.eye(len(ranked), dtype=bool)
        means = {OWN: grid[own].mean(0), OTHERS: grid[~own].mean(0)}
        for quantity, draws in (means | {OWN_MINUS_OTHERS: means[OWN] - means[OTHERS]}).items():
            contrasts.append((label, quantity, *stats.percentile_interval(draws[0], draws[1:], bootstrap.level)[:3]))
    numbers = ["estimate", "low", "high"]
    return (
        pd.DataFrame(cells, columns=["proxy", "traces", "task", *numbers]),
        pd.DataFrame(contrasts, columns=["proxy", "quantity", *numbers]),
    )


def estimates(found: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """The scoreboard's rows: does the end of a trace say more than the whole, do right traces say more than wrong ones?"""
    rows = []
    asked = {"last-part-beats-whole": ("window", "last half"), "right-traces-beat-wrong": ("traces", "wrong")}
    for claim, (ablation, setting) in asked.items():
        keep = (found["ablation"] == ablation) & (found["setting"] == setting) & (found["proxy"] == WINNER)
        for row in found[keep & (found["quantity"] == "rho minus the default's")].itertuples():
            sign = 1 if claim == "last-part-beats-whole" else -1  # a loss by wrong traces is a gain of right ones
            ends = sorted((sign * row.low, sign * row.high))
            unit = f"models of {row.families} families, {row.seeds} seeds"
            rows.append((claim, sign * row.estimate, *ends, bootstrap.level, row.models, unit))
    columns = ["claim", "estimate", "low", "high", "level", "n", "n_unit"]
    return pd.DataFrame(rows, columns=columns).astype({"claim": str, "n_unit": str})


def build(step, workspace: Workspace) -> None:
    """Every proxy under every setting, and what became of its correlation with accuracy.

    Parameters
    ----------
    step : a declared `variants` step; its parents are the population and every model's measurement
    workspace : receives the tables correlations, domains, contrasts and estimates
    """
    settings: AnalysisSettings = step.settings
    run = step.parent("population")
    accuracy = run.table("accuracy")
    kept = usable(accuracy, settings.ranked)
    if not kept:
        raise UserError("variants: there is no task on which the models of every seed differ")
    names = run.table("members")["member"]
    values = [step.parent(f"measure {name}").table("settings").assign(member=name) for name in names]
    found = correlations(pd.concat(values, ignore_index=True), accuracy, kept, settings.bootstrap)
    workspace.write_table("correlations", found)
    cells, contrasts = domains(run.table("features"), accuracy, kept, settings.bootstrap)
    workspace.write_table("domains", cells)
    workspace.write_table("contrasts", contrasts)
    workspace.write_table("estimates", estimates(found, settings.bootstrap))
