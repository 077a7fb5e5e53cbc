"""Arithmetic of prices that can be checked by hand."""

import numpy as np
import pytest

from proxylib.studies.layers import prices
from proxylib.studies.layers.series import BENCHMARKS, LAYERS, PEOPLE
from proxylib.studies.layers.settings import Price


def priced(*dollars):
    return {layer: Price(dollars=span, days=(0, 1)) for layer, span in zip(LAYERS, dollars, strict=True)}


RISING = priced((0, 0), (1, 2), (3, 4), (5, 6), (7, 8), (9, 10))


def test_prices_that_rise_have_the_order_and_prices_that_fall_the_other():
    assert prices.order(RISING) == pytest.approx((1, 1, 1))
    falling = priced((9, 10), (7, 8), (5, 6), (3, 4), (1, 2), (0, 0))
    assert prices.order(falling) == pytest.approx((-1, -1, -1))


def test_layers_of_one_pass_move_together():
    ends = priced((0, 10), (4, 4), (4, 4), (4, 4), (4, 4), (0, 10))
    assert prices.order(ends)[1:] == pytest.approx((0, 0))  # apart they would rise from the first to the last, or fall


def test_the_range_is_that_of_the_ends():
    middle, low, high = prices.order(priced((0, 0), (1, 20), (1, 20), (5, 6), (7, 8), (0, 0)))
    ranks = np.array([[1.5, 3.5, 3.5, 5, 6, 1.5], [1.5, 5.5, 5.5, 3, 4, 1.5]])  # the pass cheap, and dear
    assert (high, low) == pytest.approx([np.corrcoef(row, range(6))[0, 1] for row in ranks]) and low <= middle <= high


def test_ratios_and_campaigns_are_products_of_ends():
    assert prices.dearer(RISING, PEOPLE, BENCHMARKS) == pytest.approx((15 / 11, 7 / 6, 8 / 5))
    assert prices.campaign(RISING) == pytest.approx((7.5 * 36, 7 * 24, 8 * 48))


def test_no_luck_is_in_arithmetic():
    table = prices.estimates(RISING).set_index("claim")
    assert list(table.index) == ["stack-hierarchy-cost", "stack-people-dearer", "stack-dozens"] and table["level"].isna().all()
    assert (table["low"] <= table["estimate"] + 1e-9).all() and (table["estimate"] <= table["high"] + 1e-9).all()
