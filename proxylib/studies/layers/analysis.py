"""Which layer catches which fault, at one rate of false alarms, and what a layer costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.alarms import paired
from proxylib.alarms.paired import Outcome
from proxylib.runs.store import Workspace
from proxylib.stats import mean_interval, proportion_interval
from proxylib.studies.layers import alarms, claims, prices, series
from proxylib.studies.layers.series import LAYERS, LOOKED, ONE, TELEMETRY
from proxylib.studies.layers.settings import LayersSettings
from proxylib.studies.layers.text import HEALTHY

STRAY = 1.645  # of healthy models' standard deviations: nineteen of twenty stay above
ITEMS = "benchmarks, item by item"  # the same items under the reference and the release, as `monitor` compares them


def collected(step) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every series of every model but the references, and what each model is worth.

    Returns
    -------
    series : model, fault, dose, seed, layer, series, at, value
    models : model, fault, dose, seed, quality, letters, and whether `ITEMS` finds a task that became worse
    """
    settings: LayersSettings = step.settings
    rows, worth = [], []
    for model in settings.models:
        reference = None
        for group in settings.groups.values():
            run = step.parent(f"{model} {group.name}")
            tables = {name: dict(list(run.table(name).groupby("seed"))) for name in ("losses", "domains", "answers")}
            for seed, dose in zip(group.seeds, group.doses, strict=True):
                answers = tables["answers"][seed]
                if reference is None:
                    reference = answers
                    continue
                one = {"model": model, "fault": group.fault, "dose": dose, "seed": seed}
                seen = [
                    series.losses(tables["losses"][seed], tables["domains"][seed]),
                    series.benchmark(answers),
                    series.of_people(answers, reference, settings, seed),
                ]
                rows.append(pd.concat(seen).assign(**one))
                worth.append(one | series.truth(answers, settings.users) | {ITEMS: worse(reference, answers)})
    return pd.concat(rows, ignore_index=True), pd.DataFrame(worth)


def worse(before: pd.DataFrame, after: pd.DataFrame) -> bool:
    """Whether a paired test says of any task of the benchmark that it became worse, false discoveries over tasks held down."""
    sides = []
    for answers in (before, after):
        items = answers[answers["asked"] == "benchmark"]
        sides.append(pd.DataFrame({"metric": items["task"], "item": items["item"], "score": items["right"].astype(float)}))
    return bool((paired.compare(paired.matched(*sides))["decision"] == Outcome.WORSE).any())


def judged(models: pd.DataFrame, margin: float, lengthy: float) -> pd.DataFrame:
    """Columns lost (quality below healthy ones of the family, points), longer (times their length) and harmful added."""
    parts = []
    for _, part in models.groupby("model", sort=False):
        healthy = part[part["fault"] == HEALTHY]
        lost = healthy["quality"].mean() - part["quality"]
        longer = part["letters"] / max(healthy["letters"].mean(), 1.0)
        harmful = (lost > margin + STRAY * healthy["quality"].std(ddof=1)) | (longer > lengthy)
        parts.append(part.assign(lost=100 * lost, longer=longer, harmful=harmful))
    return pd.concat(parts)


def wide(alarmed: pd.DataFrame) -> pd.DataFrame:
    """A row a model, a column of alarms a layer."""
    return alarmed.pivot(index=ONE, columns="layer", values="alarm").reset_index().rename_axis(columns=None)


def detection(models: pd.DataFrame, layers: tuple[str, ...], level: float) -> pd.DataFrame:
    """fault, dose, layer, estimate, low, high, n, harmful: share of models that raise an alarm; Wilson's interval.

    Notes
    -----
    Models of a fault share a base and differ by the seed of their last stage, so that the interval is over seeds, not over
    bases.
    """
    cells = []
    for (fault, dose), part in models.groupby(["fault", "dose"], sort=False):
        for layer in layers:
            ends = proportion_interval(int(part[layer].sum()), len(part), level)
            about = {"fault": fault, "dose": dose, "layer": layer, "n": len(part), "harmful": float(part["harmful"].mean())}
            cells.append(about | ends._asdict())
    return pd.DataFrame(cells)


