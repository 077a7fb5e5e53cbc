"""Laws in one variable: noiseless points give their parameters back, in any unit; what is no law is not called one."""

import numpy as np
import pytest

from proxylib.errors import UserError
from proxylib.laws import fitting
from proxylib.laws.curves import Exponential, Linear, LogPower, Power, Sigmoid, sigmoid, slopes_of_sigmoid

T = np.geomspace(1e9, 1e12, 24)  # tokens
LOSS = np.linspace(4.0, 2.3, 24)  # nats
UNITS = pytest.mark.parametrize("unit", [1e-12, 1.0, 1e9])


@UNITS
@pytest.mark.parametrize(("a", "b", "c"), [(0.7, 3.0, 0.1), (2.4, -40.0, 0.3), (0.9, 2.0, 0.02), (0.5, 5e8, 1.2)])
def test_power_is_recovered_in_any_unit(a, b, c, unit):
    fitted = Power().fit(T * unit, a - b * T**-c)
    assert fitted.fit.converged and fitted.predict(5e12 * unit) == pytest.approx(a - b * 5e12**-c, rel=1e-6)
    assert fitted.parameters == pytest.approx({"a": a, "b": b * unit**c, "c": c}, rel=1e-5)


def test_power_goes_the_way_that_is_asked_for_or_says_that_it_cannot():
    falling = 2 + 40 * T**-0.3
    assert Power(rising=False).fit(T, falling).parameters["b"] < 0
    wrong = Power(rising=True).fit(T, falling)
    assert not wrong.fit.converged and wrong.fit.reason == fitting.NO_TREND
    assert Power(rising=True).fit(T, -falling).parameters["b"] > 0


def test_power_ends_where_a_score_can():
    y = 0.2 + 0.05 * np.log(T / 1e9)  # shows no end
    assert Power(rising=True).fit(T, y).parameters["a"] > 1
    bounded = Power(rising=True, most=1.0).fit(T, y)
    assert bounded.parameters["a"] == 1 and bounded.predict(1e40) < 1 and bounded.fit.converged
    assert Power(rising=False, least=0.0).fit(T, 1 - y).parameters["a"] == 0


def test_power_stays_within_its_exponents():
    for y in (np.log(T) / 30, 1 - (T / 1e9) ** -4.0):
        c = Power().fit(T, y).parameters["c"]
        assert 0.01 <= c <= 2
    assert "end of its range" in Power().fit(T, np.log(T) / 30).fit.reason


def test_weights_decide_which_points_count():
    y = 0.7 - 3.0 * T**-0.1
    off = y.copy()
    off[::5] += 0.2
    weights = np.ones(len(T))
    weights[::5] = 0
    assert Power().fit(T, off, weights).parameters["a"] == pytest.approx(0.7, rel=1e-4)
    assert Power().fit(T, off).parameters["a"] != pytest.approx(0.7, abs=0.02)
    twice = Power().fit(np.repeat(T, 2), np.repeat(off, 2)).parameters
    assert twice == pytest.approx(Power().fit(T, off, 2 * np.ones(len(T))).parameters, rel=1e-5)


@UNITS
def test_log_power_is_recovered(unit):
    fitted = LogPower().fit(T * unit, np.exp(-50 * T**-0.2))
    assert fitted.fit.converged
    assert fitted.parameters == pytest.approx({"A": 50 * unit**0.2, "alpha": 0.2}, rel=1e-5)
    assert fitted.predict(1e30 * unit) == pytest.approx(np.exp(-50e-6))


@pytest.mark.parametrize("bad", [0.0, 1.2])
def test_log_power_takes_shares_alone(bad):
    y = np.linspace(0.2, 0.9, 24)
    y[3] = bad
    with pytest.raises(UserError, match=f"log_power: a score is {bad:g}"):
        LogPower().fit(T, y)


