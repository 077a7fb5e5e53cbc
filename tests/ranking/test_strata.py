"""Correlations given a trait: by hand, on planted signals, and where a trait explains everything."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from ranking.panels import BOOTSTRAP, ones, panel
from scipy import stats as reference

from proxylib.ranking import protocols, rankers, strata, summaries

ONE = lambda n: np.ones((1, n))


def given(seed=0, n=60, through_trait=1.0, own=1.0):
    """A trait of four values, and scores and accuracies that follow it and, apart from it, each other."""
    rng = np.random.default_rng(seed)
    trait = rng.integers(0, 4, n).astype(float)
    shared = rng.standard_normal(n)
    noisy = lambda: through_trait * trait + own * shared + 0.5 * rng.standard_normal(n)
    return noisy(), noisy(), trait


def test_inside_strata_is_the_mean_of_scipys_weighted_by_models():
    x, y, trait = given()
    parts = [(trait == value, (trait == value).sum()) for value in range(4)]
    expected = sum(reference.spearmanr(x[s], y[s]).statistic * n for s, n in parts) / 60
    assert strata.within(trait)(x, y, ONE(60))[0] == pytest.approx(expected)
    # models without the trait, and strata of three, are left out
    few = np.where(np.arange(60) < 3, 9.0, trait)
    few[3:6] = np.nan
    assert strata.within(few)(x, y, ONE(60))[0] == pytest.approx(strata.within(trait[6:])(x[6:], y[6:], ONE(54))[0])


def test_the_partial_correlation_is_that_of_residuals_of_ranks():
    x, y, trait = given(1)
    ranks = [reference.rankdata(values) for values in (x, y, trait)]
    left = [sm.OLS(r, sm.add_constant(ranks[2])).fit().resid for r in ranks[:2]]
    assert strata.partial(trait)(x, y, ONE(60))[0] == pytest.approx(np.corrcoef(*left)[0, 1])


@pytest.mark.parametrize("way", [strata.within, strata.partial])
def test_a_correlation_through_the_trait_alone_is_lost_and_one_beside_it_stays(way):
    of = lambda **planted: np.mean([way(t)(x, y, ONE(60))[0] for x, y, t in (given(seed, **planted) for seed in range(20))])
    assert summaries.drawn_rho(*given(0, own=0.0)[:2], ONE(60))[0] > 0.7
    assert abs(of(own=0.0)) < 0.1
    assert of(through_trait=0.0) > 0.6 and of() > 0.6


@pytest.mark.parametrize("way", [strata.within, strata.partial])
def test_weights_are_copies(way):
    x, y, trait = given(2)
    weights = np.random.default_rng(3).multinomial(60, np.full(60, 1 / 60), size=3)
    for found, times in zip(way(trait)(x, y, weights), weights, strict=True):
        copies = np.repeat(np.arange(60), times)
        assert found == pytest.approx(way(trait[copies])(x[copies], y[copies], ONE(60))[0])


@pytest.mark.parametrize("way", [strata.within, strata.partial])
def test_where_nothing_can_be_said_there_is_no_number_and_what_tells_nothing_apart_scores_zero(way):
    x, y, trait = given(3, 12)
    assert np.isnan(way(np.full(12, np.nan))(x, y, ONE(12))[0])
    assert way(trait)(np.zeros(12), y, ONE(12))[0] == 0
    assert strata.partial(trait)(trait, y, ONE(12))[0] == 0  # a score that is the trait says nothing beyond it
    assert strata.partial(np.zeros(12))(x, y, ONE(12)) == pytest.approx(reference.spearmanr(x, y).statistic)


def test_every_method_is_asked_under_the_protocols_that_are_named():
    made = panel(4, families=4, sizes=4)
    trait = np.tile([0.2, 0.8], 8)
    ways = (protocols.leave_tasks_out, protocols.leave_family_out, protocols.leave_both_out)
    predictions = {"one": [pd.concat(way(made, rankers.Univariate()) for way in ways)]}
    frame = strata.given_trait([made], predictions, [trait], ("leave-tasks-out", "leave-family-out"), BOOTSTRAP)
    assert len(frame) == 2 * 5 and list(frame["protocol"].unique()) == ["leave-tasks-out", "leave-family-out"]
    by = frame.set_index(["protocol", "quantity"])["estimate"]
    for protocol in frame["protocol"].unique():
        part = predictions["one"][0].query("protocol == @protocol")
        assert by[protocol, "rho"] == pytest.approx(summaries.rho(part, made, ones(made))[0])
        for name, way in ((strata.WITHIN, strata.within), (strata.PARTIAL, strata.partial)):
            value = summaries.rho(part, made, ones(made), way(trait))[0]
            assert by[protocol, name] == pytest.approx(value)
            assert by[protocol, strata.LOST.format(name)] == pytest.approx(by[protocol, "rho"] - value)
