"""Intervals: bootstrap over what was sampled, clustered where the sampling was.

Pairs, folds and criteria are not observations; corpora, models, runs, items and judges are. A cluster is drawn whole.

One path leads from a sample to an interval: `Bootstrap.over` draws clusters and gives a `Resampling`, whose `weights` say how
often each unit counts in the sample itself (first row) and in every draw; an analysis computes its statistic once per row,
for the sample and all draws alike; `Resampling.drawn` reads what came of it as a `Drawn`, which has the interval. What is
computed on the same resampling is paired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from proxylib.errors import UserError
from proxylib.settings import Frozen

#: "percentile": the draws' own quantiles. "widened": the same, but reaching to the estimate where that lies outside, as the
#: draws of an error lie above it. "reflected": the basic bootstrap of a correlation, see `Drawn.interval`
Kind = Literal["percentile", "widened", "reflected"]


class Interval(NamedTuple):
    """A point estimate and the ends of its interval; nan ends where there is none."""

    estimate: float
    low: float
    high: float

    def squared(self) -> Interval:
        """Interval of the square of what this one is of: of R2, from a correlation's.

        R2's own draws lie above zero whatever the truth is; those of r do not.
        """
        ends = self.low**2, self.high**2
        return Interval(self.estimate**2, 0.0 if self.low <= 0 <= self.high else min(ends), max(ends))


@dataclass(frozen=True, eq=False)
class Drawn:
    """A statistic of a sample and of every bootstrap draw of it.

    Parameters
    ----------
    estimate : of the sample
    draws : [draws] of each draw; not finite where a draw leaves it undefined
    level : coverage of the interval
    clusters : number of those that were drawn; 0 where no `share` is asked for
    difference : whether this is a paired difference, which may have either sign
    """

    estimate: float
    draws: np.ndarray
    level: float
    clusters: int = 0
    difference: bool = False

    def interval(self, kind: Kind = "percentile", undefined: Literal["refuse", "nan"] = "refuse") -> Interval:
        """Interval from the draws in which the statistic is defined.

        Parameters
        ----------
        kind : see `Kind`
        undefined : what happens where fewer than half of the draws define the statistic: an error, or nan ends. An interval
            of the rest would describe only the convenient resamples

        Raises
        ------
        UserError
            If fewer than half of the draws are finite and `undefined` is "refuse".

        Notes
        -----
        "reflected" is for correlations. A draw carries the noise of sampling twice, the estimate once: correlations shrink
        from truth to estimate and again from estimate to draw, so that percentile intervals of strong ones shift the wrong way
        and leave out their own estimate. Reflecting the quantiles at the estimate, within -1 and 1, corrects the shift (Davison
        and Hinkley 1997, 5.2). Of the scales on which one could reflect, squares fail near zero and Fisher's z fails near one;
        r itself does for both. Correlations of ranks jump, and no interval here covers them well.
        """
        finite = self.draws[np.isfinite(self.draws)]
        if len(finite) * 2 < len(self.draws) or not len(finite):
            if undefined == "nan":
                return Interval(float(self.estimate), np.nan, np.nan)
            raise UserError(f"bootstrap: only {len(finite)} of {len(self.draws)} draws gave a finite value")
        estimate = float(self.estimate)
        low, high = map(float, np.quantile(finite, [(1 - self.level) / 2, (1 + self.level) / 2]))
        if kind == "reflected":
            low, high = (float(np.clip(2 * estimate - end, -1, 1)) for end in (high, low))
        return (
            Interval(estimate, low, high)
            if kind == "percentile"
            else Interval(estimate, min(low, estimate), max(high, estimate))
        )

    def share(self, whole: float = 1.0) -> Interval:
        """Percentile interval of a share, or of a difference of shares, also where resampling moves nothing.

        Where all clusters agree, every draw is the sample again. Then the interval is Wilson's, as if each cluster were one
        trial; of a difference of zero, as much to either side as so many clusters could have hidden.

        Parameters
        ----------
        whole : the share of everything: 1, or 100 for percent
        """
        interval = self.interval()
        if interval.low < interval.high or interval.estimate not in (0.0, whole):
            return interval
        successes = round(interval.estimate / whole * self.clusters)
        low, high = (whole * end for end in proportion_interval(successes, self.clusters, self.level)[1:])
        return Interval(interval.estimate, -high if self.difference else low, high)

    def student(self) -> Interval:
        """Student's interval around the estimate, from the spread of the draws; nan ends where half of them are not defined.

        With a degree of freedom fewer than clusters, for statistics of so few of them that percentiles of the draws are too
        short or, as most draws hold three or four different ones, lie to one side.
        """
        from scipy.stats import t

        finite = self.draws[np.isfinite(self.draws)]
        if len(finite) * 2 < len(self.draws) or self.clusters < 2:
            return Interval(float(self.estimate), np.nan, np.nan)
        reach = float(t.ppf((1 + self.level) / 2, self.clusters - 1) * finite.std())
        return Interval(float(self.estimate), self.estimate - reach, self.estimate + reach)

    def minus(self, other: Drawn) -> Drawn:
        """The paired difference, draw by draw; both must come of the same resampling."""
        if len(self.draws) != len(other.draws):
            raise ValueError(f"{len(self.draws)} and {len(other.draws)} draws are not of one resampling")
        difference = self.draws - other.draws
        return Drawn(self.estimate - other.estimate, difference, self.level, self.clusters, difference=True)


@dataclass(frozen=True, eq=False)
class Resampling:
    """A sample and bootstrap draws of it, to compute statistics on.

    Parameters
    ----------
    weights : [1 + draws, n] float64, how often each unit counts: once in the sample itself, which is the first row
    clusters : number of clusters that were drawn
    level : coverage of intervals
    """

    weights: np.ndarray
    clusters: int
    level: float

    def drawn(self, values: np.ndarray) -> Drawn:
        """What a statistic is, from its values [1 + draws] under each row of `weights`."""
        return Drawn(values[0], values[1:], self.level, self.clusters)

    def ratio(self, part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """[1 + draws] sum of `part` over that of `whole`, both [n]; nan where a draw holds nothing of the whole."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self.weights @ part) / (self.weights @ whole)


