"""Curves, differences and promises of policies."""

import numpy as np
import pandas as pd
import pytest
from studies.planning.made_up import follows_loss

from proxylib.studies.planning import policies, summaries


@pytest.fixture
def rows(few_guesses):
    return summaries.traces([follows_loss(seed, number=7) for seed in (1, 2, 3)], 20, 4, 2, 1)


def test_curves_hold_every_policy_and_their_means(rows):
    table = summaries.curves(rows, 0.95)
    names = {*policies.POLICIES, policies.NOTHING, *(name + summaries.WITHOUT for name in (policies.UNSURE, policies.PLAN))}
    assert set(table["policy"]) == names and set(table["measure"]) == {"regret", "error"}
    chosen = rows[(rows["policy"] == policies.PLAN) & (rows["cells"] == 3)]
    row = table[(table["policy"] == policies.PLAN) & (table["cells"] == 3) & (table["measure"] == "regret")].iloc[0]
    assert row["estimate"] == pytest.approx(100 * chosen["regret"].mean()) and row["low"] <= row["estimate"] <= row["high"]


def test_differences_are_paired_and_over_what_is_asked(rows):
    by = summaries.differences(rows, policies.PLAN, policies.RANDOM, "error", 4, "part")
    assert list(by.index) == ["seed 1", "seed 2", "seed 3"]
    at = rows[(rows["cells"] == 4) & (rows["part"] == "seed 2")].groupby("policy")["error"].mean()
    assert by["seed 2"] == pytest.approx(100 * (at[policies.PLAN] - at[policies.RANDOM]))
    same = summaries.differences(rows, policies.PLAN, policies.PLAN, "error", 9, "part")  # beyond the most: at the most
    assert (same == 0).all()


def test_nothing_bought_stands_for_any_number_of_cells_and_grids_weigh_alike(rows):
    by = summaries.differences(rows, policies.NOTHING, policies.PLAN, "regret", 3, "study")
    plan = rows[(rows["policy"] == policies.PLAN) & (rows["cells"] == 3)].groupby("part")["regret"].mean()
    free = rows[rows["policy"] == policies.NOTHING].groupby("part")["regret"].mean()
    assert by["made up"] == pytest.approx(100 * (free - plan).mean()) and free.sum() > 0
    index = pd.MultiIndex.from_tuples([("s", "a", 1), ("s", "a", 2), ("s", "b", 1)], names=["study", "data", "part"])
    assert summaries.over_all(pd.Series([0.0, 2.0, 7.0], index), "study")["s"] == 4


def test_promises_that_are_kept_and_broken():
    states = pd.DataFrame({"cells": [3, 8, 9], "promised": [0.01, 0.03, 0.0], "regret": [0.02, 0.03, 1.0]})
    states = states.assign(study="d", data="d", part="p", score="s", policy=policies.PLAN)
    assert summaries.kept(states, "data")["d"] == pytest.approx(0.5)
    table = summaries.promises(states)
    assert table["states"].tolist() == [1, 1] and table["regret"].tolist() == pytest.approx([2, 3])


def test_a_difference_over_groups_is_the_wider_interval_and_finds_what_is_there():
    grids = [follows_loss(seed, number=8, notes=60) for seed in (1, 2)]
    how = {"items": 40, "cells": 3, "repeats": 1, "seed": 1}
    ends = summaries.over_groups(grids, (policies.UNSURE, True), (policies.UNSURE, False), "error", how, 0.95)
    assert ends.low < ends.estimate < 0 and np.isfinite(ends.high)
    none = summaries.over_groups(grids, (policies.UNSURE, True), (policies.UNSURE, True), "error", how, 0.95)
    assert tuple(none) == (0, 0, 0)
