"""What is chosen on some items and scored on others: luck gains nothing, and is counted."""

import numpy as np
import pytest

from proxylib.alarms.choice import ChoiceSettings
from proxylib.studies.checkpoints import fresh

SETTINGS = ChoiceSettings(level=0.95, draws=200, seed=1)


def test_halves_are_apart_and_every_task_counts_alike():
    first, second = fresh.halves([7, 2, 1], np.random.default_rng(0), 20)
    assert first.shape == (20, 10) and not (first * second).any()
    assert np.allclose(first.sum(1), 1) and np.allclose(second.sum(1), 1)
    assert np.allclose(first[:, :7].sum(1), 0.5) and not first[:, 9].any()
    assert len({tuple(row > 0) for row in first}) > 10, "every repeat draws anew"


def test_of_equals_the_best_leads_only_where_it_was_chosen():
    rng = np.random.default_rng(1)
    seen, others = (rng.normal(0, 1, (4000, 10)) for _ in range(2))
    judged = fresh.judged(seen, others, rng)
    assert judged["seen"] == pytest.approx(1.54, abs=0.08)  # the mean of the highest of ten normal draws
    assert judged["curse"] == pytest.approx(1.54, abs=0.08) and judged["gain"] == pytest.approx(0, abs=0.08)
    assert judged["last_best"] == pytest.approx(0.1, abs=0.02) and judged["back"] == pytest.approx(4.5, abs=0.2)


def test_what_is_truly_best_gains_what_it_seems_to():
    truth = np.tile([0.0, 3.0, 0.0], (5, 1))
    judged = fresh.judged(truth, truth, np.random.default_rng(2))
    assert judged["gain"] == judged["seen"] == pytest.approx(3) and judged["curse"] == pytest.approx(0)
    assert fresh.judged(truth * 0, truth, np.random.default_rng(2))["last_best"] < 1, "ties are broken at random"


def test_the_last_is_kept_unless_it_is_told_apart():
    rng = np.random.default_rng(3)
    noise = 0.01**2 * np.eye(6)
    alike = rng.normal(0, 0.01, (40, 6))
    gains = fresh.rules(alike, alike, noise, SETTINGS, rng)
    assert gains[fresh.BEST] > 0.01 and gains[fresh.UNLESS] < 0.3 * gains[fresh.BEST]
    fallen = alike + [0, 0, 0, 0, 0, -0.2]
    gains = fresh.rules(fallen, fallen, noise, SETTINGS, rng)
    assert gains[fresh.UNLESS] == pytest.approx(gains[fresh.BEST]) and gains[fresh.BEST] > 0.15


def test_true_differences_and_noise_come_apart():
    rng = np.random.default_rng(4)
    truth = rng.normal(0, 0.02, (3000, 12)) + np.linspace(0, 1, 12)
    one, other = (truth + rng.normal(0, sd, truth.shape) for sd in (0.03, 0.01))
    true, noise = fresh.noises(one, other)
    assert np.sqrt([true, noise]) == pytest.approx([0.02, 0.03], rel=0.05)


def test_weights_matter_where_tasks_want_different_checkpoints():
    one = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.9]])
    changed, lost = fresh.weighted(one, one, 500, np.random.default_rng(5))
    assert changed == pytest.approx(0.9 / 1.9, abs=0.07)  # the first weight lies below that so often
    assert lost == pytest.approx(changed * 0.05, abs=1e-6)
    agreed = np.array([[0.0, 1.0], [0.0, 0.5]])
    assert fresh.weighted(agreed, agreed, 50, np.random.default_rng(6)) == (0, 0)
