"""Ratings of models from votes on pairs of their answers: Bradley and Terry's model, with ties and clustered intervals.

A tie is half a win of either, so that a rating says which share of the points (wins and half of the ties) a model takes from
another: the odds are e to the difference. statsmodels fits it, on one row per pair of models. Votes are no independent trials:
those of one judge, and those on one question, go together, so covariances sum scores over judges, over questions and over both
(Cameron, Gelbach and Miller 2011). Frames in, tidy frames out.

Three things that votes may lack are said and never guessed. Models that no chain of votes connects have no order (`group`). A
model that took every point from others has no finite rating: its interval has an open end (`tier`). One judge says nothing
about other judges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components, shortest_path
from scipy.stats import t

from proxylib.errors import UserError

CLUSTERS = ("judge", "question")
MOST_CELLS = 4e7  # of the table that is fitted: pairs times models


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings of K models.

    Parameters
    ----------
    models : names, in alphabetical order
    strengths : [K] log odds, with a mean of zero within each group
    group : [K] which models a chain of votes connects
    tier : [K] within a group, models of one tier took points from each other, in a circle at least
    above : [K, K] whether the first took every point that the tiers between it and the second played for
    spreads : [ways, K, K] covariances over judges and questions; the widest counts
    alone : [K, K] covariance if votes were independent
    pairs : a row per pair that was compared: first, second (places), votes, won, tied, lost (by the first)
    degrees : of freedom of Student's t, one fewer than there are clusters of the kind that has fewer
    clusters : column -> how many there are, for those that the intervals draw on
    level : coverage of intervals
    """

    models: tuple[str, ...]
    strengths: np.ndarray
    group: np.ndarray
    tier: np.ndarray
    above: np.ndarray
    spreads: np.ndarray
    alone: np.ndarray
    pairs: pd.DataFrame
    degrees: float
    clusters: dict[str, int]
    level: float

    @property
    def reach(self) -> float:
        """Standard errors from an estimate to the end of its interval."""
        return float(t.ppf((1 + self.level) / 2, self.degrees))

    @property
    def differences(self) -> np.ndarray:
        """[K, K] log odds of the first against the second; nan where nothing connects them."""
        same = self.group[:, None] == self.group[None, :]
        return np.where(same, self.strengths[:, None] - self.strengths[None, :], np.nan)

    @property
    def variances(self) -> np.ndarray:
        """[K, K] of the differences; the widest of the ways to cluster."""
        return np.max([contrasts(spread) for spread in self.spreads], axis=0)


def contrasts(covariance: np.ndarray) -> np.ndarray:
    """[K, K] variances of all differences."""
    own = np.diag(covariance)
    return np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0)


