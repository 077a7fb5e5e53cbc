"""Crucial steps: a checkpoint fixed by accuracy, differences and leads over runs, against simulated training."""

import numpy as np
import pandas as pd
import pytest

from proxylib.stats import Bootstrap, mean_interval
from proxylib.studies.proxy_metrics import crucial_steps

BOOTSTRAP = Bootstrap(draws=300, level=0.95, seed=1)
PROBLEMS = pd.DataFrame({"task": "a", "id": ["x", "y"], "level": 1, "n_decisive": [2, 4], "n_other": [5, 10], "guess": [1, 1]})


def test_half_way_is_interpolated_on_log_tokens_and_undefined_without_a_rise():
    tokens = np.array([1.0, 10.0, 100.0])
    values = np.array([[0.0, 1.0, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 1.0]])
    assert crucial_steps.half_way(tokens, values)[[0, 2]] == pytest.approx([10**1.5, 10.0])
    assert np.isnan(crucial_steps.half_way(tokens, values)[1])


def test_counts_become_shares_of_what_there_is():
    outcomes = pd.DataFrame({"step": 3, "tokens": 7, "task": "a", "id": ["x", "y"], "correct": [True, False]})
    outcomes = outcomes.assign(decisive=[2, 1], other=[0, 5])
    frame = crucial_steps.along(outcomes, PROBLEMS)
    assert frame[["decisive", "other", "whole", "guess", "correct"]].to_numpy().tolist() == [
        [1.0, 0.0, 1.0, 0.5, 1.0],
        [0.25, 0.5, 0.0, 0.25, 0.0],
    ]


