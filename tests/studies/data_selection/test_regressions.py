"""What is fitted on shares: the order of what is known, nothing where there is nothing, and no look at what is forecast."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from studies.data_selection.mixed import mixtures

from proxylib.data.published.regmix import TARGET
from proxylib.studies.data_selection import regressions
from proxylib.studies.data_selection.regressions import BOOSTING, LINEAR, METHODS, SHARE


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(regressions, "TREES", 80)
    monkeypatch.setattr(regressions, "RATE", 0.1)


@pytest.mark.parametrize("method", METHODS)
def test_other_mixtures_are_ranked_by_a_loss_that_shares_decide(method):
    fitted, other = mixtures("fitted"), mixtures("1B")
    values = regressions.forecast(method, TARGET, fitted.shares, fitted.losses[TARGET].to_numpy(), other.shares)
    assert spearmanr(values, other.losses[TARGET]).statistic > 0.7
    shuffled = np.random.default_rng(0).permutation(fitted.losses[TARGET])
    nothing = regressions.forecast(method, TARGET, fitted.shares, shuffled, other.shares)
    if method == SHARE:
        assert (nothing == values).all()  # it is not fitted
    else:
        assert abs(spearmanr(nothing, other.losses[TARGET]).statistic) < 0.5


def test_least_squares_is_that_of_the_shares_without_a_constant():
    fitted, other = mixtures("fitted"), mixtures("60M")
    losses = fitted.losses[TARGET].to_numpy()
    values = regressions.forecast(LINEAR, TARGET, fitted.shares, losses, other.shares)
    weights = np.linalg.lstsq(fitted.shares.to_numpy(), losses, rcond=None)[0]
    assert values == pytest.approx(other.shares.to_numpy() @ weights)


def test_boosting_needs_as_many_models_as_two_leaves_hold():
    """With fewer it says one number of every mixture, and 40 are enough to say two."""
    fitted, other = mixtures("fitted"), mixtures("1B")
    of = lambda count: regressions.forecast(
        BOOSTING, TARGET, fitted.shares[:count], fitted.losses[TARGET].to_numpy()[:count], other.shares
    )
    assert np.ptp(of(39)) < 1e-9 < np.ptp(of(120))
    assert (of(60) == of(60)).all()
