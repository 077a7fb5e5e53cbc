"""Correlations given what models share: inside strata of one value of a trait, and with the trait held fixed.

Where a trait moves both a proxy and accuracy, models that differ in it are ordered rightly for the trait's sake alone. What is
left of a correlation when the trait is taken out is what the proxy says beyond it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from proxylib.ranking.panel import Panel
from proxylib.ranking.summaries import RHO, drawn_rho, families_drawn, over_seeds, panel_sizes, rho
from proxylib.stats import Bootstrap

LEAST = 4  # models: a stratum of fewer says next to nothing of an order
WITHIN, PARTIAL = "rho inside strata", "rho, trait held fixed"
LOST = "rho minus {}"
Correlation = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # scores [n], accuracies [n], weights -> [draws]


def within(trait: np.ndarray) -> Correlation:
    """Mean over strata of models with one value of the trait, each weighted by its models.

    Parameters
    ----------
    trait : [n] values; models without one (nan), and those of strata of fewer than `LEAST`, are left out

    Notes
    -----
    In a draw that leaves a stratum without a correlation the others stand for it. A few models to a stratum make rough
    correlations, but not biased ones.
    """
    values, sizes = np.unique(trait[np.isfinite(trait)], return_counts=True)
    strata = [np.flatnonzero(trait == value) for value in values[sizes >= LEAST]]

    def correlation(scores: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        if not strata:
            return np.full(len(weights), np.nan)
        rhos = np.array([drawn_rho(scores[stratum], y[stratum], weights[:, stratum]) for stratum in strata])
        mass = np.array([weights[:, stratum].sum(1) for stratum in strata]) * np.isfinite(rhos)  # [strata, draws]
        whole = mass.sum(0)
        return np.where(whole > 0, (mass * np.nan_to_num(rhos)).sum(0) / np.where(whole > 0, whole, 1), np.nan)

    return correlation


def partial(trait: np.ndarray) -> Correlation:
    """Partial correlation of ranks: of what is left of both when a straight line in the trait's ranks is taken out.

    Parameters
    ----------
    trait : [n] values; models without one (nan) are left out

    Notes
    -----
    Only the part of the trait that ranks follow in a straight line is taken out. 0 where nothing is left of the scores.
    """
    kept = np.isfinite(trait)

    def correlation(scores: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        x, z, t, w = scores[kept], y[kept], trait[kept], weights[:, kept]
        if len(x) < LEAST:
            return np.full(len(weights), np.nan)
        direct, of_scores, of_accuracy = drawn_rho(x, z, w), drawn_rho(x, t, w), drawn_rho(t, z, w)
        of_scores, of_accuracy = (np.nan_to_num(r) for r in (of_scores, of_accuracy))  # a draw of one share: nothing to hold
        left = np.sqrt((1 - of_scores**2).clip(0) * (1 - of_accuracy**2).clip(0))
        return np.where(
            left > 1e-6,
            (direct - of_scores * of_accuracy) / np.where(left > 1e-6, left, 1),
            np.where(np.isnan(direct), np.nan, 0),
        )

    return correlation


def given_trait(
    panels: Sequence[Panel],
    predictions: Mapping[str, Sequence[pd.DataFrame]],
    traits: Sequence[np.ndarray],
    protocols: Sequence[str],
    bootstrap: Bootstrap,
) -> pd.DataFrame:
    """Every method's pooled correlation, that inside strata of the trait, and that with the trait held fixed.

    Parameters
    ----------
    panels, predictions, bootstrap : as for `summaries.summary`
    traits : one per panel, [n] values in the order of its models
    protocols : those that are asked

    Returns
    -------
    columns as from `summaries.summary`; quantities rho, `WITHIN`, `PARTIAL`, and what the pooled correlation is above
    each (`LOST`), paired
    """
    families, rows = families_drawn(panels[0], bootstrap), []
    for method, frames in predictions.items():
        for protocol in [name for name in protocols if name in set(frames[0]["protocol"])]:
            parts = [frame[frame["protocol"] == protocol] for frame in frames]
            trios = zip(parts, panels, traits, strict=True)
            asked = [(part, panel, {RHO: drawn_rho, WITHIN: within(t), PARTIAL: partial(t)}) for part, panel, t in trios]
            values = {
                name: np.stack([rho(part, panel, families.weights, ways[name]) for part, panel, ways in asked])
                for name in (RHO, WITHIN, PARTIAL)
            }
            values |= {LOST.format(name): values[RHO] - values[name] for name in (WITHIN, PARTIAL)}
            rows += [
                (method, protocol, name, *over_seeds(families, drawn), *panel_sizes(panels)) for name, drawn in values.items()
            ]
    numbers = ["estimate", "low", "high", "seed_low", "seed_high", "models", "families", "seeds"]
    return pd.DataFrame(rows, columns=["method", "protocol", "quantity", *numbers])