def simulated(lead=2.0, gap=0.0, items=80, steps=12, seed=0, middle=100):
    """Problems whose decisive agreement is half-way at `middle` tokens and whose answers are at `lead` times as many.

    Other tokens agree as often as decisive ones, minus `gap`.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for task in "ab":
        for name in range(items):
            for step, seen in enumerate(np.geomspace(1, 10_000, steps)):
                curve = lambda middle, seen=seen: 1 / (1 + (middle / seen) ** 3)
                row = {"step": step, "tokens": seen, "task": task, "id": str(name), "decisive": curve(middle)}
                row |= {"other": curve(middle) - gap + rng.normal(0, 0.02), "guess": 0.1}
                row |= {"whole": float(rng.random() < curve(middle)), "correct": float(rng.random() < curve(middle * lead))}
                rows.append(row)
    return pd.DataFrame(rows)


def several(number=5, **changes):
    runs = {f"run{seed}": simulated(seed=seed, middle=100 + 10 * seed, **changes) for seed in range(number)}
    return crucial_steps.courses(runs, BOOTSTRAP)


@pytest.mark.parametrize("lead", [1.0, 4.0])
def test_a_known_lead_is_recovered_and_covered(lead):
    row = crucial_steps.lead(several(lead=lead), 0.95).query("task == 'mean'").set_index("signal").loc["decisive"]
    assert row["estimate"] == pytest.approx(lead, rel=0.15) and row["n"] == 5
    assert row["low"] < lead < row["high"] and row["low_given"] < row["estimate"] < row["high_given"]


@pytest.mark.parametrize("gap", [-0.2, 0.0, 0.2])
def test_a_known_difference_is_recovered_where_accuracy_is_low(gap):
    rows = crucial_steps.gaps(several(gap=gap), 0.95).query("most == 0.1").set_index(["against", "task"])
    row = rows.loc["other", "mean"]
    assert row["estimate"] == pytest.approx(gap, abs=0.01) and row["low"] < gap < row["high"]
    assert (row["low"] > 0) == (gap > 0) and (row["high"] < 0) == (gap < 0)
    assert set(rows.loc["other"].index) == {"a", "b", "mean"}


def test_the_checkpoint_is_the_last_at_which_accuracy_is_low_and_the_problems_are_failed_ones():
    frame = simulated()
    correct = {0: 0.0, 5: 0.3, 6: 0.1, 7: 0.11}  # step -> accuracy: it falls back once
    for step in range(12):
        at = frame["step"] == step
        share = correct.get(step, 0.0 if step < 5 else 0.9)
        frame.loc[at, "correct"] = (frame.loc[at, "id"].astype(int) < 80 * share).astype(float)
    frame.loc[frame["correct"] == 1, "decisive"] = 5.0  # would show
    frame.loc[(frame["step"] == 6) & (frame["correct"] == 0), "decisive"] = 0.75
    frame.loc[frame["step"] == 6, "other"] = 0.5
    courses = crucial_steps.courses({"run": frame}, BOOTSTRAP)
    assert [course.unsolved(0.1) for course in courses] == [6, 6] and [course.unsolved(0.2) for course in courses] == [7, 7]
    table = crucial_steps.unsolved(courses).query("most == 0.1")
    assert table["decisive"].tolist() == [0.75, 0.75] and table["failed"].tolist() == [72, 72]
    assert table["correct"].tolist() == pytest.approx([0.1, 0.1])
    differences = crucial_steps.gaps(courses, 0.95).query("most == 0.1 and against == 'other'")
    assert differences["estimate"].tolist() == pytest.approx([0.25] * 3)


def test_a_task_that_is_never_so_bad_does_not_enter_and_one_that_stays_so_enters_at_the_end():
    frame = simulated()
    frame.loc[frame["task"] == "a", "correct"] = 1.0
    frame.loc[frame["task"] == "b", "correct"] = 0.0
    easy, hard = crucial_steps.courses({"run": frame}, BOOTSTRAP)
    assert easy.unsolved(0.2) is None and hard.unsolved(0.1) == 11
    assert set(crucial_steps.gaps([easy, hard], 0.95)["task"]) == {"b", "mean"}
    assert crucial_steps.gaps([easy], 0.95).empty and crucial_steps.unsolved([easy]).empty
    assert crucial_steps.lead([easy, hard], 0.95).empty


def test_runs_count_once_however_many_tasks_they_have_and_the_wider_interval_decides():
    alike = {(run, task): np.r_[1.0, rng.normal(1, 0.3, 500)] for run in "xy" for task, rng in TASKS.items()}
    estimate, low, high, low_given, high_given, n = crucial_steps.pooled(alike, 0.95)
    assert (estimate, n) == (1.0, 2) and (low, high) == (low_given, high_given)  # runs that agree say nothing of problems
    apart = {("x", "a"): np.ones(9), ("x", "b"): np.ones(9), ("y", "a"): 4 * np.ones(9), ("z", "a"): 4 * np.ones(9)}
    estimate, low, high, low_given, high_given, n = crucial_steps.pooled(apart, 0.95)
    assert (estimate, n, low_given, high_given) == (3.0, 3, 3.0, 3.0)
    assert (low, high) == pytest.approx(mean_interval([1, 4, 4], 0.95)[1:])


TASKS = {name: np.random.default_rng(number) for number, name in enumerate("ab")}


def test_problems_are_drawn_alike_in_every_run():
    first, _, second, _ = several(number=2)
    assert first.task == second.task == "a" and np.array_equal(first.problems.weights, second.problems.weights)


def test_without_any_rise_there_is_no_estimate_of_a_lead():
    runs = crucial_steps.courses({f"run{n}": simulated(seed=n).assign(correct=0.0) for n in range(3)}, BOOTSTRAP)
    rows = crucial_steps.estimates(crucial_steps.gaps(runs, 0.95), crucial_steps.lead(runs, 0.95), 0.95)
    assert list(rows["claim"]) == list(crucial_steps.CLAIMED) and (rows["null"] == 0).all() and (rows["n"] == 3).all()
    one = crucial_steps.courses({"run": simulated()}, BOOTSTRAP)
    assert crucial_steps.estimates(crucial_steps.gaps(one, 0.95), crucial_steps.lead(one, 0.95), 0.95).empty


def test_estimates_have_both_intervals_and_their_null():
    runs = several()
    rows = crucial_steps.estimates(crucial_steps.gaps(runs, 0.95), crucial_steps.lead(runs, 0.95), 0.95).set_index("claim")
    assert set(rows.index) == {*crucial_steps.CLAIMED, *crucial_steps.LEADING}
    assert rows.loc["failed-but-likely", "null"] == 0 and rows.loc["steps-before-answers", "null"] == 1
    assert {"low", "high", "low_given", "high_given", "level", "n", "n_unit"} <= set(rows)


def test_curves_are_means_over_tasks_and_runs():
    runs = several(number=3)
    table = crucial_steps.curves(runs, 0.95).set_index("signal")
    for name in crucial_steps.SIGNALS:
        last = np.mean([course.signals[name][-1].mean() for course in runs])
        assert table.loc[name, "estimate"].iloc[-1] == pytest.approx(last)
        assert table.loc[name, "tokens"].tolist() == pytest.approx(list(runs[0].tokens))
    assert len(table.loc["decisive, failed"]) < len(table.loc["decisive"])  # at the end too few are failed
