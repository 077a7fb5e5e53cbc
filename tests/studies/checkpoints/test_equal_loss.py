"""Spread at equal loss: none where accuracy follows loss, the planted one where it does not, whatever the items' noise."""

import numpy as np
import pytest

from proxylib.errors import UserError
from proxylib.stats import Bootstrap
from proxylib.studies.checkpoints import equal_loss
from proxylib.studies.checkpoints.equal_loss import COMPOSITE, SHARED, Models

BOOTSTRAP = Bootstrap(draws=60, level=0.95, seed=1)
TASKS, RUNS, POINTS, ITEMS = ("a", "b", "c", "d"), 20, 4, 400


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(equal_loss, "NULLS", 30)


def models(planted, seed=0, alike=0.0):
    """Twenty runs at four losses each; accuracy follows loss, and lies `planted` off it by run; part of the noise is shared."""
    rng = np.random.default_rng(seed)
    loss = np.tile(np.linspace(2, 3, POINTS), RUNS) + rng.normal(0, 0.001, RUNS * POINTS)
    runs = np.repeat(np.arange(RUNS), POINTS)
    truth = 0.9 - 0.2 * loss[:, None] + planted * rng.normal(size=RUNS)[runs][:, None] + np.zeros((1, len(TASKS)))
    noise = 0.5 / np.sqrt(ITEMS)
    luck = np.sqrt(1 - alike) * rng.normal(size=truth.shape) + np.sqrt(alike) * rng.normal(size=(1, len(TASKS)))
    return Models(loss, truth + noise * luck, np.full(truth.shape, noise**2), TASKS, runs, [""] * len(loss), runs)


def row(frame, task):
    return frame.set_index("task").loc[task]


@pytest.mark.parametrize("alike", [0.0, 0.9], ids=["other items", "the same items"])
def test_what_follows_loss_has_no_spread_and_what_is_planted_comes_out(alike):
    none, some = (equal_loss.spread(models(planted, alike=alike), 0.01, BOOTSTRAP) for planted in (0.0, 0.05))
    assert row(none, SHARED)["estimate"] <= row(none, SHARED)["bar"] * 1.3 < 1.5
    assert row(some, SHARED)["low"] > row(some, SHARED)["bar"]
    planted = models(0.05, alike=alike)
    truth = 100 * np.std(planted.accuracy.mean(1) + 0.2 * planted.loss, ddof=1)
    assert row(some, SHARED)["estimate"] == pytest.approx(truth, rel=0.2)
    assert row(some, "a")["low"] > 2


def test_items_that_are_the_same_hide_a_small_spread_from_the_composite_but_not_from_what_tasks_share():
    frame = equal_loss.spread(models(0.01, alike=0.95), 0.01, BOOTSTRAP)
    assert row(frame, COMPOSITE)["estimate"] < 0.5 < row(frame, SHARED)["estimate"]


def test_pairs_are_of_two_runs_and_of_one_group():
    made = Models(np.zeros(4), np.zeros((4, 1)), np.zeros((4, 1)), ("a",), ["x", "x", "y", "z"], ["g", "g", "g", "h"], range(4))
    assert list(zip(*made.pairs(), strict=True)) == [(0, 2), (1, 2)]


def test_losses_that_differ_make_no_pair():
    with pytest.raises(UserError, match="no two models differ by at most 1e-09"):
        equal_loss.spread(models(0.0), 1e-9, BOOTSTRAP)
    near, far = (int(row(equal_loss.spread(models(0.0), reach, BOOTSTRAP), SHARED)["pairs"]) for reach in (0.01, 10.0))
    assert near == POINTS * RUNS * (RUNS - 1) // 2 < far


def test_a_loss_wobbles_about_its_line():
    rng = np.random.default_rng(2)
    series = [3 - 0.1 * np.arange(10) * slope + 0.02 * rng.normal(size=10) for slope in range(40)]
    assert equal_loss.line_noise(series) == pytest.approx(0.02, rel=0.1)
