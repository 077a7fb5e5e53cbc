"""Intervals and correlations against closed forms, scipy, and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as reference

from proxylib import stats
from proxylib.errors import UserError


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


def drawn(estimate, draws, level=0.95, **more):
    return stats.Drawn(estimate, np.asarray(draws, float), level, **more)


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(
    seed=st.integers(0, 1000), clusters=st.lists(st.integers(0, 5), min_size=2, max_size=12).filter(lambda c: len(set(c)) > 1)
)
def test_a_resampling_is_the_sample_and_then_the_draws_of_its_clusters(seed, clusters):
    found = stats.Bootstrap(draws=60, level=0.9, seed=seed).over(clusters)
    assert (found.weights[0] == 1).all() and found.weights.dtype == float
    assert (found.weights[1:] == stats.cluster_weights(np.array(clusters), 60, seed)).all()
    assert (found.clusters, found.level) == (len(set(clusters)), 0.9)


def test_equal_clusters_and_settings_are_drawn_alike_so_that_statistics_are_paired():
    bootstrap, rng = stats.Bootstrap(draws=200, level=0.95, seed=3), np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 40))
    first, second = bootstrap.over(np.arange(40)), bootstrap.over([f"unit {n:02d}" for n in range(40)])
    mean = first.drawn(first.ratio(x + 1, np.ones(40)))
    gap = mean.minus(second.drawn(second.ratio(x + 0.01 * noise, np.ones(40)))).interval()
    assert gap.estimate == pytest.approx(1 - 0.01 * noise.mean())
    assert gap.high - gap.low < 0.05 * (mean.interval().high - mean.interval().low)


def test_the_sample_gives_the_estimate_and_no_draw():
    bootstrap = stats.Bootstrap(draws=50, level=0.8, seed=1)
    for found in (bootstrap.over(list("aabc")).drawn(np.arange(51.0)), bootstrap.drawn(np.arange(51.0))):
        assert found.estimate == 0 and found.draws.tolist() == list(range(1, 51)) and found.level == 0.8


def test_a_difference_is_that_of_the_draws_and_needs_as_many():
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((2, 300))
    found = drawn(1.5, a).minus(drawn(0.5, b))
    assert found.estimate == 1.0 and (found.draws == a - b).all() and found.difference
    assert found.interval()[1:] == pytest.approx(np.quantile(a - b, [0.025, 0.975]))
    with pytest.raises(ValueError, match="300 and 299 draws"):
        drawn(0, a).minus(drawn(0, b[1:]))


def test_strata_are_drawn_by_themselves_one_after_another():
    sizes = (4, 1, 7)
    found = stats.Bootstrap(draws=80, level=0.95, seed=5).within(sizes)
    rng = np.random.default_rng(5)
    for own, size in zip(found, sizes, strict=True):
        assert own.weights.shape == (81, size) and (own.weights.sum(1) == size).all()
        assert (own.weights[1:] == rng.multinomial(size, np.full(size, 1 / size), size=80)).all()


def test_a_ratio_is_that_of_weighted_sums_and_undefined_where_a_draw_holds_nothing_of_the_whole():
    found = stats.Resampling(np.array([[1.0, 1, 1], [2, 0, 1], [0, 3, 0]]), 3, 0.95)
    ratio = found.ratio(np.array([1.0, 0, 2]), np.array([2.0, 0, 2]))
    assert ratio[:2] == pytest.approx([3 / 4, 4 / 6]) and np.isnan(ratio[2])


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_a_percentile_interval_cuts_equal_tails(level):
    found = drawn(0.3, np.linspace(0, 1, 10_001), level).interval()
    assert found == pytest.approx((0.3, (1 - level) / 2, (1 + level) / 2))


def test_a_widened_interval_is_the_draws_own_but_reaches_to_its_estimate():
    draws = np.linspace(1, 2, 101)
    inside, below, above = (drawn(value, draws, 0.9).interval("widened") for value in (1.5, 0.8, 2.2))
    assert inside == drawn(1.5, draws, 0.9).interval()
    assert below[1:] == pytest.approx((0.8, 1.95)) and above[1:] == pytest.approx((1.05, 2.2))


def test_undefined_draws_are_left_out():
    draws = np.linspace(0, 1, 60)
    assert drawn(0.5, np.r_[np.full(40, np.nan), draws]).interval() == drawn(0.5, draws).interval()
    assert drawn(0.5, np.r_[np.full(50, np.nan), np.ones(50)]).interval() == (0.5, 1.0, 1.0)  # half of them are enough


@pytest.mark.parametrize("kind", ["percentile", "widened", "reflected"])
@pytest.mark.parametrize("draws", [np.r_[np.full(51, np.nan), np.ones(49)], np.full(3, np.inf), np.array([])])
def test_a_mostly_undefined_statistic_has_no_interval(draws, kind):
    with pytest.raises(UserError, match="draws gave a finite value"):
        drawn(0.5, draws).interval(kind)
    found = drawn(0.5, draws).interval(kind, undefined="nan")
    assert found.estimate == 0.5 and np.isnan(found[1:]).all() and stats.decide(found) is stats.Decision.UNDECIDED


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(right=st.integers(0, 20), clusters=st.integers(1, 20), whole=st.sampled_from([1.0, 100.0]))
def test_a_share_has_wilsons_interval_where_resampling_moves_nothing(right, clusters, whole):
    estimate = whole * (right > 10)
    found = drawn(estimate, np.full(100, estimate), clusters=clusters).share(whole)
    wanted = stats.proportion_interval(clusters * (right > 10), clusters)
    assert found == pytest.approx((estimate, whole * wanted.low, whole * wanted.high))
    assert found.high - found.low > 0


def test_a_share_that_resampling_moves_has_the_draws_interval():
    draws = np.linspace(0, 40, 101)
    assert drawn(20.0, draws, clusters=5).share(100.0) == drawn(20.0, draws).interval()
    assert drawn(0.0, draws, clusters=5).share(100.0) == drawn(0.0, draws).interval()


def test_a_difference_of_shares_that_never_moves_is_as_wide_as_so_many_clusters_could_hide():
    still = drawn(100.0, np.full(80, 100.0), clusters=12)
    found = still.minus(still).share(100.0)
    assert found == pytest.approx(
        (0.0, -100 * stats.proportion_interval(0, 12).high, 100 * stats.proportion_interval(0, 12).high)
    )


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(ends=st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_the_square_of_an_interval_holds_the_squares_of_all_that_it_holds(ends):
    low, estimate, high = sorted(ends)
    found = stats.Interval(estimate, low, high).squared()
    inside = np.linspace(low, high, 201) ** 2
    assert found.estimate == estimate**2
    assert found.low <= inside.min() <= found.low + 1e-3 and found.high == pytest.approx(inside.max())


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (3, 10), (100, 200), (1, 1)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_a_proportion_has_wilsons_interval(successes, n, level):
    z, p = reference.norm.ppf((1 + level) / 2), successes / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    found = stats.proportion_interval(successes, n, level)
    assert found == pytest.approx((p, centre - half, centre + half), abs=1e-9)


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
    bootstrap = stats.Bootstrap(draws=400, level=0.95, seed=1)
    resampled = {"clusters": bootstrap.over(clusters), "units": bootstrap.over(np.arange(120))}
    covered = dict.fromkeys(resampled, 0)
    for _ in range(300):
        values = rng.standard_normal(30)[clusters] + 0.3 * rng.standard_normal(120)
        for name, own in resampled.items():
            interval = own.drawn(own.ratio(values, np.ones(120))).interval()
            covered[name] += interval.low <= 0 <= interval.high
    assert 0.89 <= covered["clusters"] / 300 <= 0.985
    assert covered["units"] / 300 < 0.8


def test_reflected_intervals_of_a_strong_correlation_cover_where_percentile_intervals_do_not():
    # what is resampled are noisy items behind fixed points: correlations shrink from truth to estimate and again to draw
    rng = np.random.default_rng(8)
    x = np.linspace(-1, 1, 12)
    truth = x + 0.3 * rng.standard_normal(12)
    wanted = np.corrcoef(x, truth)[0, 1]
    items = stats.Bootstrap(draws=300, level=0.95, seed=1).over(np.arange(40))
    covered = {"percentile": 0, "reflected": 0}
    for _ in range(200):
        y = items.weights @ (truth + 3 * rng.standard_normal((40, 12))) / 40
        r = items.drawn(np.array([np.corrcoef(x, row)[0, 1] for row in y]))
        for kind in covered:
            found = r.interval(kind)
            covered[kind] += found.low <= wanted <= found.high
    assert covered["reflected"] >= 0.85 * 200 and covered["percentile"] < covered["reflected"]


def test_a_correlations_interval_turns_the_draws_round_and_holds_its_estimate():
    draws = np.random.default_rng(3).normal(0.5, 0.1, 20_000)  # 0.05 below the estimate: the interval lies 0.05 above
    found = drawn(0.55, draws).interval("reflected")
    assert found[1:] == pytest.approx((0.6 - 0.196, 0.6 + 0.196), abs=0.01)
    mirrored = drawn(-0.55, -draws).interval("reflected")
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))
    assert drawn(0.9, np.linspace(0.5, 0.6, 100)).interval("reflected")[1:] == (0.9, 1.0)
    assert drawn(0.5, np.full(100, 0.5)).interval("reflected") == (0.5, 0.5, 0.5)


def test_fishers_interval_is_that_of_scipy():
    rng = np.random.default_rng(0)
    x = rng.normal(size=12)
    y = x + rng.normal(size=12)
    wanted = reference.pearsonr(x, y)
    ends = wanted.confidence_interval(0.95)
    assert stats.fisher_interval(wanted.statistic, 12)[1:] == pytest.approx((ends.low, ends.high))
    with pytest.raises(UserError, match="4"):
        stats.fisher_interval(0.5, 3)


def test_the_critical_correlation_is_that_of_the_t_test():
    from scipy.stats import pearsonr

    x = np.arange(15.0)
    rng = np.random.default_rng(2)
    found = [pearsonr(x, rng.standard_normal(15)) for _ in range(300)]
    assert all((abs(one.statistic) > stats.critical_r(13)) == (one.pvalue < 0.05) for one in found)
    assert stats.critical_r(0) == 1.0


def test_the_spread_of_draws_gives_students_interval_around_the_estimate():
    sample = np.array([1.0, 4.0, 2.0, 9.0, 5.0])
    clusters = stats.Bootstrap(draws=20_000, level=0.95, seed=1).over(np.arange(5))
    mean = clusters.drawn(clusters.ratio(sample, np.ones(5))).student()
    assert mean.high - mean.estimate == pytest.approx(reference.t.ppf(0.975, 4) * sample.std() / np.sqrt(5), rel=0.02)
    assert mean.estimate == 4.2 and mean.low == pytest.approx(2 * mean.estimate - mean.high)
    assert np.isnan(clusters.drawn(np.where(np.arange(20_001) % 3, np.nan, 1.0)).student()[1:]).all()


def test_a_rank_correlation_of_few_clusters_covers_and_does_not_take_a_perfect_order_for_proof():
    rng = np.random.default_rng(3)
    many = rng.standard_normal((40_000, 1)), rng.standard_normal((40_000, 1))
    mix = lambda base, luck, n: (
        base + 0.1 * rng.standard_normal((n, 3)),
        base + 0.4 * luck + 0.1 * rng.standard_normal((n, 3)),
    )
    rho = lambda x, y: reference.spearmanr(x.ravel(), y.ravel()).statistic
    truth = rho(*mix(*many, 40_000))
    samples = [rho(*mix(rng.standard_normal((5, 1)), rng.standard_normal((5, 1)), 5)) for _ in range(150)]
    intervals = [stats.rank_interval(value, 15, 5) for value in samples]
    assert np.mean([low <= truth <= high for _, low, high in intervals]) > 0.92
    perfect = stats.rank_interval(1.0, 15, 5)
    assert perfect.estimate == perfect.high == 1 and 0.9 < perfect.low < 0.97
    assert stats.rank_interval(1.0, 5, 5).low < 0.2 and tuple(stats.rank_interval(0.9, 9, 3)) == (0.9, -1, 1)
    assert stats.rank_interval(0.5, 15, 12)[1:] == stats.fisher_interval(0.5, 12)[1:]


def test_the_jackknife_of_a_mean_is_students_interval():
    values = np.random.default_rng(8).normal(3, 2, size=5)
    left_out = [np.delete(values, place).mean() for place in range(5)]
    reach = reference.t.ppf(0.975, 4) * reference.sem(values)
    interval = stats.jackknife_interval(values.mean(), left_out, 0.95)
    assert interval == pytest.approx((values.mean(), values.mean() - reach, values.mean() + reach))


def test_the_jackknife_of_a_correlation_stays_within_one_and_covers_with_few_clusters():
    rng, hits, truth = np.random.default_rng(2), 0, 1 / np.sqrt(1 + 0.3**2)
    for _ in range(60):
        x, luck = rng.standard_normal((2, 6))
        pairs = np.repeat(np.stack([x, x + 0.3 * luck]), 3, axis=1)  # three units of a cluster tell no more than one
        r = lambda kept, pairs=pairs: np.corrcoef(pairs[:, kept])[0, 1]
        cluster = np.repeat(np.arange(6), 3)
        _, low, high = stats.jackknife_interval(r(cluster >= 0), [r(cluster != out) for out in range(6)], 0.95, True)
        assert -1 <= low <= high <= 1
        hits += low <= truth <= high
    assert hits >= 53


def test_a_jackknife_that_is_not_defined_has_no_interval():
    assert np.isnan(stats.jackknife_interval(1.0, [1.0, np.nan, 2.0], 0.95)[1:]).all()
    assert np.isnan(stats.jackknife_interval(1.0, [1.0], 0.95)[1:]).all()


def test_shares_stay_shares_and_agreement_is_no_certainty():
    spread = stats.share_interval([1.0, 0.9, 1.0, 0.2])
    assert spread.high == 1.0 and 0 <= spread.low < spread.estimate
    agreed = stats.share_interval([0.0] * 6)
    assert agreed.low == pytest.approx(0) and agreed.high == pytest.approx(stats.proportion_interval(0, 6).high)
    assert stats.share_interval([0.0] * 6, difference=True).low == -agreed.high
    assert stats.share_interval([-1.0, -1.0, 0.0], difference=True).low == -1
    assert stats.share_interval([0.3, 0.5, 0.4]) == stats.mean_interval([0.3, 0.5, 0.4])