def test_linear_is_least_squares_over_the_points_above_chance():
    y = np.where(LOSS < 3.2, 1.2 - 0.2 * LOSS, 0.25)
    above = Linear(chance=0.25).fit(LOSS, y)
    assert above.parameters == pytest.approx({"w0": 1.2, "w1": -0.2})
    assert Linear().fit(LOSS, y).parameters["w1"] == pytest.approx(np.polyfit(LOSS, y, 1)[0])
    assert Linear(chance=0.25, margin=0.4).fit(LOSS, y).parameters == pytest.approx({"w0": 1.2, "w1": -0.2})
    weights = np.linspace(0.1, 2, 24)
    assert Linear().fit(LOSS, y, weights).parameters["w1"] == pytest.approx(np.polyfit(LOSS, y, 1, w=np.sqrt(weights))[0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_a_line_over_a_signal_whose_squares_are_no_numbers_is_refused(unit):
    with pytest.raises(UserError, match="give it in another unit"):
        Linear().fit(LOSS * unit, LOSS)


def test_linear_without_points_past_emergence_says_how_many_it_needs():
    with pytest.raises(UserError, match=r"points above chance\): 0 points; 2 parameters need at least 3"):
        Linear(chance=0.25).fit(LOSS, np.full(24, 0.2) + LOSS / 100)


@UNITS
def test_exponential_is_recovered_on_a_loss_and_turned_on_a_share(unit):
    y = 0.25 + 9 * np.exp(-1.5 * LOSS)
    fitted = Exponential().fit(LOSS * unit, y)
    assert fitted.fit.converged and fitted.parameters == pytest.approx({"floor": 0.25, "k": 9, "gamma": 1.5 / unit}, rel=1e-5)
    turned = Exponential().fit(-LOSS * unit, y)
    assert turned.predict(-2.0 * unit) == pytest.approx(0.25 + 9 * np.exp(-3), rel=1e-6) and turned.parameters["gamma"] < 0
    assert not Exponential(rising=True).fit(LOSS, y).fit.converged


@UNITS
@pytest.mark.parametrize("rising", [None, False])
def test_sigmoid_is_recovered_on_a_loss(unit, rising):
    x = np.linspace(1.6, 0.7, 30)
    fitted = Sigmoid(rising=rising).fit(x * unit, sigmoid(x, -0.7, 6.0, 0.95, 0.95))
    assert fitted.fit.converged
    assert fitted.parameters == pytest.approx({"a": -0.7, "k": 6 / unit, "x0": 0.95 * unit, "b": 0.95}, rel=1e-4)


def test_sigmoid_is_turned_for_a_signal_that_rises():
    x = np.linspace(1.6, 0.7, 30)
    y = sigmoid(x, -0.7, 6.0, 0.95, 0.95)
    turned = Sigmoid().fit(3 - x, y)
    assert turned.predict(3 - 0.5) == pytest.approx(sigmoid(0.5, -0.7, 6.0, 0.95, 0.95), abs=1e-5)
    wrong = Sigmoid(rising=True).fit(x, y)
    assert not wrong.fit.converged and wrong.fit.reason == fitting.NO_TREND


def test_derivatives_of_the_sigmoid_are_right():
    p, step = np.array([-0.7, 6.0, 0.95, 0.95]), 1e-6
    x = np.linspace(0.5, 1.5, 7)
    for j, column in enumerate(slopes_of_sigmoid(x, *p).T):
        up, down = p + step * (np.arange(4) == j), p - step * (np.arange(4) == j)
        assert column == pytest.approx((sigmoid(x, *up) - sigmoid(x, *down)) / (2 * step), abs=1e-6)


@pytest.mark.parametrize("law", [Power(), LogPower(), Linear(), Exponential(), Sigmoid()], ids=lambda law: law.name)
def test_every_law_is_deterministic_and_refuses_what_has_no_fit(law):
    rng = np.random.default_rng(5)
    y = np.clip(0.8 - 0.12 * LOSS + 0.02 * rng.normal(size=24), 0.05, 0.95)
    one, two = law.fit(T if law.name.endswith("power") else LOSS, y), law.fit(T if law.name.endswith("power") else LOSS, y)
    assert one.parameters == two.parameters and one.fit.reason == two.fit.reason
    with pytest.raises(UserError, match=f"{law.name}.*2 points; [2-4] parameters need at least"):
        law.fit([1, 2], [0.1, 0.2])
    with pytest.raises(UserError, match="scores that never change"):
        law.fit(LOSS, np.full(24, 0.25))
