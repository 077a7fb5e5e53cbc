"""Each feature by itself: its correlation with accuracy, how steadily it wins, and its likeness to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.ranking.panel import Panel, unit_ranks
from proxylib.ranking.protocols import fitted_without, task_folds
from proxylib.ranking.rankers import Linear, Ranker
from proxylib.ranking.summaries import aligned_panels, drawn_rho, families_drawn, over_seeds, panel_sizes
from proxylib.stats import Bootstrap


def univariate_grid(panels: Panel | Sequence[Panel], signs: Sequence[float], bootstrap: Bootstrap) -> pd.DataFrame:
    """Every feature's correlation with accuracy, in its orientation fixed in advance, per task and on average.

    Parameters
    ----------
    panels : one per seed
    signs : F numbers, +1 where more is better and -1 where less is
    bootstrap : draws, level and seed of the bootstrap over families

    Returns
    -------
    columns feature, task ("mean" for the mean over tasks), estimate, low, high, seed_low, seed_high, models, families,
    seeds

    Notes
    -----
    Eighty intervals, none corrected for the others: the best of them is best partly by luck (`best_of_null`).
    """
    panels = aligned_panels(panels)
    if len(signs) != len(panels[0].names):
        raise UserError(f"univariate grid: {len(signs)} signs for {len(panels[0].names)} features")
    families = families_drawn(panels[0], bootstrap)
    rows = []
    for f, (name, sign) in enumerate(zip(panels[0].names, signs, strict=True)):
        rho = lambda panel, t, f=f, sign=sign: drawn_rho(sign * panel.features[:, t, f], panel.accuracy[:, t], families.weights)
        rhos = np.array([[rho(panel, t) for t in range(len(panel.tasks))] for panel in panels])  # [seeds, T, 1 + draws]
        layers = {"mean": rhos.mean(1)} | {task: rhos[:, t] for t, task in enumerate(panels[0].tasks)}
        rows += [(name, task, *over_seeds(families, values), *panel_sizes(panels)) for task, values in layers.items()]
    numbers = ["estimate", "low", "high", "seed_low", "seed_high", "models", "families", "seeds"]
    return pd.DataFrame(rows, columns=["feature", "task", *numbers])


def stability(panel: Panel, ranker: Ranker, k: int = 2) -> pd.DataFrame:
    """Which features a ranker chooses in each fold of leave-tasks-out.

    Parameters
    ----------
    panel : one seed's
    ranker : one whose scorers are `Linear`
    k : tasks held out at a time

    Returns
    -------
    columns fold, held_out (task names), chosen (features of non-zero weight), signs (as "+-+", in their order), folds (how
    many folds choose the same features)

    Notes
    -----
    Folds share most of their tasks, so a choice repeated in all of them is not confirmed that often.
    """
    rows = []
    everything = range(len(panel.tasks))
    for fold, out in enumerate(task_folds(panel, k)):
        scorer = fitted_without(panel, ranker, tuple(t for t in everything if t not in out), "")
        if not isinstance(scorer, Linear):
            raise UserError("stability: the ranker's scorer is not linear in the features")
        chosen = np.flatnonzero(scorer.weights)
        signs = "".join("+" if scorer.weights[f] > 0 else "-" for f in chosen)
        held_out = ", ".join(panel.tasks[t] for t in out)
        rows.append((fold, held_out, ", ".join(panel.names[f] for f in chosen), signs))
    frame = pd.DataFrame(rows, columns=["fold", "held_out", "chosen", "signs"])
    return frame.assign(folds=frame.groupby("chosen")["fold"].transform("size"))


class FeatureCorrelation(NamedTuple):
    """[F, F] correlations, and share of variance -> how many of their principal components hold it."""

    correlation: pd.DataFrame
    components: dict[float, int]


def feature_correlation(panels: Panel | Sequence[Panel], shares: Sequence[float] = (0.9, 0.99)) -> FeatureCorrelation:
    """How much the features say the same: Spearman correlation over models between features, mean over tasks and seeds.

    Parameters
    ----------
    panels : one per seed
    shares : of the variance of ranks, for the count of principal components

    Notes
    -----
    Components are of the mean matrix, which has more than any one task's: redundancy within a task is higher. A feature
    that does not vary has correlation 0 even with itself.
    """
    panels = aligned_panels(panels)
    ranks = np.stack([unit_ranks(panel.features) for panel in panels])  # [seeds, n, T, F]
    flat = ranks.reshape(-1, ranks.shape[-1])
    matrix = flat.T @ flat / (len(panels) * ranks.shape[2])
    held = np.cumsum(np.linalg.eigvalsh(matrix)[::-1]) / np.trace(matrix)
    names = panels[0].names
    components = {share: int(np.argmax(held >= share - 1e-12)) + 1 for share in shares}
    return FeatureCorrelation(pd.DataFrame(matrix, index=names, columns=names), components)