def fit(votes: pd.DataFrame, level: float) -> Ratings:
    """Rate the models of some votes.

    Parameters
    ----------
    votes : columns a, b (names of models, never the same), points (of a: 1, 0.5 for a tie, 0); where known, judge and question
    level : coverage of intervals

    Raises
    ------
    UserError
        Where there is no vote, or there are too many models for one table.

    Notes
    -----
    Where one model took every point from another, maximum likelihood puts infinity between them. Such pairs count as so many
    votes as there are judges or questions among them, whichever are fewer, and get half a win of either beside (Jeffreys' prior
    for a proportion). What is estimated through them is finite, its interval open, its variance no smaller than the model's.
    """
    if votes.empty:
        raise UserError("votes: none is left to rate models by")
    codes, models = pd.factorize(pd.concat([votes["a"], votes["b"]], ignore_index=True), sort=True)
    first, second = np.split(codes, 2)
    turned = first > second
    lower, upper = np.where(turned, second, first), np.where(turned, first, second)
    points = np.where(turned, 1 - votes["points"].to_numpy(float), votes["points"].to_numpy(float))
    place, keys = pd.factorize(lower.astype(np.int64) * len(models) + upper, sort=True)
    count = lambda chosen: np.bincount(place[chosen], minlength=len(keys))
    pairs = pd.DataFrame(
        {"first": keys // len(models), "second": keys % len(models), "votes": np.bincount(place)}
        | {name: count(points == value) for name, value in (("won", 1.0), ("tied", 0.5), ("lost", 0.0))}
    )
    if len(pairs) * len(models) > MOST_CELLS:
        raise UserError(f"votes: {len(models)} models in {len(pairs)} pairs are too many at once; leave those of few votes out")
    ways, sizes = _ways(votes)
    group, tier, above = tiers(pairs, len(models))
    apart = tier[pairs["first"]] != tier[pairs["second"]]
    counted = np.where(apart, _independent(place, ways, len(keys)), pairs["votes"])
    strengths, alone, share = _fitted(pairs, counted, apart, group)
    residuals = (points - share[place]) * (counted / pairs["votes"].to_numpy())[place]
    scores = (residuals, lower, upper)
    unseen = _one_more(pairs, share, alone)
    spreads = [alone] if apart.any() else []
    single = [_sandwich(alone, scores, codes) + unseen for codes in ways]
    spreads += single
    if len(ways) == 2:
        both = pd.factorize(ways[0].astype(np.int64) * (ways[1].max() + 1) + ways[1])[0]
        spreads.append(single[0] + single[1] - _sandwich(alone, scores, both) - unseen)
    degrees = min(int(codes.max()) for codes in ways)
    return Ratings(
        models=tuple(map(str, models)),
        strengths=strengths,
        group=group,
        tier=tier,
        above=above,
        spreads=np.stack(spreads),
        alone=alone,
        pairs=pairs,
        degrees=max(degrees, 1),
        clusters=sizes,
        level=level,
    )


def _ways(votes: pd.DataFrame) -> tuple[list[np.ndarray], dict[str, int]]:
    """Codes of what votes go together by, and how many there are of each; each vote alone where nothing is known."""
    ways, sizes = [], {}
    for name in CLUSTERS:
        if name in votes:
            codes, values = pd.factorize(votes[name], use_na_sentinel=False)
            if len(values) > 1:
                ways.append(codes)
                sizes[name] = len(values)
    return ways or [np.arange(len(votes))], sizes


def _independent(place: np.ndarray, ways: Sequence[np.ndarray], pairs: int) -> np.ndarray:
    """[pairs] how many judges or questions a pair has, whichever are fewer."""
    together = [pd.unique(place * (codes.max() + 1) + codes) // (codes.max() + 1) for codes in ways]
    return np.min([np.bincount(each, minlength=pairs) for each in together], axis=0)


def tiers(pairs: pd.DataFrame, models: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What hangs together, and what stands above what without ever giving a point.

    Returns
    -------
    group, tier, above; see `Ratings`
    """
    first, second = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    gave = pairs["lost"].to_numpy() + pairs["tied"].to_numpy() > 0
    took = pairs["won"].to_numpy() + pairs["tied"].to_numpy() > 0
    rows, columns = np.r_[first[took], second[gave]], np.r_[second[took], first[gave]]
    beats = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(models, models)).tocsr()
    group = connected_components(beats, directed=False)[1]
    number, tier = connected_components(beats, directed=True, connection="strong")
    edges = sparse.coo_matrix((np.ones(len(rows)), (tier[rows], tier[columns])), shape=(number, number)).tocsr()
    reached = np.isfinite(shortest_path(edges, unweighted=True))
    return group, tier, reached[np.ix_(tier, tier)] & (tier[:, None] != tier[None, :])


def _fitted(
    pairs: pd.DataFrame, counted: np.ndarray, apart: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """[K] strengths and [K, K] their covariance, if votes were independent, both centred within groups; [pairs] shares."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    first, second = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    observed = (pairs["won"] + pairs["tied"] / 2).to_numpy() / pairs["votes"].to_numpy()
    weights = counted + apart  # with half a win of either where one took all
    shares = (observed * counted + 0.5 * apart) / weights
    design = np.zeros((len(pairs), len(group)))
    design[np.arange(len(pairs)), first], design[np.arange(len(pairs)), second] = 1, -1
    kept = np.setdiff1d(np.arange(len(group)), np.unique(group, return_index=True)[1])  # one model of each group stands at zero
    fitted = GLM(shares, design[:, kept], family=Binomial(), var_weights=weights).fit(method="newton", disp=0, max_start_irls=0)
    strengths, covariance = np.zeros(len(group)), np.zeros((len(group), len(group)))
    strengths[kept], covariance[np.ix_(kept, kept)] = fitted.params, fitted.cov_params()
    same = (group[:, None] == group[None, :]).astype(float)
    centred = np.eye(len(group)) - same / same.sum(1, keepdims=True)
    return centred @ strengths, centred @ covariance @ centred.T, fitted.fittedvalues


def _sandwich(bread: np.ndarray, scores: tuple[np.ndarray, np.ndarray, np.ndarray], clusters: np.ndarray) -> np.ndarray:
    """[K, K] covariance from scores that are summed over clusters; statsmodels' own wants a row of K numbers per vote."""
    residuals, first, second = scores
    number, models = clusters.max() + 1, len(bread)
    cells = np.r_[residuals, -residuals], (np.r_[clusters, clusters], np.r_[first, second])
    summed = sparse.coo_matrix(cells, shape=(number, models)).tocsr()
    meat = (summed.T @ summed).toarray()
    return bread @ meat @ bread * number / (number - 1 if number > 1 else 1)


def _one_more(pairs: pd.DataFrame, share: np.ndarray, bread: np.ndarray) -> np.ndarray:
    """[K, K] what one more vote on every pair might move: votes that all say the same, such as a few ties, are no proof."""
    weight = np.sqrt(share * (1 - share))
    rows, models = np.arange(len(pairs)), len(bread)
    summed = sparse.coo_matrix(
        (np.r_[weight, -weight], (np.r_[rows, rows], np.r_[pairs["first"], pairs["second"]])), shape=(len(pairs), models)
    ).tocsr()
    return bread @ (summed.T @ summed).toarray() @ bread
