"""The ladder's laws: noiseless points give their parameters back, gradients are right, failures are counted."""

import numpy as np
import pytest

from proxylib.errors import UserError
from proxylib.laws import fitting, ladder
from proxylib.laws.curves import sigmoid
from proxylib.laws.ladder import Chinchilla, Chinchilla1, LadderSigmoid, SingleStep

SIZES = np.repeat([190e6, 370e6, 760e6, 1.28e9], 4)
TOKENS = SIZES * 20 * np.tile([1.0, 2.0, 5.0, 10.0], 4)
X = np.stack([SIZES, TOKENS], axis=1)
COMPUTE = 6 * SIZES * TOKENS
BPB = np.linspace(1.6, 0.7, 40)


def task_loss(x):
    return np.exp(3.6) / x[:, 0] ** 0.226 + np.exp(4.6) / x[:, 1] ** 0.236 + 0.454


@pytest.mark.parametrize("unit", [1.0, 1e-9])
def test_chinchilla_is_recovered_in_any_unit(unit):
    fitted = Chinchilla().fit(X * unit, task_loss(X))
    wanted = {"A": np.exp(3.6) * unit**0.226, "B": np.exp(4.6) * unit**0.236, "alpha": 0.226, "beta": 0.236, "E": 0.454}
    assert fitted.fit.converged and fitted.parameters == pytest.approx(wanted, rel=1e-4)
    far = np.array([[6.9e9, 4e12]])
    assert fitted.predict(far * unit) == pytest.approx(task_loss(far), rel=1e-6)


def test_an_outlier_moves_chinchilla_little_however_far_it_lies():
    far = np.array([[6.9e9, 4e12]])

    def prediction(factor):
        return Chinchilla().fit(X, task_loss(X) * np.where(np.arange(16) == 5, factor, 1.0)).predict(far)

    assert prediction(1.1) == pytest.approx(task_loss(far), rel=5e-3)
    assert prediction(1.5) == pytest.approx(prediction(1.1), rel=1e-4)


@pytest.mark.parametrize(("column", "what"), [(0, "sizes"), (1, "numbers of tokens")])
def test_one_size_is_no_ladder(column, what):
    x = X.copy()
    x[:, column] = 1e9
    with pytest.raises(UserError, match=f"all 16 points have the same {what}"):
        Chinchilla().fit(x, task_loss(X))


@pytest.mark.parametrize("floor", [True, False])
def test_chinchilla_in_compute_is_recovered(floor):
    y = 30 / COMPUTE**0.1 + 0.4 * floor
    fitted = Chinchilla1(floor=floor).fit(COMPUTE, y)
    wanted = {"A": 30, "alpha": 0.1} | ({"E": 0.4} if floor else {})
    assert fitted.fit.converged and fitted.parameters == pytest.approx(wanted, rel=1e-4)


def test_the_exponent_of_compute_stays_below_one():
    assert Chinchilla1().fit(COMPUTE, 1 + 1e23 / COMPUTE**1.2).parameters["alpha"] <= 1


@pytest.mark.parametrize("law", [Chinchilla(), SingleStep()], ids=lambda law: law.name)
def test_a_loss_below_zero_is_refused(law):
    with pytest.raises(UserError, match="give values above 0"):
        law.fit(X, task_loss(X) - 2)


@pytest.mark.parametrize("variables", [1, 2])
def test_a_single_step_meets_its_points_and_goes_on(variables):
    x = COMPUTE if variables == 1 else X
    loss = lambda at: np.exp(6) / at**0.15 - 1 if variables == 1 else task_loss(at) * 2 - 2
    score = lambda at: sigmoid(loss(at), -0.7, 1.0, 0.0, 0.95)
    fitted = SingleStep(variables=variables).fit(x, score(x))
    assert fitted.fit.converged and fitted.predict(x) == pytest.approx(score(x), abs=1e-4)
    assert fitted.predict(8 * x) == pytest.approx(score(8 * x), abs=5e-3)


def test_gradients_of_the_losses_are_right():
    p, logs, aims = np.array([0.1, -0.2, 0.3, 0.2, 0.5]), np.log(X / X.mean(axis=0)), np.linspace(0.5, 2, 16)
    weights = np.linspace(0.5, 2, 16)
    loss = lambda at: ladder._huber(*ladder._sum_of_powers(at, logs), np.log(aims), weights)
    for j, slope in enumerate(loss(p)[1]):
        step = 1e-6 * (np.arange(5) == j)
        assert slope == pytest.approx((loss(p + step)[0] - loss(p - step)[0]) / 2e-6, rel=1e-5)


def test_the_huber_loss_is_square_within_delta_and_straight_beyond():
    values, aims = np.exp([0.5e-3, 3e-3]), np.zeros(2)
    loss, _ = ladder._huber(values, np.zeros((2, 1)), aims, np.ones(2))
    assert loss == pytest.approx(0.125e-6 + 1e-3 * (3e-3 - 0.5e-3))


def test_the_sigmoid_of_the_ladder_is_recovered():
    fitted = LadderSigmoid(helper=False).fit(BPB, sigmoid(BPB, -0.73, 5.0, 0.8, 0.98))
    assert fitted.parameters == pytest.approx({"a": -0.73, "L0": 0.8, "k": 5.0, "b": 0.98}, rel=1e-5)
    assert (fitted.fit.starts_tried, fitted.fit.starts_failed) == (1, 0)


def test_the_helper_point_pulls_the_curve_to_a_perfect_score():
    y = sigmoid(BPB, -0.45, 5.0, 0.9, 0.7)
    without, helped = LadderSigmoid(helper=False).fit(BPB, y), LadderSigmoid().fit(BPB, y)
    assert without.predict(0.0) == pytest.approx(0.7, abs=0.01) and helped.predict(0.0) > 0.9


def test_a_first_start_that_fails_is_counted_and_the_next_one_taken(monkeypatch):
    y = sigmoid(BPB, -0.73, 5.0, 0.8, 0.98)
    search, calls = fitting.minimise, []

    def first_fails(*arguments, **named):
        calls.append(arguments)
        return search(*arguments, **named) if len(calls) > 1 else fitting.Fit(np.full(4, np.nan), np.inf, False, "no", 1, 1)

    monkeypatch.setattr(fitting, "minimise", first_fails)
    fitted = LadderSigmoid(helper=False).fit(BPB, y)
    assert fitted.fit.converged and fitted.fit.starts_tried >= 2 and fitted.fit.starts_failed >= 1
    assert fitted.predict(BPB) == pytest.approx(y, abs=1e-6)


@pytest.mark.parametrize("law", [Chinchilla(), SingleStep(), SingleStep(variables=1), Chinchilla1(), LadderSigmoid()])
def test_too_few_points_are_refused_with_their_number(law):
    x = X[:3] if law in (Chinchilla(), SingleStep()) else COMPUTE[:3]
    with pytest.raises(UserError, match=r"3 points; [3-7] parameters need at least [4-8]"):
        law.fit(x, [0.5, 0.6, 0.7])
