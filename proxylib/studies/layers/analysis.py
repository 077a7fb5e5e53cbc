"""Which layer catches which fault, and whether the article's order, and what it says of models that pass, is right."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from proxylib.alarms import paired
from proxylib.alarms.paired import Outcome
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, Drawn, Interval, mean_interval, proportion_interval
from proxylib.studies.layers import alarms, series
from proxylib.studies.layers.series import LAYERS, LOOKED, ONE, PEOPLE, TELEMETRY
from proxylib.studies.layers.settings import LayersSettings
from proxylib.studies.layers.text import HEALTHY

STRAY = 1.645  # of healthy models' standard deviations: nineteen of twenty stay above
FEWEST = 3  # faults that a claim needs
ROUND = 7  # days of a round of people, by the article the shortest
FIRST_FOUR = LAYERS[:4]
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


def catches(models: pd.DataFrame, bootstrap: Bootstrap) -> dict[str, Drawn]:
    """Share of harmful models that each layer catches, faults drawn whole."""
    resampling = bootstrap.over(models["fault"])
    ones = np.ones(len(models))
    return {layer: resampling.drawn(resampling.ratio(models[layer].to_numpy(float), ones)) for layer in LAYERS}


def alone(models: pd.DataFrame) -> dict[str, np.ndarray]:
    """[models] which of them each layer catches and none before it does, as 0 and 1."""
    before, only = np.zeros(len(models), bool), {}
    for layer in LAYERS:
        mine = models[layer].to_numpy(bool)
        only[layer] = (mine & ~before).astype(float)
        before |= mine
    return only


def order_of(caught: Mapping[str, Drawn], order: Mapping[str, float]) -> Drawn:
    """Rank correlation over layers of an order with the share that each catches; 0 where nothing is told apart."""
    values = np.array([[caught[layer].estimate, *caught[layer].draws] for layer in LAYERS]).T
    ranks = rankdata(values, axis=1) - (len(LAYERS) + 1) / 2
    by = rankdata([order[layer] for layer in LAYERS]) - (len(LAYERS) + 1) / 2
    scale = np.sqrt((ranks**2).sum(1) * (by**2).sum())
    rho = np.divide(ranks @ by, scale, out=np.zeros(len(ranks)), where=scale > 0)
    drawn = caught[LAYERS[0]]
    return Drawn(rho[0], rho[1:], drawn.level, drawn.clusters)


def patterns(models: pd.DataFrame) -> pd.DataFrame:
    """pattern, of (kind of models), n, with (those who show it), harmful among these: what the article says of passing."""
    four = models[list(FIRST_FOUR)].any(axis=1)
    kinds = {"with a fault": models["fault"] != HEALTHY, "healthy": models["fault"] == HEALTHY}
    shown = {
        "passes the first four, fails people": ~four & models[PEOPLE],
        "passes the first four, fails telemetry": ~four & models[TELEMETRY],
        "passes people, fails telemetry": ~models[PEOPLE] & models[TELEMETRY],
        "passes telemetry, fails people": models[PEOPLE] & ~models[TELEMETRY],
        "passes all six": ~models[list(LAYERS)].any(axis=1),
    }
    rows = []
    for pattern, shows in shown.items():
        for kind, of in kinds.items():
            both = shows & of
            worth = {"harmful": int((both & models["harmful"]).sum()), "lost": models.loc[both, "lost"].mean()}
            rows.append({"pattern": pattern, "of": kind, "n": int(of.sum()), "with": int(both.sum())} | worth)
    return pd.DataFrame(rows)


def estimates(models: pd.DataFrame, found: pd.DataFrame, days: tuple[int, ...], bootstrap: Bootstrap) -> pd.DataFrame:
    """A row a claim; intervals over faults, nan where there are fewer than three."""
    faulty = models[models["fault"] != HEALTHY].reset_index(drop=True)
    harmful = faulty[faulty["harmful"]].reset_index(drop=True)
    rows: dict[str, Drawn] = {}
    if _several(harmful):
        caught, over, ones = catches(harmful, bootstrap), bootstrap.over(harmful["fault"]), np.ones(len(harmful))
        rows["stack-hierarchy"] = order_of(caught, {layer: place for place, layer in enumerate(LAYERS)})
        chance = np.mean([only.mean() for only in list(alone(models[models["fault"] == HEALTHY]).values())[1:]])
        least = over.drawn(np.min([over.ratio(only, ones) for only in list(alone(harmful).values())[1:]], axis=0))
        rows["stack-latency"] = over.drawn(over.ratio(_late(harmful, found, days), ones))
    passes = faulty[~faulty[list(LAYERS)].any(axis=1)].reset_index(drop=True)
    if _several(passes):
        over = bootstrap.over(passes["fault"])
        rows["stack-all-six"] = over.drawn(over.ratio(-passes["lost"].to_numpy(float), np.ones(len(passes))))
    counts = {"stack-all-six": passes}
    ends = {claim: drawn.interval(undefined="nan") for claim, drawn in rows.items()}
    if rows.keys() & {"stack-latency"}:  # Wilson's interval over faults where no draw moves it: nothing added is not certainty
        ends["stack-each-catches"] = Interval(*(end - chance for end in least.share()))
    table = []
    for claim, interval in ends.items():
        part = counts.get(claim, harmful)
        interval = interval if len(part["fault"].unique()) >= FEWEST else mean_interval([interval.estimate])
        table.append({"claim": claim, **interval._asdict(), "level": bootstrap.level, "n": len(part), "n_unit": "models"})
    return pd.DataFrame(table, columns=["claim", "estimate", "low", "high", "level", "n", "n_unit"])


def _late(harmful: pd.DataFrame, found: pd.DataFrame, days: tuple[int, ...]) -> np.ndarray:
    """[models] days by which telemetry is later than a round of people; never found counts as the last look."""
    late = harmful.merge(found[found["layer"] == TELEMETRY], on=ONE, how="left")["found"].fillna(max(days)) - ROUND
    return late.to_numpy(float)


def _several(models: pd.DataFrame) -> bool:
    """Whether there are faults to draw from."""
    return len(models["fault"].unique()) > 1


def layers_table(models: pd.DataFrame, settings: LayersSettings) -> pd.DataFrame:
    """A row a layer: harmful models that it catches, those that none before it does, false alarms, and its price.

    layer, order, estimate, low, high (faults drawn), added, false (share of healthy models), n_healthy, dollars_low,
    dollars_high, days_low, days_high
    """
    harmful = models[models["harmful"] & (models["fault"] != HEALTHY)].reset_index(drop=True)
    usual = models[models["fault"] == HEALTHY]
    rows = []
    caught = catches(harmful, settings.bootstrap) if _several(harmful) else {}
    more = alone(harmful)
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
        claimed, both sides, with requests, item by item), layers, patterns, found (see `alarms.first`) and estimates; facts:
        seconds of a model's losses and answers, models
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
    workspace.write_table("patterns", patterns(first))
    workspace.write_table("found", found)
    workspace.write_table("estimates", estimates(first, found, settings.days, settings.bootstrap))
    workspace.note(**_seconds(step), models=len(first), votes=settings.votes.comparisons, days=at[TELEMETRY])


def _seconds(step) -> dict[str, float]:
    """Seconds that losses by domain (at all checkpoints) and answers of a model took, mean over all."""
    facts = [step.parent(role).facts for role in step.parents]
    count = sum(each["models"] for each in facts)
    return {name: sum(each[name] for each in facts) / count for name in ("seconds_domains", "seconds_answers")}
