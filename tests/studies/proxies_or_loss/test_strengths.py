"""Correlations and their differences: oracles, a signal that is loss again, one that is more, coverage of direction."""

import numpy as np
import pytest
from scipy import stats as reference
from studies.proxies_or_loss.made import get, made

from proxylib.stats import Bootstrap
from proxylib.studies.proxies_or_loss import grid, strengths

BOOTSTRAP = Bootstrap(draws=60, level=0.95, seed=1)
NAME = grid.NAMED_PROXIES[0]


def test_correlations_are_those_of_scipy():
    whole = made(lambda s, d, z: s + d + z, lambda s, d, z: 3 - s + z, lambda s, d, z: np.exp(s - z))
    values = strengths.correlations(whole)
    place = [list(whole.signals).index(NAME), list(whole.scores).index("LM judge")]
    x, y = whole.signals[NAME], whole.scores["LM judge"]
    assert values[0][*place] == pytest.approx(reference.pearsonr(x, y).statistic)
    assert values[1][*place] == pytest.approx(reference.spearmanr(x, y).statistic)


def test_a_partial_correlation_knows_nothing_of_base_and_data():
    whole = made(lambda s, d, z: 5 * s + 3 * d + s * d + z, lambda s, d, z: 3 - z, lambda s, d, z: s**3 + d**2)
    table = strengths.strengths(whole, BOOTSTRAP)
    keys = {"score": "LM judge", "statistic": "partial r"}
    assert get(table, signal=grid.FINAL, **keys)["estimate"] == pytest.approx(1)
    assert abs(get(table, signal=NAME, **keys)["estimate"]) < get(table, signal=NAME, **keys)["critical"]
    assert get(table, signal=NAME, **keys)["critical"] == pytest.approx(0.666, abs=0.001)  # seven degrees of freedom


def test_a_signal_that_is_loss_again_is_neither_better_nor_worse_and_a_truer_one_is_better():
    noise = np.random.default_rng(3)
    loss = lambda s, d, z: 3 - 0.3 * (s + d) - z
    table = strengths.strengths(
        made(lambda s, d, z: s + d, loss, lambda s, d, z: s + d + 0.01 * noise.standard_normal()), BOOTSTRAP
    )
    again = get(table, score="LM judge", signal=grid.HELD_OUT, statistic="r minus final loss")
    assert (again["estimate"], again["low"], again["high"]) == pytest.approx((0, 0, 0), abs=1e-9)
    truer = get(table, score="LM judge", signal=NAME, statistic="r minus final loss")
    assert truer["low"] > 0 and truer["low_drawn"] > 0
    assert not ((table["signal"] == grid.FINAL) & table["statistic"].str.endswith("minus final loss")).any()


def test_what_does_not_vary_has_no_row():
    table = strengths.strengths(made(lambda s, d, z: 7.0, lambda s, d, z: 3 - s, lambda s, d, z: s), BOOTSTRAP)
    assert table.empty
