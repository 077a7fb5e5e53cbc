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
from scipy.stats import norm, t

from proxylib.errors import UserError

POINTS = 400 / np.log(10)  # of a rating, for odds of e: 400 are odds of ten to one, as in chess
CLUSTERS = ("judge", "question")
MOST_CELLS = 4e7  # of the table that is fitted: pairs times models
POWER = 0.8


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
    for a proportion). What is estimated through them is finite, its interval open, and its variance no smaller than the model's.
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
    fitted = GLM(shares, design[:, kept], family=Binomial(), var_weights=weights).fit(
        method="newton", disp=0, max_start_irls=0
    )
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
    """[K, K] what one more vote on every pair might move: votes that all say the same, such as a handful of ties, are no proof."""
    weight = np.sqrt(share * (1 - share))
    rows, models = np.arange(len(pairs)), len(bread)
    summed = sparse.coo_matrix(
        (np.r_[weight, -weight], (np.r_[rows, rows], np.r_[pairs["first"], pairs["second"]])), shape=(len(pairs), models)
    ).tocsr()
    return bread @ (summed.T @ summed).toarray() @ bread


def table(ratings: Ratings, baseline: str | None = None) -> pd.DataFrame:
    """A row per model, the best first within its group.

    Parameters
    ----------
    ratings : of `fit`
    baseline : model that stands at zero; the mean of its group without it

    Returns
    -------
    pd.DataFrame
        model, group (1 is the largest), rating, low, high (in points: 400 are odds of ten to one), low_alone, high_alone (if
        votes were independent), votes, won, tied, lost, best, worst (ranks that the settled orders of `orders` leave open,
        within the group)

    Notes
    -----
    An interval is of one model against the mean, or the baseline. Two that overlap may still be settled, and the other way
    round: `orders` has the differences.
    """
    models = len(ratings.models)
    centre = ratings.group[:, None] == ratings.group[None, :]
    centre = centre / centre.sum(1, keepdims=True)
    if baseline is not None:
        place = ratings.models.index(baseline)
        with_it = ratings.group == ratings.group[place]
        centre[with_it] = np.arange(models) == place
    against = np.eye(models) - centre
    estimate = against @ ratings.strengths
    spread = lambda covariance: np.einsum("ij,jk,ik->i", against, covariance, against).clip(0)
    reach = ratings.reach * np.sqrt(np.max([spread(each) for each in ratings.spreads], axis=0))
    plain = norm.ppf((1 + ratings.level) / 2) * np.sqrt(spread(ratings.alone))
    open_above, open_below = ratings.above.any(axis=1), ratings.above.any(axis=0)
    ends = {"low": np.where(open_below, -np.inf, estimate - reach), "high": np.where(open_above, np.inf, estimate + reach)}
    if baseline is not None:  # which way is open is a matter of the two
        ends["low"] = np.where(ratings.above[place], -np.inf, estimate - reach)
        ends["high"] = np.where(ratings.above[:, place], np.inf, estimate + reach)
    frame = pd.DataFrame({"model": ratings.models, "group": _by_size(ratings.group), "rating": POINTS * estimate})
    frame = frame.assign(**{name: POINTS * end for name, end in ends.items()})
    frame = frame.assign(low_alone=POINTS * (estimate - plain), high_alone=POINTS * (estimate + plain))
    frame = frame.assign(**_record(ratings), **_ranks(ratings))
    return frame.sort_values(["group", "rating", "model"], ascending=[True, False, True], kind="stable", ignore_index=True)


def _by_size(group: np.ndarray) -> np.ndarray:
    """Groups numbered from the largest, 1, on."""
    sizes = np.bincount(group)
    order = np.argsort(-sizes, kind="stable")
    return 1 + np.argsort(order, kind="stable")[group]


def _record(ratings: Ratings) -> dict[str, np.ndarray]:
    pairs, models = ratings.pairs, len(ratings.models)
    total = lambda mine, theirs: (
        np.bincount(pairs["first"], pairs[mine], models) + np.bincount(pairs["second"], pairs[theirs], models)
    ).astype(int)
    names = {"votes": ("votes", "votes"), "won": ("won", "lost"), "tied": ("tied", "tied"), "lost": ("lost", "won")}
    return {name: total(*columns) for name, columns in names.items()}


def _ranks(ratings: Ratings) -> dict[str, np.ndarray]:
    place = {model: number for number, model in enumerate(ratings.models)}
    rows = orders(ratings)
    rows = rows[rows["settled"]]
    models = len(place)
    better, worse = (np.bincount(rows[name].map(place), minlength=models) for name in ("worse", "better"))
    size = np.bincount(ratings.group)[ratings.group]
    return {"best": 1 + better, "worst": size - worse}


