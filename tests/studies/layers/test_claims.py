"""Claims about layers: each number on models whose faults and alarms are known."""

import numpy as np
import pandas as pd
import pytest
from studies.layers.populations import population

from proxylib.stats import Bootstrap, mean_interval
from proxylib.studies.layers import claims
from proxylib.studies.layers.series import LAYERS, ONE, TELEMETRY

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)


def found(models, days=14.0):
    return models[ONE].assign(layer=TELEMETRY, found=np.where(models[TELEMETRY], days, np.nan))


def table(models, **kwargs):
    return claims.estimates(models, found(models, **kwargs), (1, 14, 56), BOOTSTRAP).set_index("claim")


def test_a_hierarchy_where_each_layer_catches_one_fault_more():
    models = population([range(first, 6) for first in range(6)])
    result = table(models)
    assert result.loc["stack-hierarchy", "estimate"] == pytest.approx(1) and result.loc["stack-hierarchy", "low"] > 0.5
    assert result.loc["stack-each-catches", "estimate"] == pytest.approx(1 / 6)
    assert np.isnan(result.loc["stack-all-six", "estimate"])  # no model passes


def test_the_order_turned_and_a_layer_that_adds_nothing():
    models = population([range(last + 1) for last in range(6)])  # the first layer catches everything
    result = table(models)
    assert result.loc["stack-hierarchy", "estimate"] == pytest.approx(-1)
    assert tuple(result.loc["stack-each-catches", ["estimate", "low"]]) == pytest.approx((0, 0))
    assert 0.2 < result.loc["stack-each-catches", "high"] < 0.5  # six faults without an addition leave room for one
    assert table(population([[5]] * 4, healthy_alarms=2)).loc["stack-each-catches", "estimate"] == 0


def test_a_layer_adds_only_what_none_before_it_caught_and_luck_is_taken_off():
    only = claims.alone(population([[0, 2], [1, 2]]))
    assert [int(only[layer].sum()) for layer in LAYERS] == [3, 3, 0, 0, 0, 0]
    lucky = population([range(first, 6) for first in range(6)], healthy_alarms=2, healthy_layers=LAYERS[5:])
    assert table(lucky).loc["stack-each-catches", "estimate"] == pytest.approx(1 / 6 - 2 / 20 / 5)  # of five layers


def test_a_miss_of_either_layer_counts_as_the_last_look():
    models = population([[5], [4], [], [4, 5]])
    expected = np.mean([14 - 56, 56 - 7, 0, 14 - 7])
    assert table(models).loc["stack-latency", "estimate"] == pytest.approx(expected)
    rows = claims.latency(models, found(models, days=30.0), (28, 56), 0.95).set_index("last")
    assert rows.loc[56, "estimate"] == pytest.approx(np.mean([30 - 56, 56 - 7, 0, 30 - 7]))
    assert rows.loc[28, "estimate"] == pytest.approx(np.mean([0, 28 - 7, 0, 28 - 7]))  # found after the last look is not found
    assert (rows["telemetry"] - rows["people"]).to_numpy() == pytest.approx(rows["estimate"].to_numpy())


def test_an_interval_over_faults_is_a_jackknife():
    values, faults = np.array([1.0, 1.0, 4.0, 4.0, 7.0, 7.0]), pd.Series(list("aabbcc"))
    interval, known = claims.over_faults(values, faults, 0.95), mean_interval([1.0, 4.0, 7.0], 0.95)
    assert tuple(interval) == pytest.approx(tuple(known))  # faults of one size: Student's over their means


def test_who_passes_everything_is_compared_with_the_same_doses():
    models = population([[]] * 3 + [[1]] * 3)
    mild = models["fault"].isin(["fault 0", "fault 1"])
    models.loc[mild, ["dose", "harmful"]] = 0.25, False
    row = table(models).loc["stack-all-six"]
    assert row["estimate"] == pytest.approx(1 / 3) and row["n"] == 9
    assert row["null"] == pytest.approx(1 / 3)  # of the full doses all are harmful, of quarter ones none: passing tells nothing
    assert 0 <= row["low"] <= row["low_given"] < 1 / 3 < row["high_given"] <= row["high"] <= 1
    few = table(population([[], [], [1]])).loc["stack-all-six"]
    assert few["estimate"] == 1 and np.isnan(few["low"]) and np.isnan(few["high_given"])  # two faults are too few


def test_patterns_are_read_with_what_healthy_models_trigger():
    models = population([[5], [5], [3, 4, 5], [0, 3]], healthy_alarms=1, healthy_layers=LAYERS[5:])
    result = table(models)
    row = result.loc["stack-fails-telemetry"]
    assert (row["estimate"], row["n"]) == (pytest.approx(6 / 7), 7) and row["null"] == pytest.approx(6 / 7)
    assert np.isnan(result.loc["stack-fails-people", "estimate"]) and result.loc["stack-fails-people", "n"] == 0
    assert result.loc["stack-doing-its-job", "n"] == 3 and np.isnan(result.loc["stack-doing-its-job", "low"])


def test_patterns_are_counted_for_healthy_models_too():
    rows = claims.patterns(population([[4], [5], [0, 5], []], healthy_alarms=1)).set_index(["pattern", "of"])
    assert rows.loc[("passes the first four, fails people", "with a fault"), "with"] == 3
    assert rows.loc[("passes people, fails telemetry", "with a fault"), "with"] == 6
    assert rows.loc[("passes all six", "with a fault"), ["with", "harmful"]].tolist() == [3, 3]
    assert rows.loc[("passes all six", "healthy"), "with"] == 19


def test_the_layer_that_catches_most_is_told_from_no_other_by_one_fault():
    models = population([[2, 5], [2, 5], [2, 5], [2]])
    rows = claims.contrasts(models, 0.95).set_index("other")
    assert set(rows["layer"]) == {LAYERS[2]} and rows.index[0] == TELEMETRY
    assert rows.loc[TELEMETRY, "estimate"] == pytest.approx(0.25) and rows.loc[TELEMETRY, "low"] < 0
    assert rows.loc[LAYERS[0], "low"] == 1
    assert claims.contrasts(population([[2]], harmful=False), 0.95).empty
