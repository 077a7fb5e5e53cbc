"""How far a model moves when it is trained again under another seed, beside how far models lie apart.

For accuracy and for one proxy that its paper names; nothing is chosen here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.measure import proxies
from proxylib.runs.store import Run, Workspace
from proxylib.stats import Bootstrap, Interval
from proxylib.studies.lab.settings import NoiseSettings

PROXY = proxies.name(*proxies.NAMED_WINNERS["model selection"])
ACCURACY, NAMED = "accuracy", "top-1, inverse frequency"
SEEDS, MODELS, MODELS_MINUS_SEEDS = "SD between seeds", "SD between models", "SD between models minus between seeds"
PLACES, RHO, RHO_MINUS_ACCURACY = "change of rank", "rank correlation between seeds", "rank correlation minus accuracy's"
FEWEST = 3  # models that a correlation of ranks needs, families that an interval needs


def pairs(first: Run, second: Run, tasks: Sequence[str]) -> pd.DataFrame:
    """The models that were trained in both populations, with what each training came to.

    Parameters
    ----------
    first, second : pooled populations of the same models under another seed; of several, the first seed of each is read
    tasks : of the means

    Returns
    -------
    columns measure (`ACCURACY`, `NAMED`), model, family, first, second (means over tasks, as shares), rank_first, rank_second
    (1 for the best of these models), seed_first, seed_second
    """
    sides = {}
    for side, run in (("first", first), ("second", second)):
        accuracy, features = (table[table["task"].isin(tasks)] for table in map(run.table, ("accuracy", "features")))
        accuracy = accuracy[accuracy["seed"] == accuracy["seed"].iloc[0]]
        proxy = features.groupby("member")[PROXY].mean()
        means = accuracy.groupby(["member", "model", "family", "seed"], sort=False)["estimate"].mean().rename(ACCURACY)
        sides[side] = means.reset_index().assign(**{NAMED: lambda rows, proxy=proxy: rows["member"].map(proxy)})
    both = sides["first"].merge(sides["second"], on=["model", "family"], suffixes=("_first", "_second"))
    parts = []
    for measure in (ACCURACY, NAMED):
        values = both[["model", "family", "seed_first", "seed_second"]].assign(measure=measure)
        for side in sides:
            values[side] = both[f"{measure}_{side}"].astype(float)
            values[f"rank_{side}"] = values[side].rank(ascending=False)
        parts.append(values)
    columns = ["measure", "model", "family", "first", "second", "rank_first", "rank_second", "seed_first", "seed_second"]
    return pd.concat(parts, ignore_index=True)[columns]


def between_seeds(first: np.ndarray, second: np.ndarray) -> float:
    """Standard deviation of one model's values over seeds, from two of each of [n] models."""
    return float(np.sqrt(np.mean((first - second) ** 2) / 2))


def between_models(first: np.ndarray, second: np.ndarray) -> float:
    """Standard deviation of what models would have on average over seeds; 0 where seeds explain all, nan for one model.

    The variance of means over two seeds holds half of a seed's.
    """
    if len(first) < 2:
        return np.nan
    variance = np.var((first + second) / 2, ddof=1) - between_seeds(first, second) ** 2 / 2
    return float(np.sqrt(max(variance, 0.0)))


def change_of_rank(first: np.ndarray, second: np.ndarray) -> float:
    """Places by which a model's rank differs between the seeds, on average over models."""
    ranks = [pd.Series(values).rank() for values in (first, second)]
    return float((ranks[0] - ranks[1]).abs().mean())


def by_luck(models: int) -> float:
    """`change_of_rank` between two random orders of so many models."""
    return (models**2 - 1) / (3 * models)


def moves(table: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """How far values and ranks move between seeds, beside how far models lie apart.

    Parameters
    ----------
    table : as from `pairs`
    bootstrap : its level is that of all intervals, its draws those of correlations

    Returns
    -------
    columns measure, quantity, estimate, low, high, models, families. SDs in the measure's own unit, a share;
    `RHO_MINUS_ACCURACY` of the proxy alone, paired

    Notes
    -----
    Intervals are over families, nan where these are fewer than `FEWEST`. Percentiles of drawn families are too short for SDs
    of twelve, Student's t over families left out in turn is too long for correlations (experiment log). Both trainings answer
    the same problems, whose luck is in no SD: on other problems accuracies move further.
    """
    rows, drawn = [], {}
    for measure, part in table.groupby("measure", sort=False):
        row = lambda quantity, interval, measure=measure: rows.append((measure, quantity, *interval))
        row(SEEDS, _left_out(part, between_seeds, bootstrap.level, logarithm=True))
        row(MODELS, _left_out(part, between_models, bootstrap.level, logarithm=True))
        apart = lambda first, second: between_models(first, second) - between_seeds(first, second)
        row(MODELS_MINUS_SEEDS, _left_out(part, apart, bootstrap.level))
        row(PLACES, _left_out(part, change_of_rank, bootstrap.level))
        if len(part) >= FEWEST and len(set(part["family"])) > 1:
            families = bootstrap.over(part["family"])
            drawn[measure] = families.drawn(stats.spearman_draws(part["first"], part["second"], families.weights))
            row(RHO, drawn[measure].interval("widened", undefined="nan"))
    if len(drawn) > 1:
        gap = drawn[NAMED].minus(drawn[ACCURACY])
        rows.append((NAMED, RHO_MINUS_ACCURACY, *gap.interval("widened", undefined="nan")))
    sizes = {"models": table["model"].nunique(), "families": table["family"].nunique()}
    shown = pd.DataFrame(rows, columns=["measure", "quantity", "estimate", "low", "high"]).assign(**sizes)
    return shown if sizes["families"] >= FEWEST else shown.assign(low=np.nan, high=np.nan)


def told_apart(seeds: Interval, level: float) -> Interval:
    """By how much two models of one training each have to differ, that the seed alone would seldom make them differ so.

    Parameters
    ----------
    seeds : `SEEDS` with its interval
    level : share of pairs of trainings of one model that differ by less, if trainings vary normally
    """
    from scipy.stats import norm

    return Interval(*(float(norm.ppf((1 + level) / 2) * np.sqrt(2) * end) for end in seeds))


def _left_out(
    part: pd.DataFrame, statistic: Callable[[np.ndarray, np.ndarray], float], level: float, logarithm: bool = False
) -> Interval:
    """A statistic of both trainings, with Student's interval from each family left out in turn."""
    first, second, families = (part[column].to_numpy() for column in ("first", "second", "family"))
    kept = [families != family for family in np.unique(families)]
    estimate = statistic(first, second)
    without = np.array([statistic(first[rows], second[rows]) if rows.any() else np.nan for rows in kept])
    if not logarithm:
        return stats.jackknife_interval(estimate, without, level)
    with np.errstate(divide="ignore"):  # an SD of 0 has no logarithm, and no interval
        interval = stats.jackknife_interval(np.log(estimate), np.log(without), level)
    return Interval(estimate, *map(float, np.exp(interval[1:])))


def build(step, workspace: Workspace) -> None:
    """What a second training changes.

    Parameters
    ----------
    step : a declared `training_noise` step; its parents are the population and its replication under another seed
    workspace : receives the tables `pairs` and `moves`
    """
    settings: NoiseSettings = step.settings
    table = pairs(step.parent("population"), step.parent("again"), settings.tasks)
    workspace.write_table("pairs", table)
    workspace.write_table("moves", moves(table, settings.bootstrap))
