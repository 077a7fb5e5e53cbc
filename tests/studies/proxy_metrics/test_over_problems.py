"""What fits nothing is a mean over tasks, whichever they are."""

import pytest

from proxylib.studies.proxy_metrics.model_selection import NAMED
from proxylib.studies.proxy_metrics.over_problems import over_problems
from tests.studies.proxy_metrics.populations import BOOTSTRAP, TASKS, population


def test_methods_that_fit_nothing_stand_over_every_set_of_tasks():
    features, accuracy, _ = population(noise=0.01)
    over = over_problems({"two": (features, TASKS[:2]), "all": (features, TASKS)}, accuracy, BOOTSTRAP)
    assert list(over["set"].unique()) == ["two", "all"]
    named = over[over["method"] == NAMED].set_index("set")["estimate"]
    per_task = over_problems({task: (features, (task,)) for task in TASKS}, accuracy, BOOTSTRAP)
    alone = per_task[per_task["method"] == NAMED].set_index("set")["estimate"]
    assert named["two"] == pytest.approx(alone[list(TASKS[:2])].mean())  # a mean over tasks, and nothing else
    assert named["all"] == pytest.approx(alone.mean())
    assert named["all"] > 0.8  # oriented: more is better


def test_a_task_on_which_all_score_alike_is_in_no_set():
    features, accuracy, _ = population()
    flat = accuracy.assign(estimate=accuracy["estimate"].where(accuracy["task"] != "a", 0.0))
    over = over_problems({"all": (features, TASKS), "three": (features, TASKS[1:])}, flat, BOOTSTRAP)
    estimates = over.pivot(index="method", columns="set", values="estimate")
    assert (estimates["all"] == estimates["three"]).all()
