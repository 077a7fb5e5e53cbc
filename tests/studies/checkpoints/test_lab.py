"""The lab's checkpoints: items that count, halves, averages against the best, from recorded tables to estimates."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from studies.checkpoints import last_stretches

from proxylib.stats import Bootstrap
from proxylib.studies.checkpoints import equal_loss, fresh, lab
from proxylib.studies.checkpoints.settings import LabSettings

BOOTSTRAP = Bootstrap(draws=50, level=0.95, seed=1)
SETTINGS = LabSettings(runs=("one", "two", "three"), tasks=last_stretches.TASKS, counted={}, last=6, bootstrap=BOOTSTRAP)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(equal_loss, "NULLS", 5)
    monkeypatch.setattr(fresh, "JUDGED", 4)


def stretch_of(right, averaged=None, sizes=(40, 10)):
    return lab.Stretch("run", lab.WATCHED, ("a", "b"), sizes, np.asarray(right, float), averaged or {})


def test_tasks_count_alike_whatever_their_items():
    right = np.zeros((1, 50))
    right[0, :40] = 1
    one = stretch_of(right)
    assert one.right @ one.even == pytest.approx(0.5)
    assert one.by_task(one.right)[:, 0].tolist() == [1, 0]


def test_only_problems_that_count_are_kept():
    frame = pd.DataFrame({"task": ["a", "a", "b"], "id": ["a-3-1", "a-4-1", "b-3-1"]})
    assert lab.counting(frame, {"a": (4,)})["id"].tolist() == ["a-4-1"]
    assert lab.counting(frame, {}) is frame


def test_the_last_stretch_is_read_as_it_was_gone():
    tables = last_stretches.trajectory(np.random.default_rng(0))
    one = lab.watched("run", tables["outcomes"], tables["averaged_outcomes"], 6)
    assert one.right.shape == (6, 48) and sorted(one.averaged) == [2, 6] and one.sizes == (24, 24)
    last = tables["outcomes"].query("step == 85").sort_values(["task", "id"])["correct"]
    assert one.right[-1].tolist() == last.tolist()
    outcomes = last_stretches.late(np.random.default_rng(1))["outcomes"]
    falling = lab.late("run", outcomes, "falling")
    assert falling.right.shape == (6, 48) and sorted(falling.averaged) == [2, 6]
    where = "schedule == 'falling' and step == 6 and averaged == 1"
    assert falling.right[-1].tolist() == outcomes.query(where).sort_values(["task", "id"])["correct"].tolist()


def test_an_average_of_equal_skill_loses_to_the_best_on_its_items_and_not_on_others():
    """The best of twelve has its luck: only fresh items are fair to the average."""
    rng, rows = np.random.default_rng(2), []
    for _ in range(12):
        right = (rng.random((12, 160)) < 0.5).astype(float)
        rows += lab.averages(stretch_of(right, {3: (rng.random(160) < 0.5).astype(float)}, (80, 80)), 0)
    frame = pd.DataFrame(rows).mean(numeric_only=True)
    assert frame["same_minus_best"] < -0.04 and abs(frame["minus_best"]) < 0.035
    assert frame["same_wins"] < 0.25 and frame["wins"] == pytest.approx(0.5, abs=0.12)


def test_an_average_is_compared_with_the_last_and_with_those_that_it_is_made_of():
    right = np.zeros((4, 50))
    right[0], right[2] = 1, 1
    row = lab.averages(stretch_of(right, {2: np.ones(50)}), 0)[0]
    assert row["minus_last"] == pytest.approx(1) and row["minus_mean"] == pytest.approx(0.5)
    assert [row["minus_best"], row["same_minus_best"]] == pytest.approx([0, 0]) and row["wins"] == row["same_wins"] == 0.5


def test_noise_is_that_of_half_of_the_items():
    right = (np.random.default_rng(3).random((5, 400)) < 0.5).astype(float)
    noise = lab.covariance(stretch_of(right, sizes=(200, 200)), 5)
    assert np.diag(noise) == pytest.approx([0.25 / 200] * 5, rel=0.1)


def test_the_population_has_its_last_loss_and_families_are_drawn():
    tables = last_stretches.population(np.random.default_rng(4))
    tables["losses"] = pd.concat([tables["losses"].assign(tokens=1, bits_per_byte=9.0), tables["losses"]])
    models = lab.population(tables["accuracy"], tables["members"], tables["losses"], last_stretches.TASKS)
    assert models.loss.max() < 1 and len(set(models.clusters)) == 4 and models.accuracy.shape == (16, 2)
    assert models.variance[0, 0] == pytest.approx(models.accuracy[0, 0] * (1 - models.accuracy[0, 0]) / 100)


def test_from_recorded_tables_to_estimates():
    tables = {}
    workspace = SimpleNamespace(write_table=tables.__setitem__, note=lambda **facts: tables.setdefault("facts", facts))
    roles = last_stretches.parents(np.random.default_rng(5), SETTINGS.runs)
    lab.build(SimpleNamespace(settings=SETTINGS, parent=roles.__getitem__), workspace)
    assert set(tables["choices"]["set"]) == {lab.WATCHED, "constant", "falling"} and set(tables["choices"]["window"]) == {5}
    estimates = tables["estimates"].set_index("claim")
    assert {"stack-small-step", "stack-averaging", "stack-averaging-single", "ours-averaging-rate"} <= set(estimates.index)
    assert (estimates["n"].drop("stack-loss-disagrees-lab", errors="ignore") == 3).all()
    watched = tables["averages"].query("kind == 'watched runs' and averaged == 6")
    assert estimates.loc["stack-averaging", "estimate"] == pytest.approx(100 * watched["minus_best"].mean())
    assert estimates.loc["stack-averaging-single", "estimate"] == pytest.approx(watched["wins"].mean())
    wide = tables["averages"].query("averaged == 6").pivot(index="run", columns="kind", values="minus_last")
    difference = 100 * (wide["constant"] - wide["falling"]).mean()
    assert estimates.loc["ours-averaging-rate", "estimate"] == pytest.approx(difference)
