"""What ratings say: a table of models, which of two is better and whether that is settled, how many votes would settle it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from proxylib.judging.preferences import Ratings, contrasts

POINTS = 400 / np.log(10)  # of a rating, for odds of e: 400 are odds of ten to one, as in chess
POWER = 0.8


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
    frame = frame.assign(
        **_met(ratings, first, second), design=np.divide(variance, alone, where=alone > 0, out=np.ones_like(alone))
    )
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


def needed(
    difference: np.ndarray, alone: np.ndarray, design: np.ndarray, alpha: float, tests: int, degrees: float
) -> np.ndarray:
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
