"""Intervals and correlations against closed forms, scipy, and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as reference

from proxylib import stats
from proxylib.errors import UserError
from proxylib.report import words


def test_members_of_a_cluster_are_drawn_together():
    clusters = np.array(["b", "a", "b", "c", "a", "b"])
    drawn = stats.cluster_weights(clusters, 500, 1)
    assert drawn.shape == (500, 6)
    for label in "abc":
        members = drawn[:, clusters == label]
        assert (members == members[:, :1]).all()


def test_a_draw_holds_as_many_clusters_as_there_are():
    clusters = np.array([3, 3, 3, 1, 2, 2])
    drawn = stats.cluster_weights(clusters, 500, 1)
    first = [0, 3, 4]  # one member of each cluster
    assert (drawn[:, first].sum(1) == 3).all()
    assert len(np.unique(drawn.sum(1))) > 1  # clusters differ in size, so units do not add up


def test_each_cluster_is_drawn_once_on_average_and_with_a_multinomial_spread():
    drawn = stats.cluster_weights(np.arange(5), 20_000, 2)
    assert drawn.mean(0) == pytest.approx(np.ones(5), abs=0.03)
    assert drawn.var(0) == pytest.approx(np.full(5, 5 * 0.2 * 0.8), abs=0.05)


def test_draws_are_fixed_by_the_seed():
    first, same, other = (stats.cluster_weights(np.arange(6), 50, seed) for seed in (4, 4, 5))
    assert (first == same).all() and (first != other).any()


def test_one_cluster_cannot_be_resampled():
    with pytest.raises(UserError, match="at least 2 clusters are needed, found 1"):
        stats.cluster_weights(np.array(["a", "a"]), 10, 1)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_a_percentile_interval_cuts_equal_tails(level):
    found = stats.percentile_interval(0.3, np.linspace(0, 1, 10_001), level)
    assert found == pytest.approx((0.3, (1 - level) / 2, (1 + level) / 2, 10_001))


def test_undefined_draws_are_left_out_and_counted():
    draws = np.r_[np.full(40, np.nan), np.linspace(0, 1, 60)]
    found = stats.percentile_interval(0.5, draws)
    assert found.draws == 60 and 0 < found.low < found.high < 1


@pytest.mark.parametrize("draws", [np.r_[np.full(51, np.nan), np.ones(49)], np.full(3, np.inf), np.array([])])
def test_a_mostly_undefined_statistic_has_no_interval(draws):
    with pytest.raises(UserError, match="draws gave a finite value"):
        stats.percentile_interval(0.5, draws)


def test_exactly_half_of_the_draws_are_enough():
    assert stats.percentile_interval(0.5, np.r_[np.full(50, np.nan), np.ones(50)]).draws == 50


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (3, 10), (100, 200), (1, 1)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_a_proportion_has_wilsons_interval(successes, n, level):
    z, p = reference.norm.ppf((1 + level) / 2), successes / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    found = stats.proportion_interval(successes, n, level)
    assert found[:3] == pytest.approx((p, centre - half, centre + half), abs=1e-9)


def test_a_proportion_of_nothing_is_refused():
    with pytest.raises(UserError, match="no items"):
        stats.proportion_interval(0, 0)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10_000), n=st.integers(3, 12), ties=st.booleans())
def test_a_weighted_correlation_is_that_of_the_sample_written_out(seed, n, ties):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, n))
    if ties:
        x, y = np.round(x), np.round(y)
    weights = np.vstack([np.ones(n, int), rng.multinomial(n, np.full(n, 1 / n), size=5)])
    for found, times in zip(stats.spearman_draws(x, y, weights), weights, strict=True):
        a, b = np.repeat(x, times), np.repeat(y, times)
        if len(np.unique(a)) < 2 or len(np.unique(b)) < 2 or (times > 0).sum() < 3:
            assert np.isnan(found)
        else:
            assert found == pytest.approx(reference.spearmanr(a, b).statistic, abs=1e-9)


def test_correlation_is_invariant_under_monotone_maps_and_turns_with_the_sign():
    x, y = np.array([1.0, 5, 2, 8, 3]), np.array([2.0, 9, 1, 30, 7])
    ones = np.ones((1, 5))
    rho = stats.spearman_draws(x, y, ones)
    assert stats.spearman_draws(np.exp(x), y**3, ones) == pytest.approx(rho)
    assert stats.spearman_draws(-x, y, ones) == pytest.approx(-rho)


def test_a_constant_side_has_no_correlation():
    assert np.isnan(stats.spearman_draws([1, 1, 1, 1], [1, 2, 3, 4], np.ones((1, 4)))).all()
    assert np.isnan(stats.spearman_draws([1, 2, 3, 4], [5, 5, 5, 5], np.ones((1, 4)))).all()


def test_two_different_units_are_no_correlation():
    # a draw of two units has rho +-1 by construction and would pile up at the ends of an interval
    assert np.isnan(stats.spearman_draws([1, 2, 3], [1, 2, 3], np.array([[2, 1, 0]]))[0])
    assert stats.spearman_draws([1, 2, 3], [1, 2, 3], np.array([[1, 1, 1]]))[0] == pytest.approx(1)


def test_too_few_points_are_named():
    with pytest.raises(UserError, match="at least 3 points are needed, found 2"):
        stats.spearman_draws([1, 2], [1, 2], np.ones((1, 2)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value):
    for x, y in (([1, 2, value], [1, 2, 3]), ([1, 2, 3], [1, value, 3])):
        with pytest.raises(UserError, match="not finite"):
            stats.spearman_draws(x, y, np.ones((1, 3)))


def test_clustered_intervals_cover_where_intervals_over_units_do_not():
    # 30 clusters of 4 units that share most of their value; the true mean is 0
    rng = np.random.default_rng(6)
    clusters = np.repeat(np.arange(30), 4)
    weights = {"clusters": stats.cluster_weights(clusters, 400, 1), "units": stats.cluster_weights(np.arange(120), 400, 1)}
    covered = dict.fromkeys(weights, 0)
    for _ in range(300):
        values = rng.standard_normal(30)[clusters] + 0.3 * rng.standard_normal(120)
        for name, drawn in weights.items():
            interval = stats.percentile_interval(values.mean(), drawn @ values / drawn.sum(1))
            covered[name] += interval.low <= 0 <= interval.high
    assert 0.89 <= covered["clusters"] / 300 <= 0.985
    assert covered["units"] / 300 < 0.8


@pytest.mark.parametrize(
    ("value", "half_width", "shown"),
    [
        (0.82967, 0.043, "0.83"),
        (0.82967, 0.013, "0.830"),
        (0.82967, 0.36, "0.8"),
        (0.82967, 0.35, "0.83"),
        (12.34, 4.0, "12"),
        (12.34, 3.0, "12.3"),
        (12.34, 1.5, "12.3"),
        (1234.5, 80, "1230"),
        (1234.5, 150, "1230"),
        (1234.5, 400, "1200"),
        (0.123456, 0.0, "0.123"),
        (80.00000000000001, 7e-15, "80"),
        (0.123456, float("nan"), "0.123"),
        (float("nan"), 0.1, words.MISSING),
    ],
)
def test_a_number_shows_the_digits_that_its_interval_supports(value, half_width, shown):
    assert words.rounded(value, half_width) == shown


def test_an_interval_is_written_with_one_precision_and_scaled_to_percent():
    interval = stats.Interval(0.8297, 0.741, 0.882, 100)
    assert words.with_interval(interval) == "0.83 [0.74, 0.88]"
    assert words.with_interval(interval, 100) == "83 [74, 88]"
    assert words.with_interval([0.5, 0.4871, 0.5129]) == "0.500 [0.487, 0.513]"


def test_rounding_of_the_half_width_itself_adds_no_digit():
    assert words.rounded(0.4, np.nextafter(0.355, 0)) == words.rounded(0.4, 0.355) == "0.4"


def test_a_correlations_interval_turns_the_draws_round_and_holds_its_estimate():
    draws = np.random.default_rng(3).normal(0.5, 0.1, 20_000)  # 0.05 below the estimate: the interval lies 0.05 above
    found = stats.correlation_interval(0.55, draws)
    assert found[1:3] == pytest.approx((0.6 - 0.196, 0.6 + 0.196), abs=0.01)
    mirrored = stats.correlation_interval(-0.55, -draws)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))
    far = stats.correlation_interval(0.9, np.linspace(0.5, 0.6, 100))
    assert far.low == 0.9 and far.high == 1.0
    assert stats.correlation_interval(0.5, np.full(100, 0.5))[:3] == (0.5, 0.5, 0.5)


def test_fishers_interval_is_that_of_scipy():
    rng = np.random.default_rng(0)
    x = rng.normal(size=12)
    y = x + rng.normal(size=12)
    wanted = reference.pearsonr(x, y)
    ends = wanted.confidence_interval(0.95)
    assert stats.fisher_interval(wanted.statistic, 12)[1:3] == pytest.approx((ends.low, ends.high))
    with pytest.raises(UserError, match="4"):
        stats.fisher_interval(0.5, 3)


def test_the_critical_correlation_is_that_of_the_t_test():
    from scipy.stats import pearsonr

    x = np.arange(15.0)
    rng = np.random.default_rng(2)
    found = [pearsonr(x, rng.standard_normal(15)) for _ in range(300)]
    assert all((abs(one.statistic) > stats.critical_r(13)) == (one.pvalue < 0.05) for one in found)
    assert stats.critical_r(0) == 1.0
