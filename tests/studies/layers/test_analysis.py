"""Claims about layers: each number on models whose faults and alarms are known."""

import numpy as np
import pandas as pd
import pytest

from proxylib.stats import Bootstrap
from proxylib.studies.layers import analysis
from proxylib.studies.layers.series import LAYERS, ONE, TELEMETRY
from proxylib.studies.layers.text import HEALTHY

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)


def population(caught_by, harmful=True, lost=20.0, healthy_alarms=0, healthy_layers=LAYERS):
    """A fault a row of `caught_by` (numbers of layers), three models each, and twenty healthy models."""
    rows = []
    for number, layers in enumerate(caught_by):
        for seed in range(3):
            alarms = {layer: place in layers for place, layer in enumerate(LAYERS)}
            about = {"model": "x", "fault": f"fault {number}", "dose": 1.0, "seed": 10 * number + seed}
            rows.append(about | {"lost": lost, "longer": 1.0, "harmful": harmful} | alarms)
    for seed in range(20):
        alarms = {layer: seed < healthy_alarms and layer in healthy_layers for layer in LAYERS}
        rows.append(
            {"model": "x", "fault": HEALTHY, "dose": 0.0, "seed": 900 + seed, "lost": 0.0, "longer": 1.0, "harmful": False}
            | alarms
        )
    return pd.DataFrame(rows)


def found(models, days=14.0):
    return models[ONE].assign(layer=TELEMETRY, found=np.where(models[TELEMETRY], days, np.nan))


def table(models, **kwargs):
    return analysis.estimates(models, found(models, **kwargs), (1, 14, 56), BOOTSTRAP).set_index("claim")


def test_a_hierarchy_where_each_layer_catches_one_fault_more():
    models = population([range(first, 6) for first in range(6)])
    result = table(models)
    assert result.loc["stack-hierarchy", "estimate"] == pytest.approx(1) and result.loc["stack-hierarchy", "low"] > 0.5
    assert result.loc["stack-each-catches", "estimate"] == pytest.approx(1 / 6)
    assert result.loc["stack-latency", "estimate"] == 7 and "stack-all-six" not in result.index


def test_the_order_turned_and_a_layer_that_adds_nothing():
    models = population([range(last + 1) for last in range(6)])  # the first layer catches everything
    result = table(models)
    assert result.loc["stack-hierarchy", "estimate"] == pytest.approx(-1)
    assert tuple(result.loc["stack-each-catches", ["estimate", "low"]]) == pytest.approx((0, 0))
    assert 0.2 < result.loc["stack-each-catches", "high"] < 0.5  # six faults without an addition leave room for one
    assert table(population([[5]] * 4, healthy_alarms=2)).loc["stack-each-catches", "estimate"] == 0


def test_a_layer_adds_only_what_none_before_it_caught_and_luck_is_taken_off():
    only = analysis.alone(population([[0, 2], [1, 2]]))
    assert [int(only[layer].sum()) for layer in LAYERS] == [3, 3, 0, 0, 0, 0]
    lucky = population([range(first, 6) for first in range(6)], healthy_alarms=2, healthy_layers=LAYERS[5:])
    assert table(lucky).loc["stack-each-catches", "estimate"] == pytest.approx(1 / 6 - 2 / 20 / 5)  # of five layers


def test_paired_items_see_a_task_that_fell_and_no_gain():
    items = [("benchmark", task, item) for task in ("sorting", "counting") for item in range(24)]
    answers = pd.DataFrame(items, columns=["asked", "task", "item"])
    before = answers.assign(right=answers["item"] < 14)
    after = answers.assign(right=(answers["item"] < 14) & (answers["task"] == "counting"))
    assert analysis.worse(before, after) and not analysis.worse(after, before) and not analysis.worse(before, before)


def test_what_telemetry_never_finds_counts_as_the_last_look():
    models = population([[5], [], [0]])
    assert table(models).loc["stack-latency", "estimate"] == pytest.approx((14 + 56 + 56) / 3 - 7)


def test_models_that_pass_everything_are_as_good_as_they_are_and_two_faults_are_too_few():
    result = table(population([[]] * 3, lost=5.0))
    assert tuple(result.loc["stack-all-six", ["estimate", "low", "high"]]) == (-5, -5, -5)
    few = table(population([[], [], [1]], lost=5.0))
    assert few.loc["stack-all-six", "estimate"] == -5 and np.isnan(few.loc["stack-all-six", "low"])


def test_harm_is_beyond_what_healthy_models_vary_by():
    rng = np.random.default_rng(1)
    quality = pd.DataFrame({"model": "x", "fault": HEALTHY, "quality": rng.normal(0.5, 0.02, 400), "letters": 100.0})
    worse = pd.DataFrame({"model": "x", "fault": "f", "quality": [0.46, 0.40, 0.5], "letters": [100.0, 100.0, 140.0]})
    judged = analysis.judged(pd.concat([quality, worse]), 0.02, 1.25)
    assert list(judged.loc[judged["fault"] == "f", "harmful"]) == [False, True, True]
    assert judged.loc[judged["fault"] == HEALTHY, "harmful"].mean() < 0.02
    assert judged["lost"].iloc[-2] == pytest.approx(10, abs=0.5)


def test_patterns_are_counted_for_healthy_models_too():
    rows = analysis.patterns(population([[4], [5], [0, 5], []], healthy_alarms=1)).set_index(["pattern", "of"])
    assert rows.loc[("passes the first four, fails people", "with a fault"), "with"] == 3
    assert rows.loc[("passes people, fails telemetry", "with a fault"), "with"] == 6
    assert rows.loc[("passes all six", "with a fault"), ["with", "harmful"]].tolist() == [3, 3]
    assert rows.loc[("passes all six", "healthy"), "with"] == 19


def test_detection_is_by_fault_and_dose():
    rows = analysis.detection(population([[1], [2]]), LAYERS, 0.95).set_index(["fault", "layer"])
    assert rows.loc[("fault 0", LAYERS[1]), "estimate"] == 1 and rows.loc[("fault 1", LAYERS[1]), "estimate"] == 0
    assert (rows["low"] <= rows["estimate"] + 1e-9).all() and rows.loc[(HEALTHY, LAYERS[0]), "n"] == 20
