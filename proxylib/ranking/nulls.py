"""What choosing among features finds by chance: the best of many on shuffled accuracies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from proxylib.ranking.panel import SAME, Panel, mean_rho, unit_ranks
from proxylib.ranking.protocols import task_folds
from proxylib.ranking.summaries import aligned_panels


def univariate_rho(panels: Panel | Sequence[Panel]) -> np.ndarray:
    """[F] Spearman correlation of each feature, as measured, with accuracy: mean over tasks and seeds."""
    return np.mean([mean_rho(panel.features, panel.accuracy) for panel in aligned_panels(panels)], axis=0)


def best_of_null(panels: Panel | Sequence[Panel], draws: int, seed: int, families_whole: bool = False) -> np.ndarray:
    """What the best single feature scores when no feature knows anything: the whole choice, repeated under permutation.

    Parameters
    ----------
    panels : one per seed; the choice is made once, on the mean over tasks and seeds
    draws : permutations
    seed : of the generator
    families_whole : exchange families of one size as wholes, and models inside them, instead of models freely

    Returns
    -------
    [draws] highest correlation over features and signs; the observed one is `np.abs(univariate_rho(panels)).max()`

    Notes
    -----
    Models' accuracies are permuted as whole rows and alike for all seeds, so tasks and seeds stay as dependent as they
    are. Freely, models of one family are treated as exchangeable with others: where features and accuracies both go by
    family, that null is too narrow; `families_whole` keeps what a family shares. A share of draws above the observed value
    must count the observed one: (1 + above) / (1 + draws).
    """
    panels = aligned_panels(panels)
    orders = _permutations(_blocks(panels[0], families_whole), draws, seed)
    return np.abs(np.mean([_permuted_rho(panel, orders).mean(0) for panel in panels], axis=0)).max(1)


def choice_null(panels: Panel | Sequence[Panel], draws: int, seed: int, families_whole: bool = False, k: int = 2) -> np.ndarray:
    """What `Univariate` scores under leave-tasks-out when no feature knows anything: every fold's choice, repeated.

    Parameters
    ----------
    panels : one per seed; each chooses for itself
    draws, seed, families_whole : as for `best_of_null`
    k : tasks held out at a time

    Returns
    -------
    [draws] mean correlation over folds, held-out tasks and seeds

    Notes
    -----
    Permuted as in `best_of_null`. The tasks' dependence is kept and with it the part of a held-out correlation that comes
    from the same models being in training and test: where tasks agree, this null is much wider than chance on new models.
    """
    panels = aligned_panels(panels)
    orders = _permutations(_blocks(panels[0], families_whole), draws, seed)
    return np.mean([_choices(_permuted_rho(panel, orders), task_folds(panel, k)) for panel in panels], axis=0)


def _blocks(panel: Panel, families_whole: bool) -> np.ndarray:
    return panel.families if families_whole else np.zeros(len(panel.models))


def _permutations(blocks: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """[draws, n]: the model whose accuracies each model is given; blocks [n] of one size are exchanged whole."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(blocks == label) for label in dict.fromkeys(blocks.tolist())]
    orders = np.empty((draws, len(blocks)), int)
    for order in orders:
        for size in {len(block) for block in members}:
            alike = [block for block in members if len(block) == size]
            for block, other in zip(alike, rng.permutation(len(alike)), strict=True):
                order[block] = rng.permutation(alike[other])
    return orders


def _permuted_rho(panel: Panel, orders: np.ndarray) -> np.ndarray:
    """[T, draws, F] Spearman correlations with permuted accuracies: one product of unit ranks per task."""
    y = unit_ranks(panel.accuracy)[orders]  # [draws, n, T]
    return np.moveaxis(y, 2, 0) @ np.moveaxis(unit_ranks(panel.features), 1, 0)


def _choices(rhos: np.ndarray, folds: list[tuple[int, ...]]) -> np.ndarray:
    """[draws] mean held-out correlation of the feature and sign chosen in each fold, from [T, draws, F]."""
    total = 0.0
    for out in folds:
        held_in = np.round(np.delete(rhos, out, axis=0).mean(0), SAME)
        best = np.abs(held_in).argmax(1)[:, None]
        sign = np.where(np.take_along_axis(held_in, best, 1) < 0, -1, 1)
        total = total + (sign * np.take_along_axis(rhos[list(out)].mean(0), best, 1))[:, 0]
    return total / len(folds)
