"""Ranks, baselines and the number of votes that are needed."""

import numpy as np
import pytest
from judging.ballots import ballots, least, plain

from proxylib.judging.orders import needed, orders, table
from proxylib.judging.preferences import fit


def test_a_baseline_stands_at_zero():
    rows = table(fit(ballots((0.8, 0.3, 0.0, -0.5), 300, seed=5), 0.95), baseline="dee").set_index("model")
    assert rows.loc["dee", ["rating", "low", "high"]].abs().max() < 1e-9
    assert (rows.drop("dee")["high"] > rows.drop("dee")["low"]).all()


def test_ranks_say_what_settled_orders_leave_open():
    rows = table(
        fit(plain(("ada", "bob", 1.0, 200), ("bob", "ada", 1.0, 40), ("bob", "cyd", 1.0, 2), ("cyd", "bob", 1.0, 2)), 0.95)
    )
    rows = rows.set_index("model")
    assert rows.loc["ada", ["best", "worst"]].tolist() == [1, 2]  # cyd met bob alone, four times
    assert rows.loc["bob", "best"] == 2 and rows.loc["cyd", ["best", "worst"]].tolist() == [1, 3]


@pytest.mark.parametrize("ties", [0.0, 0.4])
def test_so_many_votes_as_are_needed_settle_four_of_five_times(ties):
    first = fit(ballots((0.25, -0.25), 2000, seed=8, ties=ties), 0.95)
    row = orders(first).iloc[0]
    share = 0.5 + (1 / (1 + np.exp(-0.5)) - 0.5) * (1 - ties)  # ties draw the odds of points together
    asked = needed(np.array([np.log(share / (1 - share))]), np.array([np.inf]), row[["design"]].to_numpy(float), 0.05, 1, 1e3)
    settled = [least(fit(ballots((0.25, -0.25), int(asked[0]), seed, ties=ties), 0.95)) < 0.05 for seed in range(100, 160)]
    assert 0.66 < np.mean(settled) < 0.94


def test_all_orders_hold_at_once():
    rows = orders(fit(ballots((0.3, 0.1, 0.0, -0.1, -0.3), 400, seed=6), 0.95))
    assert (rows["p_all"] >= rows["p"]).all() and (rows["p_all"] > rows["p"]).sum() > 5
    assert (rows["settled"] == (rows["p_all"] < 0.05)).all()


def test_what_is_settled_needs_no_more_votes_and_what_is_alike_needs_many():
    rows = orders(fit(ballots((1.5, -0.72, -0.78), 600, seed=7), 0.95)).set_index(["better", "worse"])
    assert (rows.loc[rows["settled"], "needed"] == 0).all() and rows["settled"].sum() == 2
    assert rows.loc[~rows["settled"], "needed"].item() > 1000


def test_a_model_that_won_all_has_no_upper_end():
    rows = table(fit(plain(("ada", "bob", 1.0, 9), ("bob", "cyd", 0.5, 9)), 0.95)).set_index("model")
    assert rows["high"].tolist()[0] == np.inf and np.isfinite(rows.loc["bob", "high"])
