"""Published runs as arrays: which checkpoints, which tasks, which windows; what chooses never scores."""

import numpy as np
import pandas as pd
import pytest

from proxylib.data.published import olmo_ladder
from proxylib.stats import Bootstrap
from proxylib.studies.checkpoints import fresh, published
from proxylib.studies.checkpoints.published import BOTH, Panel

BOOTSTRAP = Bootstrap(draws=50, level=0.95, seed=1)
OLMO_TASKS = tuple(olmo_ladder.TASKS)


def olmo(score, checkpoints=60):
    """A run of OLMo with given validation and test scores of every task."""
    values = np.zeros((len(OLMO_TASKS), checkpoints))
    for part, row in score.items():
        for task in BOTH:
            values[OLMO_TASKS.index(f"{task}_{part}")] = row
    return Panel(published.OLMO, "7B", "7B", OLMO_TASKS, values, np.full(values.shape, 1e-4), np.linspace(3, 2, checkpoints))


def test_a_history_becomes_runs_without_its_start_and_its_gaps():
    rows = [("r-1", tokens, task, 0.1 * tokens, 0.01, 3 - tokens) for tokens in (0, 1, 2, 3) for task in ("b", "a")]
    history = pd.DataFrame(rows, columns=["run", "tokens", "task", "score", "stderr", "loss"])
    history.loc[history["tokens"] == 2, "score"] = np.nan
    (run,) = published.panels(history, "set", "loss", lambda name: name.split("-")[0])
    assert run.tasks == ("a", "b") and run.loss.tolist() == [2, 0] and run.cluster == "r"
    assert run.score[0].tolist() == pytest.approx([0.1, 0.3]) and np.allclose(run.variance, 1e-4)


def test_a_window_is_at_most_a_third_of_a_run():
    assert published.windows(186) == [5, 10, 20, 30, 50] and published.windows(59) == [5, 10] and published.windows(14) == []


def test_validation_items_choose_and_test_items_score():
    val, test = np.zeros(60), np.zeros(60)
    val[55], test[57] = 0.5, 0.25
    tables = published.on_other_items(olmo({"val": val, "test": test}), BOOTSTRAP)
    choices = pd.DataFrame(tables["choices"]).set_index(["fresh", "window"])
    assert choices.loc[(fresh.ITEMS, 20), "seen"] == pytest.approx(0.5) and choices.loc[(fresh.ITEMS, 20), "gain"] == 0
    assert choices.loc[(fresh.BACK, 20), "seen"] == pytest.approx(0.25) and choices.loc[(fresh.BACK, 20), "gain"] == 0
    assert choices.loc[(fresh.ITEMS, 20), "curse"] == pytest.approx(0.5 * 19 / 20 + 0.25 / 20)
    both = published.on_other_items(olmo({"val": val, "test": val}), BOOTSTRAP)
    assert pd.DataFrame(both["choices"])["gain"].min() == pytest.approx(0.5)
    assert {row["rule"] for row in both["rules"]} == {fresh.BEST, fresh.SHRUNK, fresh.UNLESS}
    assert {row["window"] for row in both["weights"]} == {row["window"] for row in both["noise"]} == {5, 10, 20}


def test_half_of_the_tasks_choose_and_the_others_score():
    score = np.zeros((4, 30))
    score[0, 25] = 1.0
    run = Panel("other", "r", "r", tuple("abcd"), score, score, np.zeros(30))
    rows = pd.DataFrame(published.on_other_tasks(run, 1)).set_index("window")
    assert rows.index.tolist() == [5, 10] and set(rows["fresh"]) == {fresh.TASKS}
    shared = score + [[0], [1], [2], [3]] + np.eye(30)[25]
    gain = pd.DataFrame(published.on_other_tasks(Panel("o", "r", "r", tuple("abcd"), shared, shared, np.zeros(30)), 1))["gain"]
    assert abs(rows.loc[5, "gain"]) < 0.3 and gain.tolist() == pytest.approx([1, 1], abs=0.6)


def test_models_of_one_label_make_no_pair_and_only_one_group_does():
    runs = [Panel("s", name, name, ("a",), np.ones((1, 3)), np.ones((1, 3)), np.arange(3.0)) for name in ("x1", "x2", "y1")]
    models = published._models(runs, slice(-2, None))
    assert models.loss.tolist() == [1, 2] * 3 and len(models.pairs()[0]) == 12
    assert len(published._models(runs, slice(-1, None), groups=lambda name: name[0]).pairs()[0]) == 1
    assert len(published._models(runs, slice(-1, None), runs=lambda name: name[0]).pairs()[0]) == 2


@pytest.mark.published
def test_the_published_sets_have_the_known_shapes():
    sets = published.read()
    assert {name: len(runs) for name, runs in sets.items()} == {"Gemstones": 22, "OLMo": 32, "Pythia": 11, "Gadre": 104}
    assert {len(run.loss) for run in sets["Gemstones"]} == {35} and {len(run.loss) for run in sets["Pythia"]} == {15}
    assert {run.cluster for run in sets["OLMo"]} == set(olmo_ladder.SIZES)
    assert 0.001 < published.tolerance(sets["Gemstones"]) < 0.02
