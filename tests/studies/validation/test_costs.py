"""The arithmetic of a validation pass, against sums done another way."""

import pytest

from proxylib.studies.validation import costs
from proxylib.studies.validation.costs import Range


def of(quantity):
    frame = costs.quantities()
    return frame[frame["quantity"] == quantity].iloc[0]


def test_ranges_multiply_and_divide_end_by_end():
    assert Range(2, 3).times(Range(5, 7), 2) == (20, 42)
    assert Range(2, 3).over(Range(4, 8)) == (0.25, 0.75)
    assert Range(1, 100).middle == pytest.approx(10)


def test_the_stated_schedule_costs_far_less_than_half_a_percent():
    """Ten million tokens every 2,000 steps of 4 million: a pass forward is a third of forward and backward."""
    row = of("share, a pass every few thousand steps")
    assert row["high"] == pytest.approx(1e7 / (3 * 2000 * 4e6)) and row["high"] < row["stated_low"]
    often = of("share, as often as the article has it")
    assert often["high"] == pytest.approx(1e7 / (3 * 200 * 4e6)) and often["high"] < often["stated_low"]


def test_what_the_stated_pauses_cost():
    row = of("a pause of 2 to 10 minutes")
    assert row["low"] == pytest.approx(16_384 * 50 * 2 / 60) and row["high"] == pytest.approx(16_384 * 100 * 10 / 60)
    share = of("share of the time that such pauses take")
    steps = 6 * 70e9 * 16e6 / (16_384 * 989e12 * 0.2) * 5000  # seconds between two passes at their longest
    assert share["low"] == pytest.approx(120 / (120 + steps))
    assert 0 < share["low"] < share["high"] < 1 and share["low"] > share["stated_high"]


def test_a_pass_of_millions_of_tokens_costs_dollars():
    row = of("a pass on all GPUs, priced")
    hours = [tokens * 2 * 70e9 / (989e12 * use) / 3600 for tokens, use in ((1e6, 0.5), (1e7, 0.2))]  # of one GPU
    assert (row["low"], row["high"]) == pytest.approx((50 * hours[0], 100 * hours[1])) and row["high"] < 1000


def test_tokens_that_cost_the_stated_share_cost_it():
    row = of("tokens of a pass that cost the stated share")
    assert row["low"] / (3 * 2000 * 4e6) == pytest.approx(0.005) and row["low"] > row["stated_high"]
