"""Policies: what each buys, and that loss helps where scores follow it."""

import numpy as np
import pytest
from studies.planning.made_up import follows_loss

from proxylib.studies.planning import policies
from proxylib.studies.planning.policies import State


def state(bought, mean=None, sd=None):
    mean = np.array([[0.1, 0.2, 0.5, 0.4]]) if mean is None else mean
    sd = np.array([0.1, 0.3, 0.1, 0.2]) if sd is None else sd
    loss = np.array([3.0, 2.0, 0.5, 1.0])
    return State(mean, np.diag(sd**2)[None], np.array([bought], int), np.array([[1, 0, 3, 2]]), loss, 100)


@pytest.mark.parametrize(
    ("policy", "bought", "next_"),
    [
        (policies.RANDOM, [1, 0], 3),
        (policies.SPREAD, [0], 2),
        (policies.SPREAD, [0, 2], 1),
        (policies.LOWEST, [2], 3),
        (policies.UNSURE, [2], 1),
        (policies.IMPROVEMENT, [2], 3),
        (policies.PLAN, [0], 3),
    ],
)
def test_each_policy_buys_what_its_name_says(policy, bought, next_):
    assert policies.POLICIES[policy](state(bought)).tolist() == [next_]


@pytest.mark.parametrize("policy", policies.POLICIES)
def test_no_cell_is_bought_twice_and_all_cells_leave_nothing_to_lose(policy):
    grid = follows_loss(number=6)
    trace = policies.traced(grid, policy, 40, 9, 3, 1)
    assert trace["cells"].max() == 6 and (trace["regret"] >= 0).all()
    last = trace[trace["cells"] == 6]
    assert last["regret"].max() == 0 and last["error"].max() < 1e-3 and last["promised"].max() < 1e-3


def test_knowing_the_loss_helps_where_scores_follow_it():
    grid = follows_loss(notes=200)
    with_, without = (policies.traced(grid, policies.UNSURE, 100, 5, 6, 1, loss=loss) for loss in (True, False))
    at = lambda trace: trace.loc[trace["cells"] == 5, "error"].mean()
    assert at(with_) < 0.6 * at(without)


def test_traces_are_the_same_again_and_begin_alike():
    grid = follows_loss()
    first, second = (policies.traced(grid, policies.UNSURE, 10, 4, 3, 1) for _ in range(2))
    assert first.equals(second)
    random = policies.traced(grid, policies.RANDOM, 10, 4, 3, 1)
    begin = lambda trace: trace.loc[trace["cells"] == policies.BEGIN, "error"].to_numpy()
    np.testing.assert_allclose(begin(first), begin(random))


def test_nothing_bought_takes_the_lowest_loss():
    grid = follows_loss(notes=0)
    assert policies.nothing_bought(grid) == 0
    worse = grid._replace(truth=grid.truth[::-1].copy())
    assert policies.nothing_bought(worse) == pytest.approx(worse.truth.max() - worse.truth[grid.cells["loss"].argmin()])
