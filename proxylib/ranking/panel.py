"""A panel: features and accuracies of one population of models, made ready for ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from proxylib.errors import UserError


def usable(accuracy: pd.DataFrame, ranked: tuple[str, ...]) -> tuple[str, ...]:
    """Ranked tasks on which the models of every seed differ at all; where all score alike there is nothing to rank."""
    spread = accuracy.groupby(["task", "seed"])["estimate"].agg(np.ptp).groupby("task").min()
    return tuple(task for task in ranked if spread[task] > 0)


SAME = 12  # decimals to which correlations are compared, lest rounding break their ties


@dataclass(frozen=True, eq=False)
class Panel:
    """Proxies and accuracies of one training seed's population; arrays are copied and read-only.

    Parameters
    ----------
    models : n names
    families : [n] labels; the cluster of every interval
    tasks : T names
    features : [n, T, F] proxies as measured, in their own units
    names : F names
    accuracy : [n, T] shares correct

    Raises
    ------
    UserError
        Where shapes disagree, a name occurs twice or is empty, a value is not finite, or a task's accuracies are all
        alike: no order of the models is then right or wrong, and the task belongs to no mean.
    """

    models: Sequence[str]
    families: np.ndarray
    tasks: Sequence[str]
    features: np.ndarray
    names: Sequence[str]
    accuracy: np.ndarray

    def __post_init__(self):
        for field, kind in (("families", str), ("features", float), ("accuracy", float)):
            copy = np.array(getattr(self, field), kind)
            copy.setflags(write=False)  # fits are remembered per panel
            object.__setattr__(self, field, copy)
        for field in ("models", "tasks", "names"):
            labels = list(getattr(self, field))
            object.__setattr__(self, field, labels)
            if len(set(labels)) < len(labels):
                raise UserError(f"panel: {field} holds a name twice")
        shape = (len(self.models), len(self.tasks), len(self.names))
        expected = {"families": shape[:1], "features": shape, "accuracy": shape[:2]}
        for field, size in expected.items():
            values = getattr(self, field)
            if values.shape != size:
                raise UserError(f"panel: {field} has shape {values.shape}, expected {size} (models, tasks, features)")
            if field != "families" and not np.isfinite(values).all():
                raise UserError(f"panel: {field} holds a value that is not finite")
        if "" in self.families:
            raise UserError("panel: a family has no name")
        alike = np.flatnonzero(np.ptp(self.accuracy, axis=0) == 0)
        if len(alike):
            raise UserError(f"panel: all models score alike on {self.tasks[alike[0]]}; leave that task out")


def standardise(features: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Each feature within each task to mean 0 and standard deviation 1 over the given models.

    Parameters
    ----------
    features : [n, ...] values, models first
    rows : [n] bool or indices of the models whose mean and population standard deviation are used

    Returns
    -------
    Same shape; 0 for every model, given or not, where the given models do not differ

    Notes
    -----
    Labels are not used, so a held-out task may be standardised over all models. A held-out family may not take part: its
    values would say where it stands among the others.
    """
    centre, spread = features[rows].mean(0), features[rows].std(0)
    # a column of equal numbers can have a spread of one rounding; dividing by that would invent differences
    flat = spread <= 1e-12 * np.abs(features[rows]).max(0)
    return np.where(flat, 0.0, (features - centre) / np.where(flat, 1.0, spread))


def unit_ranks(values: np.ndarray) -> np.ndarray:
    """Centred mid-ranks of unit length along the first axis: Spearman's correlation is the dot product of two such.

    Parameters
    ----------
    values : [n, ...]

    Returns
    -------
    Same shape; all 0 where the values are constant, so an undefined correlation counts as 0 in a mean
    """
    ranks = rankdata(values, axis=0) - (len(values) + 1) / 2
    length = np.sqrt((ranks**2).sum(0))
    return ranks / np.where(length > 0, length, 1.0)


def mean_rho(values: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's correlation over models of [n, T, ...] with [n, T], mean over tasks, rounded so that ties stay ties."""
    y = y.reshape(y.shape + (1,) * (values.ndim - 2))
    return np.round((unit_ranks(values) * unit_ranks(y)).sum(0).mean(0), SAME)
