"""Runs of the lab on every corpus, as arrays: what each signal says after so much compute, and what the target came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.measure import proxies
from proxylib.studies.data_selection.settings import LabSettings

ACCURACY, NAMED = "direct accuracy", "top-5, frequency"
#: signals whose sign is fixed in advance: name -> feature, and the sign that makes higher better
FIXED = {
    ACCURACY: ("", +1),
    "loss on prose": ("prose_bits_per_byte", -1),
    "loss on traces": ("bits_per_byte", -1),
    NAMED: ("top5|frequency", +1),
    "rBridge": ("rbridge", -1),
}
BASELINES = tuple(name for name in FIXED if name != NAMED)


class Trial(NamedTuple):
    """Some models, one a corpus, at a checkpoint, and what they are judged by.

    `fixed` has by signal [corpora, tasks], higher better; `eighty` [corpora, tasks, 80] as measured; `target` [corpora, tasks]
    accuracies
    """

    fixed: dict[str, np.ndarray]
    eighty: np.ndarray
    target: np.ndarray


@dataclass(frozen=True, eq=False)
class Point:
    """A width at a checkpoint.

    Parameters
    ----------
    width, part : of the models; of their run that they have behind them
    share : of the target's compute that one of them took
    trials : one for a small width, judged by the target's mean over its seeds; one a seed for the target's own width, judged
        by the other seeds
    """

    width: int
    part: float
    share: float
    trials: tuple[Trial, ...]


@dataclass(frozen=True, eq=False)
class LabPanel:
    """All points, cheapest first.

    Parameters
    ----------
    corpora, tasks : names
    points : see `Point`
    target : [seeds, corpora, tasks] accuracies at the end
    """

    corpora: tuple[str, ...]
    tasks: tuple[str, ...]
    points: tuple[Point, ...]
    target: np.ndarray

    @property
    def small(self) -> tuple[Point, ...]:
        """Points below the target's width."""
        widest = max(point.width for point in self.points)
        return tuple(point for point in self.points if point.width < widest)

    def among(self, corpora: Sequence[str]) -> LabPanel:
        """The same of some corpora alone."""
        kept = [self.corpora.index(name) for name in corpora]

        def of(trial: Trial) -> Trial:
            fixed = {name: values[kept] for name, values in trial.fixed.items()}
            return Trial(fixed, trial.eighty[kept], trial.target[kept])

        points = [replace(point, trials=tuple(map(of, point.trials))) for point in self.points]
        return LabPanel(tuple(corpora), self.tasks, tuple(points), self.target[:, kept])


class Measured(NamedTuple):
    """Tables and facts of one run."""

    features: pd.DataFrame
    accuracy: pd.DataFrame
    facts: dict


def panel(runs: dict[tuple[str, int, int], Measured], settings: LabSettings) -> LabPanel:
    """Arrays of the runs.

    Parameters
    ----------
    runs : (corpus, width, seed) -> what was measured; the widest is the target
    settings : which corpora, widths and seeds there are
    """
    first = next(iter(runs.values()))
    tasks = tuple(first.accuracy["task"].drop_duplicates())
    widest = settings.widths[-1]
    final = np.stack([_ends(runs, settings.corpora, widest, seed, tasks) for seed in range(settings.seeds)])
    whole = _compute(runs[settings.corpora[0], widest, 0], None)
    points = []
    for width in settings.widths:
        example = runs[settings.corpora[0], width, 0]
        steps = sorted(example.accuracy["step"].unique())
        for step in steps:
            seeds = range(settings.seeds if width == widest else 1)
            judges = [np.delete(final, seed, 0).mean(0) if width == widest else final.mean(0) for seed in seeds]
            trials = [_trial(runs, settings.corpora, width, seed, step, tasks, judges[seed]) for seed in seeds]
            points.append(Point(width, float(step / steps[-1]), _compute(example, step) / whole, tuple(trials)))
    return LabPanel(settings.corpora, tasks, tuple(sorted(points, key=lambda point: point.share)), final)


def _ends(runs, corpora: Sequence[str], width: int, seed: int, tasks: tuple[str, ...]) -> np.ndarray:
    """[corpora, tasks] accuracies at the end."""
    return np.stack([_accuracy(runs[corpus, width, seed], None, tasks) for corpus in corpora])


def _accuracy(run: Measured, step: int | None, tasks: tuple[str, ...]) -> np.ndarray:
    rows = run.accuracy[run.accuracy["step"] == (run.accuracy["step"].max() if step is None else step)]
    sums = rows.groupby("task")[["correct", "n"]].sum().loc[list(tasks)]
    return (sums["correct"] / sums["n"]).to_numpy()


def _compute(run: Measured, step: int | None) -> float:
    """6 N D, parameters of the blocks."""
    rows = run.accuracy if step is None else run.accuracy[run.accuracy["step"] == step]
    return 6.0 * run.facts["parameters"]["non_embedding"] * float(rows["tokens"].max())


def _trial(runs, corpora: Sequence[str], width: int, seed: int, step: int, tasks: tuple[str, ...], target: np.ndarray) -> Trial:
    chosen = [runs[corpus, width, seed] for corpus in corpora]
    wide = [
        run.features[run.features["step"] == step].pivot(index="task", columns="feature", values="value").loc[list(tasks)]
        for run in chosen
    ]
    fixed = {name: np.stack([sign * frame[feature] for frame in wide]) for name, (feature, sign) in FIXED.items() if feature}
    fixed = {ACCURACY: np.stack([_accuracy(run, step, tasks) for run in chosen])} | fixed
    return Trial({name: fixed[name] for name in FIXED}, np.stack([frame[list(proxies.NAMES)] for frame in wide]), target)
