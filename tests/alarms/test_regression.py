"""Regressions in a history: silence where nothing falls, alarms where something does, and nothing from the future."""

import numpy as np
import pandas as pd
import pytest

from proxylib.alarms import regression
from proxylib.alarms.regression import Regression
from proxylib.errors import UserError


def history(rng, checkpoints=24, tasks=5, error=0.02, wobble=0.0, drop=0.0, at=12, column="stderr"):
    """Scores that rise to a level, of which the first task's falls by `drop` at a checkpoint."""
    rows = []
    for task in range(tasks):
        level = 0.3 + 0.4 * (1 - np.exp(-np.arange(checkpoints)))
        level[at:] -= drop * (task == 0)
        score = level + rng.normal(0, np.hypot(error, wobble), checkpoints)
        rows.append(pd.DataFrame({"task": f"t{task}", "step": 100 * np.arange(checkpoints), "score": score}))
    frame = pd.concat(rows, ignore_index=True)
    return frame.assign(stderr=error) if column == "stderr" else frame


def test_a_history_that_never_falls_raises_no_more_false_alarms_than_promised():
    """Flat from the first checkpoint on: the null where alarms are likeliest."""
    rng = np.random.default_rng(1)
    alarms, checkpoints = {rate: 0 for rate in (1.0, 20.0)}, 0
    for _ in range(25):
        score = 0.5 + rng.normal(0, 0.02, (4, 20))
        frame = pd.DataFrame({"task": np.repeat(list("abcd"), 20), "step": np.tile(np.arange(20), 4), "score": score.ravel()})
        checkpoints += 20
        for rate in alarms:
            alarms[rate] += len(regression.find(frame.assign(stderr=0.02), "step", Regression(per_hundred=rate)))
    assert alarms[1.0] / checkpoints <= 0.012 and 0.02 < alarms[20.0] / checkpoints < 0.2


def test_a_large_drop_is_found_at_once_and_a_small_one_later():
    rng = np.random.default_rng(2)
    delays = {}
    for drop in (0.075, 0.16):
        tables = [regression.find(history(rng, drop=drop), "step") for _ in range(12)]
        ours = [part.iloc[0] for table in tables if len(part := table[(table["task"] == "t0") & (table["at"] >= 1200)])]
        assert len(ours) >= 9 and all(row["since"] >= 1000 for row in ours)
        assert all(row["low"] < row["change"] < row["high"] < 0 and 0 <= row["p"] <= 0.01 for row in ours)
        delays[drop] = np.mean([row["at"] - 1200 for row in ours])
    assert delays[0.16] < delays[0.075]


def test_an_alarm_uses_nothing_that_came_after_it():
    frame = history(np.random.default_rng(3), drop=0.2)
    whole = regression.find(frame, "step")
    first = whole["at"].iloc[0]
    cut = regression.find(frame[frame["step"] <= first], "step")
    pd.testing.assert_frame_equal(cut, whole[whole["at"] <= first].reset_index(drop=True))
    assert regression.find(frame[frame["step"] < first], "step").empty


def test_one_drop_is_told_once_and_a_second_again():
    steps = np.arange(20)
    score = np.where(steps < 8, 0.8, np.where(steps < 14, 0.6, 0.4))
    table = regression.find(pd.DataFrame({"task": "t", "step": steps, "score": score, "items": 400}), "step")
    assert list(table["at"]) == [8, 14] and list(table["since"]) == [8, 14]
    assert table["change"].tolist() == pytest.approx([-0.2, -0.2])


def test_a_run_that_wobbles_is_measured_by_its_wobble():
    """Standard errors are far too small for how this run moves from one checkpoint to the next."""
    rng = np.random.default_rng(4)
    alarms = []
    for _ in range(25):
        frame = history(rng, checkpoints=40, tasks=1, error=0.001, wobble=0.02, column="none")
        late = lambda given, frame=frame: (regression.find(frame.assign(**given), "step")["at"] >= 1500).sum()
        alarms.append((late({}), late({"stderr": 0.001})))
    assert np.mean(alarms, axis=0).max() < 0.2


def test_without_errors_nothing_is_said_before_the_wobble_is_known():
    score = [0.5, 0.52, 0.49, 0.1]
    assert regression.find(pd.DataFrame({"task": "t", "step": range(4), "score": score}), "step").empty
    assert len(regression.find(pd.DataFrame({"task": "t", "step": range(4), "score": score, "items": 500}), "step")) == 1
    long = [*np.tile([0.5, 0.52, 0.49], 6), 0.1]
    assert len(regression.find(pd.DataFrame({"task": "t", "step": range(19), "score": long}), "step")) == 1


def test_more_tasks_ask_for_more():
    rng = np.random.default_rng(5)
    frame = history(rng, tasks=1, drop=0.12)
    alone = regression.find(frame, "step")["p"].iloc[0]
    others = [frame.assign(task=f"other {number}", score=0.5) for number in range(9)]
    assert regression.find(pd.concat([frame, *others]), "step", Regression(per_hundred=40))["p"].iloc[0] == pytest.approx(
        10 * alone
    )


def test_drops_below_the_least_raise_nothing():
    frame = pd.DataFrame({"task": "t", "step": range(6), "score": [0.8] * 3 + [0.7] * 3, "items": 2000})
    assert len(regression.find(frame, "step")) == 1
    assert regression.find(frame, "step", Regression(least=0.12)).empty


def test_what_cannot_be_read_is_refused_by_name():
    frame = pd.DataFrame({"task": ["t", "t"], "step": [1, 1], "score": [0.1, 0.2]})
    with pytest.raises(UserError, match="task 't' has two scores at step 1"):
        regression.find(frame, "step")
    with pytest.raises(UserError, match="no column 'tokens'"):
        regression.find(frame, "tokens")


def test_errors_come_from_items_where_none_is_stated():
    part = pd.DataFrame({"score": [0.5, 1.0], "items": [100, 100], "stderr": [np.nan, 0.3]})
    assert regression.standard_errors(part) == pytest.approx([0.05, 0.3])
    assert regression.standard_errors(part[["score", "items"]])[1] > 0
