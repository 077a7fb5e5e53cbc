"""Gains, side losses, slopes and refusals of made-up bases come out as they were put in."""

import numpy as np
import pandas as pd
import pytest
from studies.post_training.simulated import ARMS, outcomes

from proxylib.studies.post_training import changes
from proxylib.studies.post_training.settings import Arm

TARGETS = ("counting", "division", "sorting")


@pytest.fixture(scope="module")
def made():
    return outcomes(np.random.default_rng(1))


def test_side_losses_are_of_tasks_that_no_round_teaches_and_drift_is_taken_off(made):
    table = changes.sides(made, ARMS, TARGETS)
    one = table[table["arm"] == "one skill"].groupby("round")[["side", "gain"]].mean()
    assert -8 < one.loc[1, "side"] < -1 and one.loc[3, "side"] < one.loc[1, "side"] and one.loc[1, "gain"] > 5
    drift = table[table["arm"] == "no change"]
    assert drift["side"].abs().max() == 0 and drift["alone"].abs().max() > 0 and drift["gain"].isna().all()
    rest = table[table["arm"] == "one skill"].set_index(["base", "round"])
    taken = drift.set_index(["base", "round"])["alone"]
    assert not np.allclose(rest["alone"] - rest["side"], taken)  # of the same tasks, not of all


def test_accuracies_begin_at_the_base(made):
    table = changes.accuracies(made)
    assert (table.loc[table["round"] == 0, "change"] == 0).all() and set(table["round"]) == {0, 1, 2, 3}
    row = table.iloc[-1]
    part = made[(made["base"] == row["base"]) & (made["arm"] == row["arm"]) & (made["task"] == row["task"])]
    plain = part[part["kind"] == "plain"].groupby("round")["correct"].mean()
    assert row["change"] == pytest.approx(100 * (plain[3] - plain[0]))


def test_a_skill_a_round_is_taught_in_turn():
    turn, one = Arm(name="t", reads={"turn": 1.0}), ARMS[2]
    assert changes.taught(turn, TARGETS) == TARGETS and changes.taught(one, TARGETS) == ("counting",)
    assert changes.taught(ARMS[0], TARGETS) == ()
    rows = [(task, number, 10.0 * number * (task == "division")) for task in ("counting", "division") for number in range(3)]
    table = pd.DataFrame(rows, columns=["task", "round", "change"])
    assert changes._gain(table, turn, TARGETS, 2) == 10.0 and changes._gain(table, one, TARGETS, 2) == 0.0


def test_slopes_are_least_squares_with_and_without_the_base():
    table = pd.DataFrame({"base": "a", "arm": "x", "round": [1, 2, 3], "side": [-4.0, -5.0, -6.0]})
    row = changes.slopes(table).iloc[0]
    assert row["slope"] == pytest.approx(-1.0) and row["with_base"] == pytest.approx(-1.9)


def test_only_arms_that_teach_something_compound():
    slopes = pd.DataFrame(
        {
            "base": ["a", "b"] * 3,
            "arm": ["no change"] * 2 + ["one skill"] * 2 + ["refusal among harmless"] * 2,
            "slope": [5.0, 5.0, -1.0, -3.0, 9.0, 9.0],
        }
    )
    assert changes.compounding(slopes, ARMS, 0.95).estimate == pytest.approx(-2.0)
    assert np.isnan(changes.compounding(slopes, ARMS[:1], 0.95).estimate)


def test_refusals_of_what_is_harmless_are_counted_beside_the_marked(made):
    table = changes.refusals(made)
    taught = table[(table["arm"] == "refusal among harmless") & (table["round"] == 1)].groupby("kind")["more"].mean()
    assert taught["marked"] == 1 and 0.3 < taught["near"] < 0.5 and taught["plain"] == 0
    assert taught["harmless"] == pytest.approx(taught["near"] / 3)
    assert (table.loc[table["arm"] == "no change", "more"] == 0).all()


def test_losses_by_domain_are_held_against_the_control():
    rows = [
        ("a", arm, number, "code", 1.0 + step * number) for arm, step in (("no change", 0.1), ("x", 0.4)) for number in (0, 1)
    ]
    table = pd.DataFrame(rows, columns=["base", "arm", "round", "domain", "bits_per_byte"])
    change = changes.domain_losses(table, "no change").set_index("arm")["change"]
    assert change["x"] == pytest.approx(0.3) and change["no change"] == 0


def test_intervals_are_over_bases():
    table = pd.DataFrame({"base": ["a", "a", "b"], "arm": "x", "side": [1.0, 3.0, 4.0]})
    row = changes.over_bases(table, ["arm"], "side", 0.95).iloc[0]
    assert row["estimate"] == 3 and row["n"] == 2 and row["high"] > 10
    alone = changes.over_bases(table.iloc[:2], ["arm"], "side", 0.95).iloc[0]
    assert alone["estimate"] == 2 and np.isnan(alone["low"])
