"""Worlds of simulated users: what each way of attribution reads in them, and what else telemetry would show."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import qmc

from proxylib.judging.users import COLUMNS, EVERYONE, HOLDOUT, WEEK, Log, Models, Users, simulate
from proxylib.runs.store import Workspace
from proxylib.studies.telemetry import attribution
from proxylib.studies.telemetry.attribution import METRICS, ROLLOUTS, WAYS, Window
from proxylib.studies.telemetry.settings import CENTRAL, Telemetry

QUIET = {"season": 0.0, "shock": 0.0, "product": 0.0}  # numbers of a product on which nothing changes from day to day


def products(settings: Telemetry, kind: str) -> list[tuple[Users, float]]:
    """Product and effect of every world: all central, or drawn evenly from the ranges (a Latin hypercube)."""
    if kind == CENTRAL:
        return [(settings.product(), settings.effect[1])] * settings.worlds
    names = [*settings.ranges, "effect"]
    ends = np.array([*settings.ranges.values(), settings.effect])
    places = qmc.LatinHypercube(len(names), rng=settings.seed).random(settings.worlds)
    drawn = ends[:, 0] + places * (ends[:, 2] - ends[:, 0])
    return [(settings.product(**dict(zip(names[:-1], row[:-1], strict=True))), float(row[-1])) for row in drawn]


def models(settings: Telemetry, effect: float = 0.0, longer: float = 1.0) -> Models:
    """The old model, and a new one that completes tasks more often by so many logits, or writes longer answers."""
    chances = np.array(settings.chances)
    return Models(np.array([chances, expit(logit(chances) + effect)]), np.array(settings.mixes), np.array([1.0, longer]))


def read(product: Users, settings: Telemetry, effect: float, seed: int) -> list[dict]:
    """What each way reads at each look, with and without an effect; worlds of equal seed."""
    rows = []
    for size in (effect, 0.0):
        pair = models(settings, size)
        logs = {rollout: simulate(product, pair, rollout, seed, rollout == HOLDOUT) for rollout in set(ROLLOUTS.values())}
        for way, measure in WAYS.items():
            log = logs[ROLLOUTS[way]]
            for metric in METRICS:
                for after in settings.looks:
                    window = Window(product.update, after)
                    read = measure(log, window, metric)._asdict()
                    true = attribution.truth(log, window, metric)
                    rows.append({"way": way, "metric": metric, "after": after, "changed": size != 0, "truth": true} | read)
    return rows


def survivors(product: Users, settings: Telemetry, seed: int) -> list[dict]:
    """Satisfaction of the first day's users who stayed, minus that of all of them, for several strengths of churn."""
    rows = []
    for times in settings.churns:
        changed = product.model_copy(update={"disappointed": min(0.9, times * product.disappointed)})
        log = simulate(changed, models(settings), EVERYONE, seed, logs_users=False)
        first = log.joined == 0
        stayed = first & (log.gone == product.days)
        gap = log.satisfied[stayed].mean() - log.satisfied[first].mean() if stayed.any() else np.nan
        rows.append({"churn": times, "gap": gap, "left": 1 - stayed.sum() / first.sum()})
    return rows


def newcomers(product: Users, settings: Telemetry, seed: int) -> dict:
    """Thumbs down after the day of the update minus before, nothing but newcomers having changed; as it stands, and with the
    groups of users weighed as before.
    """
    log = simulate(product.model_copy(update=QUIET), models(settings), EVERYONE, seed, logs_users=False)
    by_group = log.cells.sum(1)
    sides = by_group[: product.update].sum(0), by_group[product.update :].sum(0)
    rated, up = COLUMNS.index("rated"), COLUMNS.index("up")
    down = [1 - side[:, up].sum() / side[:, rated].sum() for side in sides]
    weights = sides[0][:, rated] / sides[0][:, rated].sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = [float((weights * (1 - side[:, up] / side[:, rated])).sum()) for side in sides]
    return {"raw": down[1] - down[0], "alike": alike[1] - alike[0], "before": down[0]}


def verbosity(product: Users, settings: Telemetry, seed: int) -> dict:
    """Change of length and of completed tasks per user in percent, when half of the users get longer answers, no better."""
    log = simulate(product, models(settings, longer=settings.longer), HOLDOUT, seed)
    mine = _arm(log, product, True), _arm(log, product, False)
    return {
        "length": 100 * (mine[0]["tokens"] / mine[1]["tokens"] - 1),
        "completed": 100 * (mine[0]["completed"] / mine[1]["completed"] - 1),
    }


def _arm(log: Log, product: Users, new: bool) -> pd.Series:
    """What users of one arm did since the update, per user who was there."""
    sums = log.weeks[product.update // WEEK :].sum(0)
    mine = ((log.treated <= product.days) == new) & (sums[:, 0] > 0)
    return pd.Series(sums[mine].mean(0), COLUMNS)


def build(step, workspace: Workspace) -> None:
    """Simulate all worlds of a kind.

    Parameters
    ----------
    step : a declared `telemetry_worlds` step
    workspace : receives the tables products (world, effect and every number), attribution (world, way, metric, after, changed,
        truth, estimate, stderr, df; shares), survivors (world, churn, gap, left), newcomers (world, raw, alike, before) and
        verbosity (world, length, completed; percent)
    """
    settings: Telemetry = step.settings.telemetry
    tables: dict[str, list[dict]] = {name: [] for name in ("products", "attribution", "survivors", "newcomers", "verbosity")}
    for world, (product, effect) in enumerate(products(settings, step.settings.kind)):
        seed = settings.seed + 1000 * (step.settings.kind != CENTRAL) + world
        tables["products"].append({"world": world, "effect": effect} | product.model_dump())
        tables["attribution"] += [{"world": world} | row for row in read(product, settings, effect, seed)]
        tables["survivors"] += [{"world": world} | row for row in survivors(product, settings, seed)]
        tables["newcomers"].append({"world": world} | newcomers(product, settings, seed))
        tables["verbosity"].append({"world": world} | verbosity(product, settings, seed))
    for name, rows in tables.items():
        workspace.write_table(name, pd.DataFrame(rows))
    workspace.note(worlds=settings.worlds, looks=list(settings.looks))
