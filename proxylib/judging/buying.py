"""Which votes to buy next: on the pairs where so many more would take most doubt away about which of two models is better."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr

from proxylib.judging.preferences import Ratings, contrasts

STEPS = 10  # parts of the budget, each spent where it helps most after the parts before it
MOST_TRIED = 60  # pairs that a part may go to, the most doubtful


def next_votes(ratings: Ratings, budget: int) -> pd.DataFrame:
    """Where to spend a number of votes.

    Parameters
    ----------
    ratings : of `preferences.fit`
    budget : votes in all

    Returns
    -------
    pd.DataFrame
        first, second, votes, doubt, after, joins. Doubt is the mean, over all pairs of models, of the chance that the better
        one of the two is the other than estimated (a half where nothing connects them); `after` is what is expected of it once
        this row's votes and those of the rows above are in. Where groups are not connected, votes that join them come first
        (`joins`), and the budget is theirs

    Notes
    -----
    Estimates are taken for the truth, and the new votes for a mix of judges and questions as it was. Spending is greedy, part
    by part; a pair's own order may be settled by votes on other pairs.
    """
    if len(np.unique(ratings.group)) > 1:
        return _joining(ratings, budget)
    design = np.divide(ratings.variances, whole := contrasts(ratings.alone), out=np.ones_like(whole), where=whole > 0)
    distance = np.abs(ratings.differences)
    share = 1 / (1 + np.exp(-distance))
    worth = share * (1 - share)  # of one independent vote: what it adds to one over the variance
    covariance, upper = ratings.alone, np.triu_indices(len(ratings.models), 1)
    before = _doubt(contrasts(covariance), design, distance)[upper].mean()
    spent: dict[tuple[int, int], float] = {}
    parts = np.diff(np.linspace(0, budget, min(STEPS, budget) + 1).round())
    after = {}
    for part in parts:
        pair, covariance = _best(covariance, design, distance, worth, part)
        spent[pair] = spent.get(pair, 0) + part
        after[pair] = _doubt(contrasts(covariance), design, distance)[upper].mean()
    rows = [(ratings.models[i], ratings.models[j], int(votes), before, after[i, j], False) for (i, j), votes in spent.items()]
    frame = pd.DataFrame(rows, columns=["first", "second", "votes", "doubt", "after", "joins"])
    return frame.sort_values("after", ascending=False, kind="stable", ignore_index=True)


def doubt(ratings: Ratings) -> float:
    """The mean chance, over all pairs of models, that the better one is the other; see `next_votes`."""
    distance = np.abs(ratings.differences)
    upper = np.triu_indices(len(ratings.models), 1)
    return float(_doubt(ratings.variances, np.ones_like(distance), distance)[upper].mean())


def _doubt(variance: np.ndarray, design: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """[K, K] chance that an order is wrong."""
    error = np.sqrt(variance * design)
    ratio = np.divide(distance, error, out=np.full_like(error, np.inf), where=error > 0)
    return np.where(np.isnan(distance), 0.5, ndtr(-np.nan_to_num(ratio, nan=0.0)))


def _best(
    covariance: np.ndarray, design: np.ndarray, distance: np.ndarray, worth: np.ndarray, votes: float
) -> tuple[tuple[int, int], np.ndarray]:
    """The pair on which so many votes leave least doubt, and the covariance with them."""
    first, second = np.triu_indices(len(covariance), 1)
    now = _doubt(contrasts(covariance), design, distance)[first, second]
    tried = np.argsort(-now, kind="stable")[:MOST_TRIED]
    best: tuple[float, tuple[int, int], np.ndarray] | None = None
    for i, j in zip(first[tried], second[tried], strict=True):
        updated = _with_votes(covariance, i, j, votes * worth[i, j])
        left = _doubt(contrasts(updated), design, distance)[first, second].mean()
        if best is None or left < best[0] - 1e-15:
            best = left, (int(i), int(j)), updated
    return best[1], best[2]


def _with_votes(covariance: np.ndarray, i: int, j: int, information: float) -> np.ndarray:
    """The covariance after so much information about the difference of two (Sherman and Morrison 1950)."""
    along = covariance[:, i] - covariance[:, j]
    return covariance - np.outer(along, along) * information / (1 + information * (along[i] - along[j]))


def _joining(ratings: Ratings, budget: int) -> pd.DataFrame:
    """Votes that join the groups: the largest with each other one, by the model of most votes in each."""
    models = len(ratings.models)
    counts = np.bincount(ratings.pairs["first"], ratings.pairs["votes"], models)
    counts += np.bincount(ratings.pairs["second"], ratings.pairs["votes"], models)
    sizes = np.bincount(ratings.group)
    busiest = [
        max(np.flatnonzero(ratings.group == number), key=lambda place: counts[place])
        for number in np.argsort(-sizes, kind="stable")
    ]
    each = max(budget // (len(busiest) - 1), 1)
    now = doubt(ratings)
    rows = [(ratings.models[busiest[0]], ratings.models[other], each, now, np.nan, True) for other in busiest[1:]]
    return pd.DataFrame(rows, columns=["first", "second", "votes", "doubt", "after", "joins"])
