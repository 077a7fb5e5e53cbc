"""The lab's runs: loss against accuracy, checkpoints chosen on some items and scored on others, averages of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from proxylib.alarms.choice import ChoiceSettings
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.checkpoints import claimed, equal_loss, fresh, steps
from proxylib.studies.checkpoints.late import CONSTANT, FALLING
from proxylib.studies.checkpoints.settings import LabSettings

POPULATION = "the lab's population"
WATCHED = "watched runs"  # whose rate falls by a cosine; the others are the two ways of the last stretch
WINDOWS = (5, 10, 20)
WEIGHTS = 500
LATE_ROLE = "late"


@dataclass(frozen=True, eq=False)
class Stretch:
    """The last checkpoints of a run, and averages of their weights.

    Parameters
    ----------
    run : its name
    kind : `WATCHED`, or the schedule of the last stretch
    tasks : names, in the order in which their items stand
    sizes : items of each
    right : [n, items] 0 or 1, oldest checkpoint first
    averaged : number of last weights -> [items]
    """

    run: str
    kind: str
    tasks: tuple[str, ...]
    sizes: tuple[int, ...]
    right: np.ndarray
    averaged: Mapping[int, np.ndarray]

    @property
    def even(self) -> np.ndarray:
        """[items] weights by which every task counts alike."""
        return np.repeat([1 / (size * len(self.sizes)) for size in self.sizes], self.sizes)

    @property
    def places(self) -> list[slice]:
        """Where each task's items stand."""
        ends = np.cumsum(self.sizes)
        return [slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True)]

    def by_task(self, right: np.ndarray) -> np.ndarray:
        """[tasks, ...] accuracies from [..., items]."""
        return np.stack([right[..., place].mean(-1) for place in self.places])


def table_of(outcomes: pd.DataFrame, column: str) -> tuple[pd.DataFrame, tuple[str, ...], tuple[int, ...]]:
    """[values of the column, items] right answers, tasks, items of each; items in one order."""
    wide = outcomes.pivot(index=["task", "id"], columns=column, values="correct").sort_index()
    sizes = wide.groupby(level="task").size()
    return wide.T.astype(float), tuple(map(str, sizes.index)), tuple(int(size) for size in sizes)


def counting(frame: pd.DataFrame, counted: Mapping[str, tuple[int, ...]]) -> pd.DataFrame:
    """Rows of problems of difficulties that count; of all where none is named."""
    if not counted:
        return frame
    levels = frame["id"].str.split("-").str[1].astype(int)
    return frame[[level in counted.get(task, ()) for task, level in zip(frame["task"], levels, strict=True)]]


def watched(run: str, outcomes: pd.DataFrame, averaged: pd.DataFrame, last: int) -> Stretch:
    """The last so many checkpoints of a `trajectory` run."""
    right, tasks, sizes = table_of(outcomes, "step")
    means, *_ = table_of(averaged, "average")
    uniform = {int(name.split()[1]): row.to_numpy() for name, row in means.iterrows() if str(name).startswith("last ")}
    return Stretch(run, WATCHED, tasks, sizes, right.to_numpy()[-last:], uniform)


def late(run: str, outcomes: pd.DataFrame, schedule: str) -> Stretch:
    """One of the two ways of a `late_checkpoints` run."""
    part = outcomes[(outcomes["schedule"] == schedule) & (outcomes["step"] > 0)]
    right, tasks, sizes = table_of(part[part["averaged"] == 1], "step")
    means, *_ = table_of(part[part["averaged"] > 1], "averaged")
    return Stretch(run, schedule, tasks, sizes, right.to_numpy(), {int(n): row.to_numpy() for n, row in means.iterrows()})


