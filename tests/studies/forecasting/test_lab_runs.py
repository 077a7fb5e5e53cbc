"""Watched runs from recorded tables: the problems that count, the floor, windows."""

import pandas as pd
import pytest
from studies.forecasting.lab_trainings import STEPS, tables, trained

from proxylib.studies.forecasting import lab_runs


@pytest.fixture
def answers():
    problems = tables()["problems"]
    keys = pd.MultiIndex.from_frame(problems[["task", "id"]])
    return pd.Series(["same" if n % 2 else f"other {n}" for n in range(len(keys))], index=keys)


def test_accuracy_is_over_the_levels_that_count_and_a_task_without_any_is_left_out(answers):
    run = lab_runs.watched("run", tables(), answers, {"sorting": [4]})
    assert run.tasks == ("sorting",) and run.problems.tolist() == [4] and run.accuracy.tolist() == [[0, 0, 1]]
    assert run.floor.tolist() == [0.5] and run.off.tolist() == [
        [False, False, False]
    ]  # four problems tell no half from a guess
    both = lab_runs.watched("run", tables(), answers, {})
    assert (
        both.tasks == ("sorting", "walk") and both.problems.tolist() == [8, 8] and both.accuracy[:, -1].tolist() == [0.5, 0.5]
    )
    assert both.signals.shape == (2, len(lab_runs.SIGNALS), 3) and both.signals[1, 5].tolist() == pytest.approx([5.1, 5.2, 9.0])
    assert both.tokens.tolist() == [100, 200, 4000]


def test_off_the_floor_is_above_the_commonest_answer_by_two_standard_errors():
    run = trained(tasks=1, problems=100)
    bar = 0.02 + 2 * (0.02 * 0.98 / 100) ** 0.5
    assert (run.off == (run.accuracy > bar)).all() and run.off.any() and not run.off.all()


def test_a_window_ends_at_a_part_of_the_run_and_the_spaced_ones_at_its_end():
    run = trained()
    assert STEPS[run.window(18)].max() <= 2916 / 18 < STEPS[run.window(18)[-1] + 1] and len(run.window(18)) == 10
    assert len(run.spaced) == 20 and STEPS[run.spaced[-1]] == 2916
    assert run.last_known(18) == 9 and run.last_known(1e6) == 0


def test_levels_say_where_they_are_off_the_floor(answers):
    answers[:] = [f"each its own {n}" for n in range(len(answers))]
    frame = lab_runs.levels_off("run", tables(each=40), _for(tables(each=40)), {"sorting": [4]}, 18).set_index(
        ["task", "level"]
    )
    assert frame["counts"].tolist() == [False, True, False, False]
    assert frame["off_late"].tolist() == [False, True, False, True] and not frame["off_early"].any()


def _for(made):
    keys = pd.MultiIndex.from_frame(made["problems"][["task", "id"]])
    return pd.Series([str(n) for n in range(len(keys))], index=keys)