def layers_table(models: pd.DataFrame, settings: LayersSettings) -> pd.DataFrame:
    """A row a layer: harmful models that it catches, those that none before it does, false alarms, and its price.

    layer, order, estimate, low, high (faults drawn), added, false (share of healthy models), n_healthy, dollars_low,
    dollars_high, days_low, days_high
    """
    harmful = models[models["harmful"] & (models["fault"] != HEALTHY)].reset_index(drop=True)
    usual = models[models["fault"] == HEALTHY]
    rows = []
    caught = claims.catches(harmful, settings.bootstrap) if claims.several(harmful) else {}
    more = claims.alone(harmful)
    for order, layer in enumerate(LAYERS, 1):
        price = settings.prices[layer]
        ends = caught[layer].interval() if caught else mean_interval([harmful[layer].mean()])
        about = {"added": more[layer].mean() if len(harmful) else np.nan, "false": usual[layer].mean(), "n_healthy": len(usual)}
        dollars, days = ({f"{name}_low": span[0], f"{name}_high": span[1]} for name, span in price)
        rows.append({"layer": layer, "order": order} | ends._asdict() | about | dollars | days)
    return pd.DataFrame(rows)


def build(step, workspace: Workspace) -> None:
    """Compare every model with healthy ones, layer by layer.

    Parameters
    ----------
    step : a declared `layers` step; its parents are all `faulty` steps
    workspace : receives the tables models (quality, harm and alarms of every model), detection (with a column look: as
        claimed, both sides, with requests, item by item), layers, contrasts, patterns, found (see `alarms.first`), latency and
        estimates; facts: seconds of a model's losses and answers, models
    """
    settings: LayersSettings = step.settings
    rows, worth = collected(step)
    worth = judged(worth, settings.margin, settings.lengthy)
    at = {TELEMETRY: max(day for day in settings.days if day <= max(LOOKED, min(settings.days)))}
    scored = alarms.scores(rows)
    named = list(LAYERS)
    tables = []
    looks = {"as claimed": scored, "both sides": alarms.scores(rows, both_sides=True)}
    for look, part in looks.items():
        alarmed = alarms.raised(alarms.last(part, at))
        models = worth.merge(wide(alarmed), on=ONE, validate="one_to_one")
        tables.append(detection(models, LAYERS, settings.bootstrap.level).assign(look=look))
        if look == "as claimed":
            first = models
    requests = {new: old for old, new in series.WITH_REQUESTS.items()}
    second = first[[*ONE, "harmful", *requests]].rename(columns=requests)
    tables.append(detection(second, tuple(requests.values()), settings.bootstrap.level).assign(look="with requests"))
    tables.append(detection(first, (ITEMS,), settings.bootstrap.level).assign(look="item by item"))
    found = alarms.first(scored[scored["layer"].isin(named)])
    workspace.write_table("models", first)
    workspace.write_table("detection", pd.concat(tables, ignore_index=True))
    workspace.write_table("layers", layers_table(first, settings))
    level, days = settings.bootstrap.level, settings.days
    workspace.write_table("contrasts", claims.contrasts(first, level))
    workspace.write_table("patterns", claims.patterns(first))
    workspace.write_table("found", found)
    charges = sorted({min(LOOKED, max(days)), max(days), int(settings.prices[TELEMETRY].days[1])})
    workspace.write_table("latency", claims.latency(first, found, tuple(charges), level))
    measured = claims.estimates(first, found, days, settings.bootstrap)
    workspace.write_table("estimates", pd.concat([measured, prices.estimates(settings.prices)], ignore_index=True))
    workspace.note(**_seconds(step), models=len(first), votes=settings.votes.comparisons, days=at[TELEMETRY])


def _seconds(step) -> dict[str, float]:
    """Seconds that losses by domain (at all checkpoints) and answers of a model took, mean over all."""
    facts = [step.parent(role).facts for role in step.parents]
    count = sum(each["models"] for each in facts)
    return {name: sum(each[name] for each in facts) / count for name in ("seconds_domains", "seconds_answers")}
