"""How many comparisons a ranking needs: campaigns drawn from the votes that there are, and what they would cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.stats import binom, t

from proxylib import stats
from proxylib.judging import orders, preferences
from proxylib.judging.preferences import CLUSTERS
from proxylib.stats import Interval

SIZES = (50, 100, 200, 500, 1000, 2000, 10_000)  # votes of a campaign
CLAIMED, CLAIMED_AT_MOST = 2000, 10_000  # that a ranking is said to need
CAMPAIGNS = 80  # drawn of every size and kind; the even ones are compared with the odd
SHARES = (0.51, 0.52, 0.53, 0.55, 0.6, 0.7)  # of the points that one of two models takes
DOLLARS = (1, 5)  # a comparison, as the article has it
TRIED = (20, 2000)  # votes that a pair may need for its number to be tried out
TESTS = 60  # campaigns on one pair


def members(votes: pd.DataFrame, by: str) -> list[np.ndarray]:
    """Rows of each judge, or of each question."""
    return list(votes.groupby(by, sort=True).indices.values())


def drawn(votes: pd.DataFrame, groups: Sequence[np.ndarray], size: int, by: str, rng: np.random.Generator) -> pd.DataFrame:
    """A campaign of so many votes: judges, or questions, drawn whole with replacement until these are enough.

    Parameters
    ----------
    votes : columns a, b, points, judge, question
    groups : of `members`
    size : votes
    by : judge or question; one that is drawn twice counts as two

    Notes
    -----
    The other of the two is not drawn, so that campaigns of many votes ask the same questions, or the same judges.
    """
    rows, labels = [], []
    total = 0
    while total < size:
        pick = groups[rng.integers(len(groups))]
        rows.append(rng.permutation(pick)[: size - total])
        labels.append(np.full(len(rows[-1]), len(labels)))
        total += len(rows[-1])
    return votes.iloc[np.concatenate(rows)].assign(**{by: np.concatenate(labels)})


def alike(
    votes: pd.DataFrame, level: float, seed: int, sizes: Sequence[int] = SIZES, campaigns: int = CAMPAIGNS
) -> pd.DataFrame:
    """How often two independent campaigns order two models alike.

    Returns
    -------
    pd.DataFrame
        votes, drawn (judge or question), first, second, alike (share of pairs of campaigns; a model that one campaign never met
        is in no order)
    """
    models = sorted({*votes["a"], *votes["b"]})
    upper = np.triu_indices(len(models), 1)
    rows = []
    for by in CLUSTERS:
        rng, groups = np.random.default_rng([seed, CLUSTERS.index(by)]), members(votes, by)
        for size in sizes:
            signs = np.array([_signs(drawn(votes, groups, size, by, rng), models, level)[upper] for _ in range(campaigns)])
            same = (signs[::2] == signs[1::2]) & (signs[::2] != 0)
            rows += [(size, by, models[i], models[j], share) for i, j, share in zip(*upper, same.mean(0), strict=True)]
    return pd.DataFrame(rows, columns=["votes", "drawn", "first", "second", "alike"])


def _signs(campaign: pd.DataFrame, models: Sequence[str], level: float) -> np.ndarray:
    """[K, K] which of two models is ahead; 0 where one is missing or nothing connects them."""
    ratings = preferences.fit(campaign[["a", "b", "points"]], level)
    places = [ratings.models.index(model) if model in ratings.models else -1 for model in models]
    signs = np.pad(
        np.sign(np.nan_to_num(ratings.differences)), (0, 1)
    )  # the last row and column are of models that are missing
    return signs[np.ix_(places, places)]


def curve(pairs: pd.DataFrame, level: float) -> pd.DataFrame:
    """Mean over pairs of models, by size and by what was drawn, with the jackknife over models.

    Parameters
    ----------
    pairs : of `alike`

    Returns
    -------
    pd.DataFrame
        votes, drawn, estimate, low, high (ends at 0 and 1)
    """
    rows = []
    for (size, by), part in pairs.groupby(["votes", "drawn"], sort=False):
        models = sorted({*part["first"], *part["second"]})
        left = [part.loc[(part["first"] != model) & (part["second"] != model), "alike"].mean() for model in models]
        interval = stats.jackknife_interval(part["alike"].mean(), np.array(left), level)
        rows.append((size, by, interval.estimate, max(interval.low, 0.0), min(interval.high, 1.0)))
    return pd.DataFrame(rows, columns=["votes", "drawn", "estimate", "low", "high"])


def from_nothing(rows: pd.DataFrame, degrees: int, level: float) -> pd.Series:
    """Votes on a pair alone that settle its order with 80 % power, were the difference as estimated.

    Parameters
    ----------
    rows : of `orders.orders`
    degrees : of freedom
    level : of the one test
    """
    nothing = np.full(len(rows), np.inf)
    odds = rows["difference"].to_numpy() / orders.POINTS
    return pd.Series(orders.needed(odds, nothing, rows["design"].to_numpy(), 1 - level, 1, degrees), rows.index)


def power(votes: pd.DataFrame, rows: pd.DataFrame, level: float, seed: int, tests: int = TESTS) -> pd.DataFrame:
    """Whether campaigns of the number that is said to be needed do settle an order in 80 % of cases.

    Parameters
    ----------
    votes : see `drawn`
    rows : columns better, worse, alone (votes that are needed, of `from_nothing`)

    Returns
    -------
    pd.DataFrame
        better, worse, alone, drawn, power (share of campaigns that settle it as the votes do), low, high (Wilson's)

    Notes
    -----
    A campaign is tested over what was drawn alone: two copies of one judge answer the same questions, which would count that
    judge's votes twice in the spread over questions.
    """
    given = []
    chosen = rows[rows["alone"].between(*TRIED)]
    for by in CLUSTERS:
        rng = np.random.default_rng([seed, 2 + CLUSTERS.index(by)])
        for row in chosen.itertuples():
            part = votes[votes["a"].isin([row.better, row.worse]) & votes["b"].isin([row.better, row.worse])]
            groups = members(part, by)
            kept = part[["a", "b", "points", by]]
            hits = sum(_settles(drawn(kept, groups, int(row.alone), by, rng), row.better, level) for _ in range(tests))
            given.append((row.better, row.worse, row.alone, by, *stats.proportion_interval(hits, tests, level)))
    return pd.DataFrame(given, columns=["better", "worse", "alone", "drawn", "power", "low", "high"])


def _settles(campaign: pd.DataFrame, better: str, level: float) -> bool:
    ratings = preferences.fit(campaign, level)
    place = ratings.models.index(better)
    ahead = ratings.differences[place, 1 - place] / np.sqrt(ratings.variances[0, 1])
    return bool(2 * t.sf(ahead, ratings.degrees) < 1 - level)


def neighbours(rows: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """The rows of models that follow each other in an order."""
    after = dict(zip(order[:-1], order[1:], strict=True))
    return rows[[after.get(row.better) == row.worse or after.get(row.worse) == row.better for row in rows.itertuples()]]


def needed(rows: pd.DataFrame, order: Sequence[str], level: float) -> Interval:
    """Comparisons that settle two neighbours: the median over pairs of neighbours, between two of their own numbers.

    Parameters
    ----------
    rows : columns better, worse, alone
    order : models, the best first

    Notes
    -----
    The ends are order statistics, which hold a median whatever the distribution; the jackknife does not, as leaving out one
    model moves a median by a jump or not at all. Five pairs reach from the least to the most and hold it in 94 %. Pairs that
    share a model are taken for independent.
    """
    counts = np.sort(neighbours(rows, order)["alone"].to_numpy(float))
    # so many numbers below the lower end that as few lie below the median with a chance of at most half of the rest
    outside = max(0, int(binom.ppf((1 - level) / 2, len(counts), 0.5)) - 1)
    return Interval(float(np.median(counts)), counts[outside], counts[-1 - outside])


def round_cost() -> Interval:
    """Dollars of a round by the article's own figures: the fewest comparisons at the lower price to the most at the higher.

    The ends are those of the inputs, and the estimate lies between them on a scale of ratios; there is no sample.
    """
    low, high = (count * each for count, each in zip((CLAIMED, CLAIMED_AT_MOST), DOLLARS, strict=True))
    return Interval(float(np.sqrt(low * high)), float(low), float(high))


def costs(design: float, degrees: int, level: float) -> Iterator[dict[str, float]]:
    """A row per difference: share (of points), comparisons (80 % power), dollars at the article's two prices."""
    for share in SHARES:
        odds = np.array([np.log(share / (1 - share))])
        count = float(orders.needed(odds, np.array([np.inf]), np.array([design]), 1 - level, 1, degrees)[0])
        yield {"share": share, "comparisons": count} | {f"dollars_at_{each}": each * count for each in DOLLARS}
