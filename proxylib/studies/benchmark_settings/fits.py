"""The analysis of one benchmark under every setting; what was fixed before stands in the experiment log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.runs.store import Workspace
from proxylib.studies.benchmark_settings import hours, moves, variance
from proxylib.studies.benchmark_settings.scores import Scores, scores
from proxylib.studies.benchmark_settings.settings import AnalysisSettings

COSTS = ("seconds", "flops")


def tuning(tuned: Scores, before: Scores, level: float) -> pd.DataFrame:
    """What post-training gains under each setting, in points: columns of settings, estimate, low, high (over models), n."""
    gained = 100 * (tuned.means()[:, _places(tuned, before)] - before.means())
    rows = [stats.mean_interval(column, level) for column in gained.T]
    frame = pd.DataFrame(rows, columns=["estimate", "low", "high"])
    return pd.concat([before.settings, frame.assign(n=len(gained))], axis=1)


def _places(whole: Scores, part: Scores) -> list[int]:
    """Where the settings of one are among those of the other."""
    numbers = {key: number for number, key in enumerate(whole.settings.itertuples(index=False, name=None))}
    return [numbers[key] for key in part.settings.itertuples(index=False, name=None)]


def dearer(costs: Sequence[Mapping[str, float]], level: float) -> pd.DataFrame:
    """Answers over loss on the same problems: unit, estimate, low, high (of the geometric mean over models), n."""
    rows = []
    for unit in COSTS:
        ratios = np.log([cost[f"answers_{unit}"] / cost[f"loss_{unit}"] for cost in costs])
        rows.append((unit, *np.exp(stats.mean_interval(ratios, level)), len(ratios)))
    return pd.DataFrame(rows, columns=["unit", "estimate", "low", "high", "n"])


def judged(cost: pd.DataFrame, spread: Sequence[float], order: stats.Interval, gained: pd.Series, level: float) -> pd.DataFrame:
    """A row a claim: claim, estimate, low, high, null, level, n, n_unit.

    Parameters
    ----------
    cost : of `dearer`
    spread : best minus worst of every model
    order : what settings do to ranks
    gained : the row of `tuning` for the reference setting
    """
    ends = ["estimate", "low", "high"]
    suite = 60 * hours.table()[["from", "to"]].sum().to_numpy()  # minutes
    unit = {"level": level, "n": len(spread), "n_unit": "models, one a family"}
    inputs = {"level": np.nan, "n": 2, "n_unit": "ends of every input"}
    rows = [
        ("stack-configuration", *stats.mean_interval(spread, level), 0.0, unit),
        ("ours-configuration-ranks", *order, 0.0, unit),
        ("stack-benchmarks-dearer", *cost.loc[cost["unit"] == "seconds", ends].iloc[0], 1.0, unit),
        ("stack-configuration-tuned", *gained[ends], 0.0, unit | {"n": int(gained["n"])}),
        ("stack-benchmark-minutes", np.sqrt(suite.prod()), *suite, 60.0, inputs),
    ]
    names = ["claim", *ends, "null"]
    return pd.DataFrame([dict(zip(names, row, strict=True)) | about for *row, about in rows])


def build(step, workspace: Workspace) -> None:
    """How far settings move scores and ranks.

    Parameters
    ----------
    step : a declared `benchmark_settings` step; its parents are the `configuration` runs of models and of their bases
    workspace : receives settings (every setting with the mean over models, in points), scores (of each model under each, in
        points), effects and ranks (see moves.py), variance (see variance.py), tuning, dearer, spread (per model, best minus
        worst in points) and estimates
    """
    settings: AnalysisSettings = step.settings
    level, seed = settings.bootstrap.level, settings.bootstrap.seed
    tuned = scores({name: step.parent(name).table("outcomes") for name in settings.members})
    before = scores({name: step.parent(f"{name} base").table("outcomes") for name in settings.bases})
    after = tuned.of([settings.members.index(name) for name in settings.bases])
    means = 100 * tuned.means()
    spread = 100 * moves.best_minus_worst(tuned.halves(seed))
    costs = [step.parent(name).facts["cost"] for name in settings.members]
    pairs, facts = moves.all_pairs(tuned, seed, level)
    cost, gains = dearer(costs, level), tuning(after, before, level)
    who = pd.DataFrame({"model": settings.members, "family": settings.families})
    by_model = pd.concat([who, pd.DataFrame(means)], axis=1).melt(["model", "family"], var_name="place", value_name="score")
    workspace.write_table("settings", tuned.settings.assign(score=means.mean(0)))
    workspace.write_table("scores", by_model.astype({"place": int}))
    workspace.write_table("effects", moves.effects(tuned, level))
    workspace.write_table("ranks", moves.ranks(tuned, seed, level))
    workspace.write_table("variance", variance.parts(tuned, level))
    workspace.write_table("tuning", gains)
    workspace.write_table("dearer", cost)
    workspace.write_table("spread", who.assign(spread=spread, plain=means[:, tuned.place()]))
    workspace.write_table("estimates", judged(cost, spread, pairs, gains.iloc[before.place()], level))
    workspace.note(level=level, settings=len(tuned.settings), problems=len(tuned.tasks), agreement=facts, cost=costs[0])