class Bootstrap(Frozen):
    """Bootstrap and permutation."""

    draws: int = Field(ge=50, description="bootstrap draws")
    level: float = Field(gt=0.5, lt=1, description="coverage of every interval")
    seed: int = Field(ge=0)

    def over(self, clusters: Sequence[object]) -> Resampling:
        """Resample whole clusters; equal labels and settings give equal draws, so that statistics are paired.

        Parameters
        ----------
        clusters : [n] labels; see `cluster_weights`

        Raises
        ------
        UserError
            For fewer than two clusters.
        """
        return self._resampling(cluster_weights(clusters, self.draws, self.seed), len(np.unique(np.asarray(clusters))))

    def within(self, sizes: Sequence[int]) -> list[Resampling]:
        """Resample the units of each of several strata of given sizes by themselves; a stratum of one unit stays as it is."""
        rng = np.random.default_rng(self.seed)
        return [self._resampling(_multiplicities(size, self.draws, rng), size) for size in sizes]

    def drawn(self, values: np.ndarray) -> Drawn:
        """What a statistic over several resamplings is, from its values [1 + draws] under each row of their weights."""
        return Drawn(values[0], values[1:], self.level)

    def _resampling(self, drawn: np.ndarray, clusters: int) -> Resampling:
        return Resampling(np.vstack([np.ones(drawn.shape[1]), drawn]), clusters, self.level)


