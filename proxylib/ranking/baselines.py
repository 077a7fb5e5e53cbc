"""Baselines of a ranker: scores on the tasks that are known, alone or beside training compute."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import curve_fit

from proxylib.errors import UserError
from proxylib.ranking.panel import Panel, standardise
from proxylib.ranking.protocols import (
    FAMILY_OUT,
    TASKS_OUT,
    family_labels,
    fold_frame,
    task_folds,
)
from proxylib.ranking.rankers import principal_axes


def held_in_score(panel: Panel, k: int = 2) -> pd.DataFrame:
    """Rank models by their mean standardised accuracy on the held-in tasks: no proxy at all.

    Returns
    -------
    columns as from `leave_tasks_out`

    Notes
    -----
    What a ranker must beat under leave-tasks-out to have shown more than that good models are good. It has no counterpart
    where a family is held out: that family's accuracies are unseen.
    """
    return _from_held_in(panel, k, lambda held_in: held_in.mean(1))


def principal_component(panel: Panel, k: int = 2) -> pd.DataFrame:
    """Rank models by the first principal component of their standardised held-in accuracies, mean loading positive.

    Returns
    -------
    columns as from `leave_tasks_out`
    """
    return _from_held_in(panel, k, lambda held_in: held_in @ principal_axes(held_in, 1)[:, 0])


def _from_held_in(panel: Panel, k: int, score: Callable[[np.ndarray], np.ndarray]) -> pd.DataFrame:
    every = np.ones(len(panel.models), bool)
    accuracy = standardise(panel.accuracy, every)
    frames = []
    for fold, out in enumerate(task_folds(panel, k)):
        scores = standardise(score(np.delete(accuracy, out, axis=1)), every)
        frames.append(fold_frame(panel, TASKS_OUT, fold, "", out, np.repeat(scores[:, None], k, axis=1)))
    return pd.concat(frames, ignore_index=True)


def observational_scaling(panel: Panel, components: int = 3) -> pd.DataFrame:
    """Predict a task's accuracy from principal components of the other tasks' accuracies, family by family left out.

    Fits y = b + (1 - b) / (1 + exp(-(w0 + w.PC))) with b in [0, 0.2] on the training families by bounded least squares
    (Ruan, Maddison and Hashimoto 2024, arXiv 2405.10938), from their start w = 0.03, b = 0.

    Parameters
    ----------
    panel : accuracies must be shares
    components : at most so many; fewer where there are not so many other tasks

    Returns
    -------
    columns as from `leave_family_out`; scores are nan where the fit fails, and whatever is computed from them is too

    Notes
    -----
    Dearer than a proxy: it needs the held-out models' own accuracies on every other task. Accuracies are standardised
    over the training families before the components are taken (ours). Five parameters on 15 models are many.
    """
    if not ((panel.accuracy >= 0) & (panel.accuracy <= 1)).all():
        raise UserError("observational scaling: accuracies must be shares between 0 and 1")
    if len(panel.tasks) < 2:
        raise UserError("observational scaling: at least 2 tasks are needed")
    frames = []
    for family in family_labels(panel):
        kept = panel.families != family
        z = standardise(panel.accuracy, kept)
        for task in range(len(panel.tasks)):
            others = np.delete(z, task, axis=1)
            inputs = others @ principal_axes(others[kept], components)
            scores = standardise(_logistic_prediction(inputs, panel.accuracy[:, task], kept), kept)
            frames.append(fold_frame(panel, FAMILY_OUT, 0, family, [task], scores[:, None]))
    return pd.concat(frames, ignore_index=True)


def _logistic_prediction(inputs: np.ndarray, y: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """[n] predictions of a curve fitted on the kept models; nan throughout if it cannot be fitted."""
    size = inputs.shape[1]

    def curve(x, floor, start, *slopes):
        return floor + (1 - floor) / (1 + np.exp(-np.clip(start + x @ np.array(slopes), -500, 500)))

    bounds = ([0.0] + [-np.inf] * (1 + size), [0.2] + [np.inf] * (1 + size))
    try:
        coefficients = curve_fit(curve, inputs[kept], y[kept], [0.0, 0.0] + [0.03] * size, bounds=bounds, max_nfev=10_000)[0]
    except RuntimeError:
        return np.full(len(y), np.nan)
    return curve(inputs, *coefficients)
