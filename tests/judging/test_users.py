"""Simulated users: what a product logs follows from what was assumed, and nothing else."""

import numpy as np
import pytest

from proxylib.judging import users
from proxylib.judging.users import COLUMNS, EVERYONE, GROUPS, HOLDOUT, REGIONS, STAGGERED, WEEK, Models, Users, simulate

PRODUCT = Users(
    **{"users": 400, "days": 28, "update": 14, "tasks": 1.0, "abilities": 0.5, "novices": 0.3, "clumsy": 0.7},
    **{"joining": 0.01, "wave": 0.0, "retry": 0.4, "rated": 0.2, "vexed": 3.0, "churn": 0.0, "disappointed": 0.0},
    **{"weekend": 0.5, "season": 0.0, "shock": 0.0, "memory": 0.0, "product": 0.0},
)
MIXES = np.array([[0.5, 0.5], [0.8, 0.2]])
PAIR = Models(np.array([[0.9, 0.4], [0.6, 0.2]]), MIXES, np.array([1.0, 2.0]))


def product(**numbers):
    return PRODUCT.model_copy(update=numbers)


def rates(log, first, last, part="completed", whole="tasks"):
    sums = log.cells[first:last].sum((0, 1, 2))
    return sums[COLUMNS.index(part)] / sums[COLUMNS.index(whole)]


def test_what_is_counted_agrees_with_what_was_expected():
    log = simulate(PRODUCT, PAIR, EVERYONE, 1)
    for model, (first, last) in enumerate([(0, 14), (14, 28)]):
        tasks = log.cells[first:last, :, :, 0].sum((1, 2))
        expected = np.average(log.expected[first:last, model, 0], weights=tasks)
        spread = np.sqrt(expected * (1 - expected) / tasks.sum())
        assert tasks.sum() > 3000 and abs(rates(log, first, last) - expected) < 4 * spread
        ups = log.expected[first:last, model, 1].sum() / log.expected[first:last, model, 2].sum()
        assert abs(rates(log, first, last, "up", "rated") - ups) < 0.06
    assert ups < expected  # who is disappointed rates three times as often


def test_users_and_cells_are_the_same_tasks():
    log = simulate(PRODUCT, PAIR, HOLDOUT, 1)
    assert log.cells.shape == (28, REGIONS, GROUPS, len(COLUMNS)) and len(log.weeks) == 28 // WEEK
    np.testing.assert_allclose(log.weeks.sum((0, 1)), log.cells.sum((0, 1, 2)))
    np.testing.assert_allclose(log.arms.sum(1), log.cells.sum((1, 2)))
    new = log.weeks[:, log.treated <= PRODUCT.days].sum((0, 1))
    np.testing.assert_allclose(log.arms[:, 1].sum(0), new)
    tokens, tasks, retried = (log.weeks[..., COLUMNS.index(name)].sum() for name in ("tokens", "tasks", "retried"))
    assert tasks + retried < tokens < 2 * (tasks + retried)


def test_who_gets_the_new_model():
    for rollout, days in ((EVERYONE, {14}), (HOLDOUT, {14, 29}), (STAGGERED, set(range(14, 14 + 8 * 5, 5)))):
        assert set(simulate(PRODUCT, PAIR, rollout, 2, logs_users=False).treated) == days
    halves = simulate(PRODUCT, PAIR, HOLDOUT, 2, logs_users=False)
    regions = np.arange(len(halves.treated)) % REGIONS
    assert all(len(set(halves.treated[regions == place])) == 2 for place in range(REGIONS))


def test_a_seed_is_a_world_and_another_rollout_has_its_season():
    once, again = (simulate(PRODUCT, PAIR, EVERYONE, 3) for _ in range(2))
    np.testing.assert_array_equal(once.cells, again.cells)
    other = simulate(PRODUCT, PAIR, HOLDOUT, 3)
    np.testing.assert_array_equal(once.joined, other.joined)
    restless = product(season=0.3, shock=0.2, memory=0.5)
    assert np.ptp(users._common(restless, np.random.default_rng(1))) > 0.2
    assert not users._common(PRODUCT, np.random.default_rng(1)).any()


def test_who_fails_leaves_where_that_disappoints_and_else_nobody_does():
    assert (simulate(PRODUCT, PAIR, EVERYONE, 4, logs_users=False).gone == 28).all()
    gaps = []
    for seed in (4, 5, 6):
        log = simulate(product(disappointed=0.3), PAIR, EVERYONE, seed, logs_users=False)
        stayed = log.gone == 28
        assert 0.05 < stayed.mean() < 0.95
        gaps.append(log.satisfied[stayed].mean() - log.satisfied[~stayed].mean())
    assert np.mean(gaps) > 0.015  # by luck alone, no more than 0.004


def test_a_wave_is_of_novices():
    calm, wave = (simulate(product(wave=times), PAIR, EVERYONE, 5, logs_users=False) for times in (0.0, 8.0))
    assert len(wave.joined) > len(calm.joined) + 100
    assert wave.novice.mean() > calm.novice.mean() + 0.05
    assert not calm.novice.all()


def test_two_tries_are_better_than_one():
    chance = users.completes(np.array([0.0]), 0.5)
    assert chance == pytest.approx(0.5 + 0.5 * 0.5 / (1 + np.exp(0.5)))