def orders(ratings: Ratings) -> pd.DataFrame:
    """A row per two models, and whether their order is settled; all orders at once hold with the level of the intervals.

    Returns
    -------
    pd.DataFrame
        better, worse (as estimated), difference, low, high (points; each interval for itself), share (of the points that the
        better takes from the worse, as fitted), p, p_all (Holm's, over all pairs that votes connect), settled; votes, won,
        tied, lost (of the two against each other, by the better); design (variance over that of independent votes), needed
        (votes of these two that would settle this order with 80 % power, were the difference as estimated; 0 where it is
        settled, nan where nothing connects the two)

    Notes
    -----
    `needed` takes the estimate for the truth. Estimates that look large by luck ask for too few, and the smaller end of the
    interval asks for more. New votes must come from new judges and questions in the mix of those at hand.
    """
    models = len(ratings.models)
    first, second = np.triu_indices(models, 1)
    difference = ratings.differences[first, second]
    turned = (difference < 0) | (np.isnan(difference) & (ratings.strengths[first] < ratings.strengths[second]))
    first, second = np.where(turned, second, first), np.where(turned, first, second)
    difference, variance = np.abs(difference), ratings.variances[first, second]
    alone = contrasts(ratings.alone)[first, second]
    error = np.sqrt(variance)
    p = 2 * t.sf(np.divide(difference, error, out=np.zeros_like(error), where=error > 0), ratings.degrees)
    known, apart = np.isfinite(difference), ratings.tier[first] != ratings.tier[second]
    above, below = ratings.above[first, second], ratings.above[second, first]
    p = np.where(~known, np.nan, np.where(apart & ~above, 1.0, p))  # two that lost all to a third are in no order
    low = np.where(apart & ~above, -np.inf, difference - ratings.reach * error)
    high = np.where(apart & (above | ~below), np.inf, difference + ratings.reach * error)
    frame = pd.DataFrame({"better": np.array(ratings.models)[first], "worse": np.array(ratings.models)[second]})
    frame = frame.assign(difference=POINTS * difference, low=np.where(known, POINTS * low, np.nan))
    frame = frame.assign(high=np.where(known, POINTS * high, np.nan), share=_share(difference), p=p, p_all=_holm(p))
    frame["settled"] = frame["p_all"] < 1 - ratings.level
    frame = frame.assign(**_met(ratings, first, second), design=np.divide(variance, alone, where=alone > 0, out=np.ones_like(alone)))
    asked = needed(difference, alone, frame["design"].to_numpy(), 1 - ratings.level, max(int(known.sum()), 1), ratings.degrees)
    frame["needed"] = np.where(frame["settled"], 0.0, np.where(known, asked, np.nan))
    return frame.sort_values(["settled", "difference"], ascending=False, kind="stable", ignore_index=True)


def _share(difference: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-difference))


def _holm(p: np.ndarray) -> np.ndarray:
    from statsmodels.stats.multitest import multipletests

    corrected, known = np.full(len(p), np.nan), np.isfinite(p)
    if known.any():
        corrected[known] = multipletests(p[known], method="holm")[1]
    return corrected


def _met(ratings: Ratings, first: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:
    """Votes of two models against each other, by the first."""
    models = len(ratings.models)
    whole = np.zeros((4, models, models), int)
    pairs = ratings.pairs
    for layer, (mine, theirs) in enumerate((("votes", "votes"), ("won", "lost"), ("tied", "tied"), ("lost", "won"))):
        whole[layer, pairs["first"], pairs["second"]] = pairs[mine]
        whole[layer, pairs["second"], pairs["first"]] = pairs[theirs]
    return dict(zip(("votes", "won", "tied", "lost"), whole[:, first, second], strict=True))


def needed(difference: np.ndarray, alone: np.ndarray, design: np.ndarray, alpha: float, tests: int, degrees: float) -> np.ndarray:
    """Further votes on a pair until its order is settled with 80 % power.

    Parameters
    ----------
    difference : log odds that are taken for the truth
    alone : variance of the difference now, if votes were independent; inf where there is no vote yet
    design : how many times the variance is that of independent votes
    alpha : of all orders together
    tests : orders that are tested
    degrees : of freedom
    """
    wanted = np.abs(difference) / (t.ppf(1 - alpha / tests / 2, degrees) + norm.ppf(POWER))
    share = _share(difference)
    with np.errstate(divide="ignore", invalid="ignore"):
        votes = (design / wanted**2 - 1 / alone) / (share * (1 - share))
    return np.ceil(np.maximum(votes, 1))
