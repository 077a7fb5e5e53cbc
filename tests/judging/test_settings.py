"""Settings of an LLM judge: what is out of bounds is one line that names it."""

import pytest

from proxylib.errors import UserError
from proxylib.judging.settings import LLMJudge
from proxylib.settings import validated


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"connections": 0}, "connections: .* 1 .given: 0"),
        ({"limit_cost": 1.0}, "limit_cost: needs price_in or price_out"),
        ({"attempts": 0}, "attempts: "),
        *(({"limit_cost": value, "price_in": 1.0}, "limit_cost: ") for value in (float("nan"), float("inf"), -1.0, 0.0)),
        *(({name: value}, f"{name}: ") for name in ("price_in", "temperature") for value in (float("nan"), -1.0)),
        ({"limit_tokens": 0}, "limit_tokens: "),
        ({"limit": 5}, "limit: Extra inputs"),
        ({"model": 3}, "model: .*string"),
    ],
)
def test_bad_settings_are_one_line(values, message):
    with pytest.raises(UserError, match=message):
        validated(LLMJudge, {"model": "x"} | values, "judge")


def test_a_cost_is_both_prices_times_tokens_in_millions():
    judge = LLMJudge(model="x", price_in=2.0, price_out=10.0, limit_cost=1)
    assert judge.cost(500_000, 100_000) == pytest.approx(2.0)
