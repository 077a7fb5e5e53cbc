"""Laws of many series at once against the searched fits of one, and where they have no answer."""

import numpy as np
import pytest

from proxylib.laws import batches
from proxylib.laws.curves import Power, Sigmoid

T = np.geomspace(7, 2900, 12)


def noisy(rows, scale=0.01, seed=0):
    return rows + np.random.default_rng(seed).normal(0, scale, rows.shape)


def test_powers_fit_as_well_as_a_search_and_foretell_the_same():
    exact = np.stack([0.8 - 0.9 * T**-0.3, 2.0 + 3.0 * T**-0.8, 0.3 - 0.2 * T**-0.05])
    rows = noisy(exact)
    fits = batches.powers(T, rows)
    for number, row in enumerate(rows):
        searched = Power().fit(T, row)
        left = row - fits.predict(T)[number]
        assert left @ left / 2 <= searched.fit.loss * 1.02
        assert fits.predict(1e4)[number, 0] == pytest.approx(searched.predict(1e4), abs=0.01)
    assert batches.powers(T, exact[:2]).predict(1e4)[:, 0] == pytest.approx(
        [0.8 - 0.9 * 1e4**-0.3, 2 + 3 * 1e4**-0.8], abs=2e-3
    )


def test_a_law_ends_within_its_bounds_and_fits_as_a_bounded_search_does():
    rows = np.stack([0.1 * np.log(T), 3 - 0.4 * np.log(T)])
    fits = batches.powers(T, rows, least=np.array([0.0, 0.0]), most=np.array([1.0, np.inf]))
    assert (fits.level >= 0).all() and fits.level[0] <= 1 and (batches.powers(T, rows).level[0] > 1)
    searched = Power(least=0.0, most=1.0).fit(T, rows[0])
    assert fits.predict(1e4)[0, 0] == pytest.approx(searched.predict(1e4), abs=0.02)


def test_a_series_that_never_changes_has_no_law():
    rows = np.stack([np.full(12, 0.4), T / T.max()])
    assert np.isnan(batches.powers(T, rows).predict(9.0)[:, 0]).tolist() == [True, False]
    flat = np.zeros((2, 12))
    for law in (batches.lines, batches.sigmoids):
        assert np.isnan(law(rows, flat, np.array([0.5, 0.5]))).all() and np.isnan(law(flat, rows, np.array([0.5, 0.5]))).all()


def test_a_line_is_that_of_least_squares():
    x, y = noisy(np.stack([T / 1000, -T / 500])), noisy(np.tile(np.linspace(0.1, 0.6, 12), (2, 1)), 0.05, 1)
    expected = [np.polyval(np.polyfit(a, b, 1), 2.0) for a, b in zip(x, y, strict=True)]
    assert batches.lines(x, y, np.array([2.0, 2.0])) == pytest.approx(expected)


@pytest.mark.parametrize("turn", [1.0, -1.0])
def test_sigmoids_fit_nearly_as_well_as_a_search(turn):
    x = turn * np.tile(np.linspace(-3, 3, 12), (3, 1))
    s = 1 / (1 + np.exp(-1.5 * turn * x))
    y = noisy(np.stack([0.1 + 0.8 * s[0], 0.9 - 0.5 * s[1], 0.3 * s[2]]), 0.01, 3).clip(0, 1)
    at = x[:, 7] + 0.1
    values = batches.sigmoids(x, y, at)
    for number in range(3):
        searched = Sigmoid().fit(x[number], y[number])
        assert values[number] == pytest.approx(searched.predict(at[number]), abs=0.02)


def test_both_ends_of_a_sigmoid_are_shares():
    x = np.linspace(0, 1, 10)[None]
    y = 0.02 + 0.3 * x**3
    far = batches.sigmoids(x, y, np.array([50.0]))
    assert 0 <= far[0] <= 1
    s = np.random.default_rng(0).random((1, 40, 10))
    low, high, loss = batches._ends(s, 3 * x - 1)
    assert (low >= 0).all() and (high <= 1).all() and np.isfinite(loss).all()
    corners = np.random.default_rng(1).random((200, 2))
    tried = [((3 * x - 1 - a * (1 - s[0]) - b * s[0]) ** 2).sum(1) for a, b in corners]
    assert (np.min(tried, axis=0) >= loss[0] - 1e-9).all()
