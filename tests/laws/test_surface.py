"""A surface over configurations, against scikit-learn's own process and against what it must not do."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

from proxylib.laws import surface


def signals(number=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(number, 3))


def test_one_combination_is_what_scikit_learn_computes(monkeypatch):
    for name, value in {"LINE": (0.1,), "BEND": (0.5,), "LUCK": (0.3,)}.items():
        monkeypatch.setattr(surface, name, value)
    places, at = signals(), np.array([0, 3, 4, 7])
    scores, noise = np.array([0.2, 0.5, 0.4, 0.7]), np.array([0.001, 0.002, 0.0, 0.004])
    known = surface.surface(surface.prior(places, sides=(1.0,)), at, scores, noise)
    line = ConstantKernel(0.1**2) * DotProduct(1e-8) + ConstantKernel(0.05**2) * RBF(surface.REACH)
    kernel = line + ConstantKernel(surface.AROUND**2) + WhiteKernel(0.03**2)
    oracle = GaussianProcessRegressor(kernel, alpha=noise + 1e-10, optimizer=None)
    spread = surface.spread(places)
    oracle.fit(spread[at], scores - surface.CENTRE)
    mean, covariance = oracle.predict(spread, return_cov=True)
    others = np.setdiff1d(np.arange(12), at)
    np.testing.assert_allclose(known.mean[others], mean[others] + surface.CENTRE, atol=1e-8)
    np.testing.assert_allclose(known.covariance[np.ix_(others, others)], covariance[np.ix_(others, others)], atol=1e-8)


def test_many_surfaces_at_once_are_each_alone():
    places = surface.prior(signals())
    at = np.array([[0, 1, 2], [5, 9, 3]])
    scores, noise = np.array([[0.1, 0.2, 0.3], [0.6, 0.5, 0.9]]), np.full((2, 3), 0.001)
    mean, covariance, weights = surface.conditioned(places, at, scores, noise)
    for each in range(2):
        alone = surface.surface(places, at[each], scores[each], noise[each])
        np.testing.assert_allclose(mean[each], alone.mean, atol=1e-10)
        np.testing.assert_allclose(covariance[each], alone.covariance, atol=1e-10)
        assert weights[each].sum() == pytest.approx(1)


def test_a_score_without_noise_is_believed_and_more_scores_leave_less_doubt():
    places = surface.prior(signals())
    few = surface.surface(places, np.arange(3), np.array([0.2, 0.5, 0.4]), np.zeros(3))
    np.testing.assert_allclose(few.mean[:3], [0.2, 0.5, 0.4], atol=1e-5)
    assert few.stderr[:3].max() < 1e-3 < few.stderr[3:].min()
    truth = 0.5 + 0.05 * signals()[:, 0]
    doubts = [surface.surface(places, np.arange(k), truth[:k], np.full(k, 1e-6)).stderr[-1] for k in (0, 3, 6, 11)]
    assert doubts == sorted(doubts, reverse=True) and doubts[-1] < 0.1 * doubts[0]


def test_it_learns_whether_signals_beside_the_first_count():
    places = signals(30, seed=2)
    known = surface.prior(places)
    at, none = np.arange(25), np.full(25, 1e-5)
    alone = surface.surface(known, at, 0.5 + 0.1 * places[:25, 0], none)
    other = surface.surface(known, at, 0.5 + 0.1 * places[:25, 1], none)
    assert alone.beside < 0.5 < 0.99 < other.beside


def test_a_signal_that_never_varies_says_nothing():
    places = np.column_stack([np.arange(5.0), np.full(5, 3e9)])
    assert np.isfinite(surface.prior(places).covariances).all() and (surface.spread(places)[:, 1] == 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_intervals_hold_what_was_drawn_from_the_prior(seed):
    rng = np.random.default_rng(seed)
    places = surface.prior(signals(20, seed))
    inside = []
    for _ in range(40):
        which = rng.choice(len(places.weights))
        truth = rng.multivariate_normal(np.full(20, 0.5), places.covariances[which])
        at = rng.permutation(20)[:6]
        known = surface.surface(places, at, truth[at], np.full(6, 1e-6))
        rest = np.setdiff1d(np.arange(20), at)
        inside.append((np.abs(truth - known.mean) < 1.96 * known.stderr)[rest].mean())
    assert 0.87 < np.mean(inside) < 0.995


def test_order_and_units_of_signals_change_nothing():
    places, at = signals(), np.array([0, 3, 4, 7])
    scores, noise = np.array([0.2, 0.5, 0.4, 0.7]), np.full(4, 0.001)
    known = surface.surface(surface.prior(places), at, scores, noise)
    units = surface.surface(surface.prior(places * [3.0, 0.1, 1e6] + [5, -2, 1e7]), at, scores, noise)
    np.testing.assert_allclose(units.mean, known.mean, atol=1e-8)
    turned = surface.surface(surface.prior(places[::-1]), 11 - at, scores, noise)
    np.testing.assert_allclose(turned.mean[::-1], known.mean, atol=1e-8)
    np.testing.assert_allclose(turned.covariance[::-1, ::-1], known.covariance, atol=1e-8)
    worse = surface.surface(surface.prior(places), at, 1 - scores, noise)
    np.testing.assert_allclose(1 - worse.mean, known.mean, atol=1e-8)


def test_combinations_are_mixed_by_how_likely_they_make_the_scores():
    known = surface.prior(signals(6))
    at, scores, noise = np.array([0, 2, 5]), np.array([0.2, 0.6, 0.5]), np.full(3, 0.001)
    alone = [surface.Prior(each[None], np.ones(1), np.zeros(1)) for each in known.covariances]
    each = [surface.surface(one, at, scores, noise) for one in alone]
    inside = [covariance[np.ix_(at, at)] + np.diag(noise + 1e-10) for covariance in known.covariances]
    likely = np.exp([multivariate_normal(np.full(3, surface.CENTRE), one).logpdf(scores) for one in inside])
    likely /= likely.sum()
    mean = sum(weight * one.mean for weight, one in zip(likely, each, strict=True))
    off = [np.outer(one.mean - mean, one.mean - mean) for one in each]
    whole = sum(weight * (one.covariance + apart) for weight, one, apart in zip(likely, each, off, strict=True))
    mixed = surface.surface(known, at, scores, noise)
    np.testing.assert_allclose(mixed.mean, mean, atol=1e-9)
    np.testing.assert_allclose(mixed.covariance, whole, atol=1e-9)
    assert np.abs(sum(weight * apart for weight, apart in zip(likely, off, strict=True))).max() > 1e-5