def covariance(stretch: Stretch, window: int) -> np.ndarray:
    """[window, window] of the noise of composites on half of the items of each task."""
    total = np.zeros((window, window))
    for place, size in zip(stretch.places, stretch.sizes, strict=True):
        if size > 1:
            total += np.cov(stretch.right[-window:, place]) / (size // 2) / len(stretch.sizes) ** 2
    return total


def choices(stretch: Stretch, bootstrap: Bootstrap) -> dict[str, list[dict[str, object]]]:
    """Choices, rules, weights and noise of every window; see `published.on_other_items`."""
    first, second = fresh.halves(stretch.sizes, np.random.default_rng(bootstrap.seed))
    settings = ChoiceSettings(level=bootstrap.level, draws=400, seed=bootstrap.seed)
    tables: dict[str, list[dict[str, object]]] = {"choices": [], "rules": [], "weights": [], "noise": []}
    for window in [size for size in WINDOWS if size <= len(stretch.right)] or [len(stretch.right)]:
        rng = np.random.default_rng(bootstrap.seed)
        about = {"set": stretch.kind, "run": stretch.run, "cluster": stretch.run, "window": window}
        right, noise = stretch.right[-window:], covariance(stretch, window)
        one, other = first @ right.T, second @ right.T
        tables["choices"].append(about | {"fresh": fresh.ITEMS} | fresh.judged(one, other, rng))
        gains = fresh.rules(one, other, noise, settings, rng)
        tables["rules"] += [about | {"rule": rule, "gain": gain} for rule, gain in gains.items()]
        tables["weights"].append(about | _weighted(stretch, right, first, second, rng))
        true, luck = fresh.noises(one, other)
        tables["noise"].append(about | {"true": true, "items": luck, "as_others": float(np.mean(np.diag(noise)))})
    return tables


def _weighted(
    stretch: Stretch, right: np.ndarray, first: np.ndarray, second: np.ndarray, rng: np.random.Generator
) -> dict[str, float]:
    """`fresh.weighted` over some of the halves."""
    rows = []
    for one, other in zip(first[: fresh.JUDGED], second[: fresh.JUDGED], strict=True):
        sides = ([(right[:, place] @ half[place]) * len(stretch.sizes) for place in stretch.places] for half in (one, other))
        rows.append(fresh.weighted(*(np.stack(list(side)) for side in sides), WEIGHTS, rng))
    changed, lost = np.mean(rows, 0)
    return {"changed": float(changed), "lost": float(lost)}


def averages(stretch: Stretch, seed: int) -> list[dict[str, object]]:
    """What averages of the last weights score, beside single checkpoints.

    Returns
    -------
    run, kind, averaged; score and last (composites of the average and of the last checkpoint); minus_last and minus_mean
    (composite minus that of the last checkpoint, and minus the mean of those that are averaged); minus_best (minus the best of
    all, which is chosen on one half of the items while both are scored on the other) and same_minus_best (minus the best on the
    same items); wins and same_wins (share of tasks in which it beats the best checkpoint of that task, ties half, likewise)
    """
    rng = np.random.default_rng(seed)
    first, second = fresh.halves(stretch.sizes, rng)
    composite = stretch.right @ stretch.even
    chosen, scored = first @ stretch.right.T, second @ stretch.right.T
    best = np.argmax(chosen + 1e-9 * rng.random(chosen.shape), 1)
    rows = []
    for number, right in sorted(stretch.averaged.items()):
        mean = float(right @ stretch.even)
        singles = stretch.by_task(stretch.right)
        tasks = stretch.by_task(right)
        rows.append(
            {
                "run": stretch.run,
                "kind": stretch.kind,
                "averaged": number,
                "score": mean,
                "last": float(composite[-1]),
                "minus_last": mean - float(composite[-1]),
                "minus_mean": mean - float(composite[-number:].mean()),
                "minus_best": float(np.mean(second @ right - scored[np.arange(len(best)), best])),
                "same_minus_best": mean - float(composite.max()),
                "wins": _wins(stretch, right, first, second, rng),
                "same_wins": float(np.mean(_beats(tasks, singles.max(1)))),
            }
        )
    return rows


def _wins(stretch: Stretch, right: np.ndarray, first: np.ndarray, second: np.ndarray, rng: np.random.Generator) -> float:
    """Share of tasks and repeats in which an average beats the checkpoint that is best on the other half of the task."""
    shares = []
    for place, size in zip(stretch.places, stretch.sizes, strict=True):
        if size > 1:
            chosen, scored = (half[:, place] @ stretch.right[:, place].T for half in (first, second))
            best = np.argmax(chosen + 1e-9 * rng.random(chosen.shape), 1)
            shares.append(_beats(second[:, place] @ right[place], scored[np.arange(len(best)), best]).mean())
    return float(np.mean(shares))


def _beats(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """1 where it is more, a half where it is as much."""
    return np.where(np.isclose(one, other), 0.5, one > other)


def population(
    accuracy: pd.DataFrame, members: pd.DataFrame, losses: pd.DataFrame, tasks: tuple[str, ...]
) -> equal_loss.Models:
    """The models of the population with their last held-out loss in bits per byte; pairs are of any two."""
    kept = accuracy[accuracy["task"].isin(tasks)]
    table = kept.pivot(index="member", columns="task", values="estimate")[list(tasks)].dropna()
    items = kept.pivot(index="member", columns="task", values="n").loc[table.index, list(tasks)].to_numpy(float)
    last = losses[losses["split"] == "held-out"].sort_values("tokens", kind="stable").groupby("member")["bits_per_byte"].last()
    share = table.to_numpy(float)
    families = members.set_index("member")["family"].loc[table.index].tolist()
    names = table.index.tolist()
    variance = share * (1 - share) / items
    return equal_loss.Models(last.loc[names].to_numpy(float), share, variance, tuple(tasks), names, [""] * len(names), families)


def series(run: str, outcomes: pd.DataFrame, losses: pd.DataFrame) -> steps.Series:
    """A `trajectory` run for `steps.small_steps` and `steps.trends`."""
    right, tasks, sizes = table_of(outcomes, "step")
    values = right.to_numpy()
    whole = Stretch(run, WATCHED, tasks, sizes, values, {})
    held_out = losses[(losses["split"] == "held-out")].set_index("step")["bits_per_byte"]
    p = np.stack([steps.p_of_items(values[:, place]) for place in whole.places])
    return steps.Series(run, run, held_out.loc[list(right.index)].to_numpy(float), whole.by_task(values), tasks, p)


def _spreads(models: equal_loss.Models, tolerance: float, bootstrap: Bootstrap) -> pd.DataFrame:
    """`equal_loss.spread`, with set and tolerance; no rows where no two losses are equal."""
    first, second = models.pairs()
    if not (np.abs(models.loss[first] - models.loss[second]) <= tolerance).any():
        return pd.DataFrame(columns=["task", "estimate", "low", "high", "null", "bar", "all", "pairs", "set", "tolerance"])
    return equal_loss.spread(models, tolerance, bootstrap).assign(
        set=POPULATION, tolerance=tolerance, families=len(set(models.clusters))
    )


def build(step, workspace: Workspace) -> None:
    """Loss against accuracy, the choice of checkpoints and averages of weights in the lab.

    Parameters
    ----------
    step : a declared `lab_checkpoints` step; its parents are the population, `trajectory` and `late_checkpoints` runs
    workspace : receives spreads, steps, trends, trend_ratios, moved, choices, rules, weights, noise and summary as the stage
        `published_checkpoints` does (set: watched runs, constant, falling), averages and averages_summary (see `averages`), and
        estimates
    """
    settings: LabSettings = step.settings
    bootstrap, level = settings.bootstrap, settings.bootstrap.level
    tables: dict[str, list[dict[str, object]]] = {"choices": [], "rules": [], "weights": [], "noise": [], "averages": []}
    moves, lines, held_out = [], [], []
    for run in settings.runs:
        parent = step.parent(run)
        outcomes, means = (counting(parent.table(name), settings.counted) for name in ("outcomes", "averaged_outcomes"))
        one = series(run, outcomes, parent.table("losses"))
        held_out.append(one.loss[-settings.last :])
        moves.append({"set": WATCHED} | steps.small_steps(one, level))
        lines.append({"set": WATCHED} | steps.trends(one, settings.last))
        later = step.parent(f"{LATE_ROLE} {run}").table("outcomes")
        for stretch in (watched(run, outcomes, means, settings.last), *(late(run, later, way) for way in (CONSTANT, FALLING))):
            for table, rows in choices(stretch, bootstrap).items():
                tables[table] += rows
            tables["averages"] += averages(stretch, bootstrap.seed)
    frames = {table: pd.DataFrame(rows) for table, rows in tables.items()}
    frames |= {"steps": pd.DataFrame(moves), "trends": pd.DataFrame(lines)}
    whole = step.parent("population")
    models = population(*(whole.table(name) for name in ("accuracy", "members", "losses")), settings.tasks)
    reach = float(np.sqrt(2) * equal_loss.line_noise(held_out))
    frames["spreads"] = _spreads(models, reach, bootstrap)
    frames["summary"] = claimed.summary(frames, level)
    frames["trend_ratios"] = claimed.trend_ratios(frames["trends"], level)
    frames["moved"] = claimed.moved(frames["steps"], level)
    frames["averages_summary"] = claimed.averages(frames["averages"], level)
    for table, frame in frames.items():
        workspace.write_table(table, frame)
    workspace.write_table("estimates", claimed.lab(frames, level))
    workspace.note(level=level, draws=bootstrap.draws, runs=len(settings.runs), last=settings.last)
