"""Exponents drawn to each other: exact where the course is clear, the others' where it is not."""

import numpy as np
import pytest

from proxylib.laws import pooled
from proxylib.laws.curves import EXPONENTS, Power

X = np.geomspace(1e9, 1e11, 20)


def curve(x, c, a=0.8, b=0.4):
    return a - b * (x / 1e9) ** -c


def mean_exponent(weights):
    return float(np.exp(weights @ np.log(EXPONENTS)))


def test_a_profile_is_the_power_law_at_each_exponent():
    y = curve(X, 0.3) + np.random.default_rng(0).normal(0, 0.01, 20)
    law, alone = Power(rising=True, least=0.0, most=1.0).fit(X, y), pooled.profile(X, y, True, 0.0, 1.0)
    assert alone.losses.min() == pytest.approx(law.fit.loss, rel=0.01) and alone.losses.min() >= law.fit.loss
    assert alone.best(1e12) == pytest.approx(float(law.predict(1e12)), abs=5e-3)
    assert alone.likelihood.max() == 1 and (alone.levels <= 1).all()


def test_a_series_that_tells_nothing_takes_the_exponents_of_the_others():
    rng = np.random.default_rng(1)
    clear = [pooled.profile(X, curve(X, 0.5) + rng.normal(0, 1e-3, 20), True).likelihood for _ in range(6)]
    vague = pooled.profile(X, curve(X, 0.5, b=0.02) + rng.normal(0, 0.02, 20), None).likelihood
    weights = pooled.posteriors(np.stack([vague, *clear]))
    assert weights.sum(axis=1) == pytest.approx(np.ones(7))
    assert mean_exponent(weights[0]) == pytest.approx(0.5, rel=0.15)
    alone = pooled.posteriors(vague[None])[0]
    spread = lambda w: float(np.sqrt(w @ np.log(EXPONENTS) ** 2 - (w @ np.log(EXPONENTS)) ** 2))
    assert spread(weights[0]) < 0.5 * spread(alone)


def test_a_clear_course_keeps_its_own_exponent():
    clear = [pooled.profile(X, curve(X, c), True).likelihood for c in (0.5, 0.5, 0.5, 0.15)]
    weights = pooled.posteriors(np.stack(clear))
    assert mean_exponent(weights[3]) == pytest.approx(0.15, rel=0.03)
