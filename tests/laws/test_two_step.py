"""Two steps: each is fitted to its points, and both together lead from compute to the score."""

import numpy as np
import pytest

from proxylib.errors import UserError
from proxylib.laws.curves import Linear, Power, Sigmoid, sigmoid
from proxylib.laws.ladder import Chinchilla, LadderSigmoid
from proxylib.laws.two_step import TwoStep

T = np.geomspace(1e9, 1e12, 24)


def loss(t):
    return 2.0 + 40 * t**-0.2


def score(signal):
    return sigmoid(signal, -0.7, 3.0, 2.3, 0.95)


def test_both_steps_lead_to_the_score():
    fitted = TwoStep(first=Power(), second=Sigmoid()).fit(T, loss(T), score(loss(T)))
    assert fitted.converged and fitted.signal(1e13) == pytest.approx(loss(1e13), rel=1e-5)
    assert fitted.predict([1e13, 1e14]) == pytest.approx(score(loss(np.array([1e13, 1e14]))), abs=1e-4)


def test_steps_may_stand_on_different_points():
    size = np.repeat([2e8, 4e8, 8e8, 1.3e9], 4)
    x = np.stack([size, size * np.tile([20.0, 40, 100, 200], 4)], axis=1)
    bpb = lambda at: 40 / at[:, 0] ** 0.226 + 100 / at[:, 1] ** 0.236 + 0.45
    accuracy = lambda at: sigmoid(at, -0.73, 5.0, 0.8, 0.98)
    signals = np.linspace(1.8, 0.8, 60)
    ladder = TwoStep(first=Chinchilla(), second=LadderSigmoid(helper=False))
    fitted = ladder.fit(x, bpb(x), None, pairs=(signals, accuracy(signals)))
    far = np.array([[7e9, 4e12]])
    assert fitted.predict(far) == pytest.approx(accuracy(bpb(far)), abs=1e-3)
    assert ladder.name == "chinchilla -> ladder_sigmoid"


def test_a_step_that_fails_is_named():
    rising = 1 - loss(T) / 10
    fitted = TwoStep(first=Power(rising=False), second=Linear()).fit(T, rising, score(loss(T)))
    assert not fitted.converged and fitted.reason.startswith("power: ") and fitted.second.fit.converged


def test_without_scores_there_is_nothing_to_fit():
    with pytest.raises(UserError, match="give score or pairs"):
        TwoStep(first=Power(), second=Linear()).fit(T, loss(T), None)
