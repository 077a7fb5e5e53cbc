"""Runs on corpora as arrays: signs, shares of compute, and what judges whom."""

import numpy as np
import pandas as pd
import pytest

from proxylib.measure import proxies
from proxylib.stats import Bootstrap
from proxylib.studies.data_selection import lab_panel
from proxylib.studies.data_selection.lab_panel import ACCURACY, FIXED, NAMED, Measured
from proxylib.studies.data_selection.settings import LabSettings, role

TASKS = ("sorting", "counting")
SETTINGS = LabSettings(
    corpora=("a", "b", "c"), styled=("a",), widths=(16, 32), seeds=2, bootstrap=Bootstrap(draws=50, level=0.9, seed=1)
)


def run(corpus, width, seed):
    """Two checkpoints; numbers say whose they are: the corpus in the ones, the width in the thousandths."""
    place = SETTINGS.corpora.index(corpus)
    features, accuracy = [], []
    for step, tokens in ((5, 50), (10, 100)):
        for number, task in enumerate(TASKS):
            values = {name: place + number / 10 + step / 100 for name in (*proxies.NAMES, *(f for f, _ in FIXED.values() if f))}
            features += [(step, tokens * width, task, name, value) for name, value in values.items()]
            accuracy += [(step, tokens * width, task, level, place + seed, 10) for level in (3, 4)]
    facts = {"parameters": {"non_embedding": width**2, "all": 2 * width**2}}
    return Measured(
        pd.DataFrame(features, columns=["step", "tokens", "task", "feature", "value"]).sample(frac=1, random_state=0),
        pd.DataFrame(accuracy, columns=["step", "tokens", "task", "level", "correct", "n"]),
        facts,
    )


@pytest.fixture(scope="module")
def arrays():
    return lab_panel.panel({key: run(*key) for key in SETTINGS.runs}, SETTINGS)


def test_every_run_is_asked_for_once_and_the_target_under_each_seed():
    assert len(SETTINGS.runs) == 9 == len({role(*key) for key in SETTINGS.runs})
    assert [key for key in SETTINGS.runs if key[0] == "b"] == [("b", 16, 0), ("b", 32, 0), ("b", 32, 1)]


def test_points_go_from_the_cheapest_to_the_target_by_compute(arrays):
    assert [(point.width, point.part) for point in arrays.points] == [(16, 0.5), (16, 1.0), (32, 0.5), (32, 1.0)]
    np.testing.assert_allclose([point.share for point in arrays.points], [1 / 16, 1 / 8, 1 / 2, 1])
    assert [point.width for point in arrays.small] == [16, 16]


def test_small_models_are_judged_by_the_mean_of_seeds_and_targets_by_the_other_seed(arrays):
    np.testing.assert_allclose(arrays.target[:, :, 0], [[0, 0.1, 0.2], [0.1, 0.2, 0.3]])
    small, target = arrays.points[0], arrays.points[-1]
    np.testing.assert_allclose(small.trials[0].target, arrays.target.mean(0))
    for seed, trial in enumerate(target.trials):
        np.testing.assert_allclose(trial.target, arrays.target[1 - seed])
        np.testing.assert_allclose(trial.fixed[ACCURACY], arrays.target[seed])


def test_losses_are_turned_and_features_stand_in_their_order(arrays):
    trial = arrays.points[1].trials[0]
    np.testing.assert_allclose(trial.fixed[NAMED][:, 1], [0.2, 1.2, 2.2])
    np.testing.assert_allclose(trial.fixed["loss on traces"], -trial.fixed[NAMED])
    assert trial.eighty.shape == (3, 2, len(proxies.NAMES))
    np.testing.assert_allclose(trial.eighty[2, 0], 2.1)


def test_a_part_of_the_corpora_keeps_its_rows(arrays):
    part = arrays.among(("c", "a"))
    np.testing.assert_allclose(part.target, arrays.target[:, [2, 0]])
    np.testing.assert_allclose(part.points[0].trials[0].eighty, arrays.points[0].trials[0].eighty[[2, 0]])
