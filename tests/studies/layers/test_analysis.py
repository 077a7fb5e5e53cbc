"""Harm, paired items and detection on models whose faults and alarms are known."""

import numpy as np
import pandas as pd
import pytest
from studies.layers.populations import population

from proxylib.studies.layers import analysis
from proxylib.studies.layers.series import LAYERS
from proxylib.studies.layers.text import HEALTHY


def test_paired_items_see_a_task_that_fell_and_no_gain():
    items = [("benchmark", task, item) for task in ("sorting", "counting") for item in range(24)]
    answers = pd.DataFrame(items, columns=["asked", "task", "item"])
    before = answers.assign(right=answers["item"] < 14)
    after = answers.assign(right=(answers["item"] < 14) & (answers["task"] == "counting"))
    assert analysis.worse(before, after) and not analysis.worse(after, before) and not analysis.worse(before, before)


def test_harm_is_beyond_what_healthy_models_vary_by():
    rng = np.random.default_rng(1)
    quality = pd.DataFrame({"model": "x", "fault": HEALTHY, "quality": rng.normal(0.5, 0.02, 400), "letters": 100.0})
    worse = pd.DataFrame({"model": "x", "fault": "f", "quality": [0.46, 0.40, 0.5], "letters": [100.0, 100.0, 140.0]})
    judged = analysis.judged(pd.concat([quality, worse]), 0.02, 1.25)
    assert list(judged.loc[judged["fault"] == "f", "harmful"]) == [False, True, True]
    assert judged.loc[judged["fault"] == HEALTHY, "harmful"].mean() < 0.02
    assert judged["lost"].iloc[-2] == pytest.approx(10, abs=0.5)


def test_detection_is_by_fault_and_dose():
    rows = analysis.detection(population([[1], [2]]), LAYERS, 0.95).set_index(["fault", "layer"])
    assert rows.loc[("fault 0", LAYERS[1]), "estimate"] == 1 and rows.loc[("fault 1", LAYERS[1]), "estimate"] == 0
    assert (rows["low"] <= rows["estimate"] + 1e-9).all() and rows.loc[(HEALTHY, LAYERS[0]), "n"] == 20
