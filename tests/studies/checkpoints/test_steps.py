"""Small steps of the loss, and how steady trends are."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from proxylib.studies.checkpoints import steps
from proxylib.studies.checkpoints.steps import Series


def run_of(accuracy, loss, items=400):
    accuracy = np.atleast_2d(accuracy)
    p = steps.p_of_shares(accuracy, accuracy * (1 - accuracy) / items)
    return Series("run", "size", np.asarray(loss), accuracy, tuple(f"t{n}" for n in range(len(accuracy))), p)


def test_the_exact_test_is_mcnemars():
    rng = np.random.default_rng(0)
    right = (rng.random((3, 60)) < [[0.3], [0.5], [0.5]]).astype(float)
    for place, p in enumerate(steps.p_of_items(right)):
        table = pd.crosstab(right[place], right[place + 1])
        assert p == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert steps.p_of_items(np.ones((2, 5)))[0] == 1


def test_a_jump_at_a_small_step_is_seen_and_one_at_a_large_step_is_none():
    loss = [3.0, 2.99, 2.985, 2.5, 2.495]
    flat = np.full(5, 0.4)
    at_small, at_large = flat + [0, 0, 0.2, 0.2, 0.2], flat + [0, 0, 0, 0.2, 0.2]
    jumps = steps.small_steps(run_of([at_small, flat], loss), 0.95)
    assert (jumps["steps"], jumps["tests"], jumps["rises"], jumps["falls"]) == (3, 6, 1, 0)
    assert jumps["largest"] == pytest.approx(20) and jumps["left"] == pytest.approx(1)
    assert steps.small_steps(run_of([at_large, flat], loss), 0.95)["rises"] == 0


def test_what_does_not_last_is_counted_as_a_rise_and_a_fall():
    wobble = steps.small_steps(run_of([0.4, 0.6, 0.4, 0.4, 0.4], [3.0] * 5), 0.95)
    assert wobble["rises"] == wobble["falls"] == 1 and wobble["left"] == pytest.approx(0)


def test_many_tests_are_paid_for():
    rng = np.random.default_rng(1)
    rises = 0
    for _ in range(20):
        accuracy = 0.5 + rng.normal(0, 0.025, (8, 20))
        rises += steps.small_steps(run_of(accuracy, [3.0] * 20), 0.95)["rises"] > 0
    assert rises <= 3, "one run in forty has a rise by luck"


def test_a_run_without_small_steps_has_none():
    empty = steps.small_steps(run_of([0.1, 0.2, 0.3], [3.0, 2.0, 1.0]), 0.95)
    assert empty["tests"] == empty["rises"] == 0 and np.isnan(empty["largest"])


def test_a_trend_is_as_steady_as_its_change_over_its_scatter():
    rng = np.random.default_rng(3)
    values = 0.2 + np.linspace(0, 0.5, 400) + rng.normal(0, 0.05, 400)
    assert steps.steadiness(values) == pytest.approx(10, rel=0.1)
    assert steps.steadiness(-values) == pytest.approx(steps.steadiness(values))
    assert np.isnan(steps.steadiness(np.zeros(5)))
    frame = pd.DataFrame([steps.trends(run_of([values, np.full(400, 0.5)], 3 - 2 * np.linspace(0, 1, 400)), 400)])
    frame["loss"] = 20.0
    assert np.exp(steps.ratio(frame, "composite")).tolist() == pytest.approx([2], rel=0.1)
    assert steps.ratio(frame.assign(composite=np.nan), "composite").empty
