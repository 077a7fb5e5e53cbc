"""What further evaluations are worth: what cannot change the choice is worth nothing, and everything leaves nothing to lose."""

import numpy as np
import pytest

from proxylib.laws import purchases
from proxylib.laws.surface import Surface

DOUBT = Surface(np.array([0.5, 0.52, 0.1]), np.diag([0.01, 0.01, 1e-8]), 0.0)
PRICES = np.ones((3, 1))


def everything(drawn, variance):
    for at in range(3):
        drawn = purchases.bought(drawn, at, variance, np.random.default_rng(at).standard_normal(len(drawn.truth)))
    return drawn


def test_regret_is_never_below_zero_and_exact_knowledge_ends_it():
    drawn = purchases.worlds(DOUBT, 2000, 1)
    assert drawn.regret().min() >= 0
    # E[max] - E[chosen] of two normals of SD 0.1, 0.02 apart
    from scipy.stats import norm

    apart = 0.1 * np.sqrt(2)
    exact = apart * norm.pdf(0.02 / apart) - 0.02 * norm.cdf(-0.02 / apart)
    assert drawn.regret().mean() == pytest.approx(exact, rel=0.06)
    assert everything(drawn, 1e-9).regret().max() < 1e-3
    assert 0.001 < everything(drawn, 0.01).regret().mean() < drawn.regret().mean()


def test_what_is_known_already_or_cannot_be_best_gains_nothing():
    drawn = purchases.worlds(DOUBT, 200, 1)
    assert purchases.gains(drawn, 2, np.array([0.001]))[0] == pytest.approx(0, abs=1e-9)
    close, noisy = purchases.gains(drawn, 0, np.array([0.001, 0.1]))
    assert close > noisy > 0
    assert purchases.best(drawn, np.full((3, 1), 0.001), PRICES)[0] in (0, 1)
    sure = Surface(DOUBT.mean, np.eye(3) * 1e-10, 0.0)
    assert purchases.best(purchases.worlds(sure, 200, 1), np.full((3, 1), 0.001), PRICES) is None


def test_a_gain_is_what_regret_falls_by():
    drawn = purchases.worlds(DOUBT, 40_000, 3)
    luck = np.random.default_rng(5).standard_normal(40_000)
    fall = drawn.regret().mean() - purchases.bought(drawn, 0, 0.004, luck).regret().mean()
    assert purchases.gains(drawn, 0, np.array([0.004]))[0] == pytest.approx(fall, rel=0.08)


def test_of_two_that_gain_alike_the_cheaper_is_bought_and_what_is_not_on_offer_never():
    drawn = purchases.worlds(DOUBT, 200, 1)
    variances = np.full((3, 2), 0.001)
    assert purchases.best(drawn, variances, np.array([[9.0, 1.0]] * 3))[1] == 1
    assert purchases.best(drawn, variances, np.array([[np.inf, 9.0]] * 3))[1] == 1
    assert purchases.best(drawn, variances, np.full((3, 2), np.inf)) is None


def test_cheap_items_that_change_nothing_are_not_bought_one_by_one():
    drawn = purchases.worlds(DOUBT, 200, 1)
    variances = np.tile([0.05, 0.001], (3, 1))
    little, much = purchases.gains(drawn, 0, variances[0])
    assert 0 < little < much / 2 and little / 0.001 > much / 9
    assert purchases.best(drawn, variances, np.tile([0.001, 9.0], (3, 1)))[1] == 1


def test_one_evaluation_tells_of_its_neighbours():
    tied = Surface(np.array([0.5, 0.5]), np.array([[0.01, 0.0099], [0.0099, 0.01]]), 0.0)
    after = purchases.bought(purchases.worlds(tied, 500, 1), 0, 1e-9, np.zeros(500))
    assert after.covariance[1, 1] < 0.001
    assert np.corrcoef(after.believed[:, 1], after.truth[:, 1])[0, 1] > 0.95


def test_items_leave_the_doubt_that_their_noise_leaves():
    after = purchases.bought(purchases.worlds(DOUBT, 500, 1), 0, 0.01, np.random.default_rng(2).standard_normal(500))
    np.testing.assert_allclose(np.diagonal(after.covariance), [0.005, 0.01, 1e-8])
    assert np.std(after.believed[:, 0]) == pytest.approx(np.sqrt(0.005), rel=0.1)
