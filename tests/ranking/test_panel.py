"""Panels that are refused, and scales and ranks against scipy's."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranking.panels import panel, quick
from scipy import stats as reference

from proxylib.errors import UserError
from proxylib.ranking import panel as panel_


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("features", np.zeros((12, 4, 5)), "features has shape"),
        ("accuracy", np.zeros((12, 3)), "accuracy has shape"),
        ("families", np.array(["a"] * 11), "families has shape"),
        ("families", np.array(["a"] * 11 + [""]), "no name"),
        ("features", np.full((12, 4, 6), np.nan), "not finite"),
        ("tasks", ["a", "b", "c", "a"], "tasks holds a name twice"),
        ("accuracy", np.full((12, 4), 0.5), "score alike on task 0"),
    ],
)
def test_a_bad_panel_is_refused(field, value, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(panel(), **{field: value})


def test_a_panel_owns_its_arrays():
    features = np.array(panel().features)
    made = dataclasses.replace(panel(), features=features)
    features[:] = 0
    assert made.features.any()
    with pytest.raises(ValueError, match="read-only"):
        made.accuracy[0, 0] = 1


@quick
@given(seed=st.integers(0, 10_000), n=st.integers(3, 14), ties=st.booleans())
def test_the_product_of_unit_ranks_is_spearmans_correlation(seed, n, ties):
    x, y = np.random.default_rng(seed).standard_normal((2, n, 3))
    if ties:
        x, y = np.round(x), np.round(y)
    found = (panel_.unit_ranks(x) * panel_.unit_ranks(y)).sum(0)
    for a, b, rho in zip(x.T, y.T, found, strict=True):
        defined = np.ptp(a) > 0 and np.ptp(b) > 0
        assert rho == pytest.approx(reference.spearmanr(a, b).statistic if defined else 0.0, abs=1e-12)


def test_only_the_given_rows_set_the_scale():
    values = np.random.default_rng(1).normal(5, 3, (9, 2, 4))
    rows = np.arange(9) < 6
    found = panel_.standardise(values, rows)
    assert found[rows].mean(0) == pytest.approx(np.zeros((2, 4)), abs=1e-12)
    assert found[rows].std(0) == pytest.approx(np.ones((2, 4)))
    assert found[8, 1, 2] == pytest.approx((values[8, 1, 2] - values[:6, 1, 2].mean()) / values[:6, 1, 2].std())


def test_a_feature_without_spread_is_zero_for_all():
    values = np.random.default_rng(1).normal(size=(6, 2, 2))
    values[:3, 0, 0] = 0.1
    rows = np.arange(6) < 3
    assert values[rows].std(0)[0, 0] > 0  # the mean of three is not exactly 0.1 in floating point
    found = panel_.standardise(values, rows)
    assert (found[:, 0, 0] == 0).all() and found[:, 0, 1].any()


def test_importing_it_loads_neither_torch_nor_scikit_learn():
    code = "import sys, proxylib.ranking.panel; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