def cluster_weights(clusters: Sequence[object], draws: int, seed: int) -> np.ndarray:
    """How often each unit occurs in each draw of a clustered bootstrap.

    Parameters
    ----------
    clusters : [n] labels; units of one label are drawn together
    draws : number of draws
    seed : of the generator

    Returns
    -------
    [draws, n] int64: the multiplicity of a unit is that of its cluster.

    Notes
    -----
    As many clusters are drawn as there are. With few clusters (below about ten) percentile intervals are too short:
    with five, nominal 95 % intervals cover nearer 80 to 90 %. A page that uses few clusters says how many.
    """
    labels, index = np.unique(np.asarray(clusters), return_inverse=True)
    if len(labels) < 2:
        raise UserError(f"bootstrap: at least 2 clusters are needed, found {len(labels)}")
    return _multiplicities(len(labels), draws, np.random.default_rng(seed))[:, index]


def _multiplicities(number: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """[draws, number] how often each of so many is drawn in as many draws with replacement."""
    return rng.multinomial(number, np.full(number, 1 / number), size=draws)


def jackknife_interval(estimate: float, left_out: np.ndarray, level: float, correlation: bool = False) -> Interval:
    """Student's interval over few clusters, from a statistic without each of them in turn; nan ends where it is not defined.

    Parameters
    ----------
    left_out : [clusters] the statistic of all others; not finite where these do not define it
    correlation : whether it is one; then spread is taken on Fisher's scale, where that of strong correlations is even

    Notes
    -----
    With few clusters the percentiles of a bootstrap are too short, and many of its draws hold two or three of them only. The
    jackknife's spread times Student's quantile, with a degree of freedom fewer than clusters, covers (MacKinnon, Nielsen and
    Webb 2023; for five clusters see the experiment log).
    """
    from scipy.stats import t

    values = np.asarray(left_out, float)
    count = len(values)
    if count < 2 or not np.isfinite([estimate, *values]).all():
        return Interval(float(estimate), np.nan, np.nan)
    onto, back = (_fisher, np.tanh) if correlation else (np.asarray, np.asarray)
    reach = t.ppf((1 + level) / 2, count - 1) * np.sqrt((count - 1) * onto(values).var())
    return Interval(float(estimate), *(float(back(onto(estimate) + side * reach)) for side in (-1, 1)))


def _fisher(r: np.ndarray) -> np.ndarray:
    """Correlations on Fisher's scale; a perfect one is as far out as one of 0.9999."""
    return np.arctanh(np.clip(r, -0.9999, 0.9999))


def fisher_interval(r: float, n: int, level: float = 0.95) -> Interval:
    """Interval of a correlation of n pairs drawn from a normal population (Fisher 1921); of no use where they are fixed."""
    from scipy.stats import norm

    if n < 4:
        raise UserError(f"fisher: {n} pairs, at least 4 are needed")
    reach = norm.ppf((1 + level) / 2) / np.sqrt(n - 3)
    with np.errstate(divide="ignore"):  # a perfect correlation is infinitely far out, and has no interval
        return Interval(r, float(np.tanh(np.arctanh(r) - reach)), float(np.tanh(np.arctanh(r) + reach)))


def rank_interval(rho: float, points: int, independent: int, level: float = 0.95) -> Interval:
    """Fisher's interval of a rank correlation over so many points, of which fewer are independent of each other.

    Parameters
    ----------
    points : that were ranked
    independent : clusters of them; below four every correlation is possible

    Notes
    -----
    A perfect order is taken for the next that there is, as Fisher's scale has no place for it: five points in one order are
    no proof. Of simulated ways for five clusters of three the only one that covers everywhere (experiment log); where the
    points of a cluster say much, it is too long.
    """
    if independent < 4:
        return Interval(rho, -1.0, 1.0)
    next_to_perfect = 1 - 12 / (points * (points**2 - 1))
    _, low, high = fisher_interval(float(np.clip(rho, -next_to_perfect, next_to_perfect)), independent, level)
    return Interval(rho, min(low, rho), max(high, rho))


def critical_r(degrees: int, level: float = 0.95) -> float:
    """Size that a correlation with so many residual degrees of freedom passes by chance with probability 1 - level."""
    from scipy.stats import t

    if degrees < 1:
        return 1.0
    value = float(t.ppf((1 + level) / 2, degrees))
    return value / np.sqrt(degrees + value**2)


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Student's t interval of the mean of independent values (by way of statsmodels); nan ends for fewer than two.

    For a handful of runs, of which bootstrap draws give too short an interval.
    """
    from statsmodels.stats.weightstats import DescrStatsW

    values = np.asarray(values, float)
    if len(values) < 2:
        return Interval(float(values.mean()), np.nan, np.nan)
    low, high = DescrStatsW(values).tconfint_mean(alpha=1 - level)
    return Interval(float(values.mean()), float(low), float(high))


def share_interval(values: Sequence[float], level: float = 0.95, difference: bool = False, trials: int = 1) -> Interval:
    """Interval of the mean of shares of independent clusters, or of the mean of differences of shares.

    Student's, cut where no share can lie. Where all clusters agree on none or on all, Wilson's, as if each were so many trials;
    on a difference of zero, as much to either side as so many clusters could have hidden.
    """
    mean, low, high = mean_interval(values, level)
    if len(values) > 1 and low == high and mean in (0.0, 1.0):
        count = trials * len(values)
        low, high = proportion_interval(round(mean * count), count, level)[1:]
        low = -high if difference and not mean else low
    floor = -1.0 if difference else 0.0
    return Interval(mean, float(np.clip(low, floor, 1.0)), float(np.clip(high, floor, 1.0)))


def proportion_interval(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson interval of a proportion of independent items (Wilson 1927, by way of statsmodels)."""
    from statsmodels.stats.proportion import proportion_confint

    if n < 1:
        raise UserError("proportion: no items")
    low, high = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    return Interval(successes / n, float(low), float(high))


def spearman_draws(x: np.ndarray, y: np.ndarray, weights: np.ndarray, undefined: float = np.nan) -> np.ndarray:
    """Spearman correlation with mid-ranks, once per row of multiplicities.

    Parameters
    ----------
    x, y : [n] values
    weights : [draws, n] how often each unit counts; a row of ones gives the sample's own correlation
    undefined : what stands where a side is constant or fewer than three different units are drawn; 0 where leaving such draws
        out would flatter a signal that then tells nothing apart

    Returns
    -------
    [draws] correlations

    Notes
    -----
    A unit of weight w is ranked as w tied copies, so a bootstrap draw need not be written out. Three are needed, as two units
    correlate by 1 or -1 whatever they are.

    Raises
    ------
    UserError
        For fewer than 3 units, or where x or y holds a value that is not finite.
    """
    x, y, weights = np.asarray(x, float), np.asarray(y, float), np.asarray(weights, float)
    if len(x) < 3:
        raise UserError(f"correlation: at least 3 points are needed, found {len(x)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise UserError("correlation: a value is not finite")
    total = weights.sum(1, keepdims=True)
    a, b = (_weighted_midranks(values, weights) for values in (x, y))
    a, b = (ranks - (weights * ranks).sum(1, keepdims=True) / total for ranks in (a, b))
    covariance = (weights * a * b).sum(1)
    scale = np.sqrt((weights * a * a).sum(1) * (weights * b * b).sum(1))
    usable = (scale > 1e-12) & ((weights > 0).sum(1) >= 3)
    return np.where(usable, covariance / np.where(usable, scale, 1.0), undefined)


def _weighted_midranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[draws, n] mid-ranks of values whose copies are counted by `weights` [draws, n]."""
    below = weights @ (values[:, None] < values[None, :]).astype(float)  # mass strictly below each unit
    equal = weights @ (values[:, None] == values[None, :]).astype(float)  # its own and its ties'
    return below + (equal + 1) / 2


class Decision(StrEnum):
    """What an interval says of a quantity against a null value."""

    HIGHER = "higher"
    LOWER = "lower"
    UNDECIDED = "undecided"


def decide(interval: Interval | Sequence[float], null: float = 0.0) -> Decision:
    """Whether an interval lies above a null value, below it, or holds it; undecided where an end is not defined."""
    low, high = tuple(interval)[1:3]
    if low > null:
        return Decision.HIGHER
    return Decision.LOWER if high < null else Decision.UNDECIDED
