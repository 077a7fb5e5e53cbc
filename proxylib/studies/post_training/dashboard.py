"""The study pooled: side losses, refusals and how they are found, with the estimates that claims read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.runs.store import Workspace
from proxylib.stats import Interval
from proxylib.studies.post_training import changes, detection
from proxylib.studies.post_training.detection import PAIRED, UNPAIRED, Grid
from proxylib.studies.post_training.settings import Arm, RegressionsSettings

#: column -> how its mean over bases gets an interval, where it is no share
INTERVALS = dict.fromkeys(("side", "alone", "gain", "slope", "with_base"), stats.mean_interval)
INTERVALS["more"] = partial(stats.share_interval, difference=True)
DROP, CORRECTION = 0.1, "Benjamini-Hochberg"  # planted losses by which paired and unpaired tests are compared


def build(step, workspace: Workspace) -> None:
    """Analyse all arms of all bases.

    Parameters
    ----------
    step : a declared `regressions` step; its parents are every base and every arm's rounds, as "base NAME" and "NAME: ARM"
    workspace : receives the tables accuracy, by_base (side losses and gains), changes (over bases), slopes, refusals, domains,
        planted (by base), rates (over bases), dashboards (real pairs of looks), latency, found, flagged, shows and estimates
    """
    settings: RegressionsSettings = step.settings
    level, arms = settings.bootstrap.level, settings.arms
    outcomes, domains = (_all(step, settings, name) for name in ("outcomes", "domains"))
    by_base = changes.sides(outcomes, arms, settings.targets)
    slopes = changes.slopes(by_base)
    refused = changes.refusals(outcomes)
    shown = detection.metrics(outcomes)
    grid = Grid(shown)
    control = arms[0].name
    rounds = int(outcomes["round"].max())
    planted = detection.simulated(grid, settings.bases, control, rounds, level, settings.bootstrap.seed)
    rates = detection.rates(planted)
    real = _real(grid, settings, rounds, level)
    late = latency(real, arms, settings.targets)
    workspace.write_table("accuracy", changes.accuracies(outcomes))
    workspace.write_table("by_base", by_base)
    workspace.write_table("changes", _stacked(by_base, ["arm", "round"], ("side", "alone", "gain"), level))
    workspace.write_table("slopes", _stacked(slopes, ["arm"], ("slope", "with_base"), level))
    workspace.write_table("refusals", _stacked(refused, ["arm", "round", "kind"], ("refused", "more"), level))
    losses = changes.domain_losses(domains, control)
    workspace.write_table("domains", changes.over_bases(losses, ["arm", "round", "domain"], "change", level))
    workspace.write_table("planted", planted)
    rate = partial(stats.share_interval, trials=max(1, detection.DASHBOARDS // len(settings.bases)))
    keys = ["drop", "test", "correction"]
    workspace.write_table("rates", _stacked(rates, keys, ("false", "any", "discoveries", "power"), level, rate))
    workspace.write_table("dashboards", real)
    workspace.write_table("latency", late)
    workspace.write_table("found", first_found(late))
    flagged = _stacked(late, ["arm", "round", "test"], ("share", "flagged"), level)
    workspace.write_table("flagged", flagged)
    shows = [
        detection.smallest_shown(shown[shown["base"] == base], base, arm.name, rounds, level)
        for base in settings.bases
        for arm in arms[:2]
    ]
    workspace.write_table("shows", pd.concat(shows, ignore_index=True))
    workspace.write_table("estimates", estimates(by_base, slopes, refused, rates, late, settings))
    metrics = len(grid.names)
    workspace.note(bases=len(settings.bases), rounds=rounds, level=level, metrics=metrics, dashboards=detection.DASHBOARDS)


def _all(step, settings: RegressionsSettings, name: str) -> pd.DataFrame:
    parts = []
    for base in settings.bases:
        arms = {arm.name: step.parent(f"{base}: {arm.name}").table(name) for arm in settings.arms}
        parts.append(changes.joined(step.parent(f"base {base}").table(name), arms, base))
    return pd.concat(parts, ignore_index=True)


def _stacked(table: pd.DataFrame, keys: Sequence[str], columns: Sequence[str], level: float, interval=None) -> pd.DataFrame:
    """Several columns over bases, one under another, with a column quantity in front."""
    ways = {column: interval or INTERVALS.get(column, stats.share_interval) for column in columns}
    parts = [changes.over_bases(table, keys, column, level, way) for column, way in ways.items()]
    for part, column in zip(parts, columns, strict=True):
        part.insert(0, "quantity", column)
    return pd.concat(parts, ignore_index=True)


def _real(grid: Grid, settings: RegressionsSettings, rounds: int, level: float) -> pd.DataFrame:
    """Every arm against its base after each round, and the two orders of the same recipe against each other."""
    control, again = (arm.name for arm in settings.arms[:2])
    pairs = []
    for base in settings.bases:
        for number in range(1, rounds + 1):
            pairs += [((base, arm.name, 0), (base, arm.name, number)) for arm in settings.arms]
            pairs.append(((base, control, number), (base, again, number)))
    return detection.compared(grid, pairs, level)


def latency(real: pd.DataFrame, arms: Sequence[Arm], targets: Sequence[str]) -> pd.DataFrame:
    """What a dashboard said after each round.

    Returns
    -------
    Columns base, arm, round, test; share (of side metrics that are called lower than the base's), side (whether any is), gained
    (whether a metric of the arm's tasks is called higher; of an arm without tasks of its own, any metric), flagged (both)
    """
    rows = []
    names = {arm.name: changes.taught(arm, targets) for arm in arms}
    since_base = real[real["against"] == real["arm"] + " 0"]
    for (base, arm, number, test), part in since_base.groupby(["base", "arm", "round", "test"], sort=False):
        taught = part["metric"].str.split(",").str[0].isin(names[arm] or targets[:1]).to_numpy()
        lower = (part["called"] & (part["change"] < 0)).to_numpy()
        higher = (part["called"] & (part["change"] > 0)).to_numpy()
        side, gained = bool(lower[~taught].any()), bool(higher[taught].any())
        rows.append((base, arm, number, test, lower[~taught].mean(), side, gained, side and gained))
    return pd.DataFrame(rows, columns=["base", "arm", "round", "test", "share", "side", "gained", "flagged"])


def first_found(late: pd.DataFrame) -> pd.DataFrame:
    """Columns base, arm, test, round (the first after which a side metric is called lower, nan where none is)."""
    found = late[late["side"]].groupby(["base", "arm", "test"], sort=False)["round"].min()
    every = pd.MultiIndex.from_frame(late[["base", "arm", "test"]].drop_duplicates())
    return found.reindex(every).rename("round").reset_index()


def estimates(
    by_base: pd.DataFrame,
    slopes: pd.DataFrame,
    refused: pd.DataFrame,
    rates: pd.DataFrame,
    late: pd.DataFrame,
    settings: RegressionsSettings,
) -> pd.DataFrame:
    """The rows that claims read: claim, estimate, low, high, level, n, n_unit; accuracies in points, refusals as shares."""
    level, arms = settings.bootstrap.level, settings.arms
    mean = lambda values: stats.mean_interval(values, level) if len(values) else Interval(np.nan, np.nan, np.nan)
    refusing = lambda values: INTERVALS["more"](values, level) if len(values) else mean(values)
    one = lambda reads: next((arm.name for arm in arms if set(arm.reads) == reads), "")
    begun = lambda reads: by_base[(by_base["arm"] == one(reads)) & (by_base["round"] == 1)]
    first = begun({"target"})
    taught = refused[refused["arm"] == one({"marked", "harmless"})]
    mixed = taught[taught["round"] == taught["round"].max()]  # only a model that refuses at all can refuse too much
    harmless = taught[(taught["kind"] == "harmless") & (taught["round"] == 1)]
    planted = rates[(rates["drop"] == DROP) & (rates["correction"] == CORRECTION)]
    power = planted.pivot(index="base", columns="test", values="power")
    called = late[(late["round"] == 1) & (late["test"] == PAIRED)].assign(flagged=late["flagged"].astype(float))
    flags = called.pivot(index="base", columns="arm", values="flagged")
    target, control = one({"target"}), arms[0].name
    rows = {
        "stack-regressions": mean(first["side"]),
        "stack-regressions-gain": mean(first["gain"]),
        "stack-code-costs": mean(begun({"code"})["side"]),
        "stack-language-costs": mean(begun({"renamed"})["side"]),
        "stack-regressions-compound": changes.compounding(slopes, arms, level),
        "stack-over-refusal": refusing(mixed.loc[mixed["kind"] == "harmless", "more"]),
        "stack-over-refusal-first-round": refusing(harmless["more"]),
        "stack-over-refusal-near": refusing(mixed.loc[mixed["kind"] == "near", "more"]),
        "ours-paired-finds": mean(100 * (power[PAIRED] - power[UNPAIRED])),
        "stack-dashboards": mean(100 * (flags[target] - flags[control])) if target in flags else mean([]),
    }
    table = pd.DataFrame([(claim, *interval) for claim, interval in rows.items()], columns=["claim", "estimate", "low", "high"])
    return table.assign(level=level, n=len(settings.bases), n_unit="bases")
