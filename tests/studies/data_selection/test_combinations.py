"""Combinations of signals, on cases solved by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from studies.data_selection.signals import SETTINGS, SIZES, column, row, tidy

from proxylib.ranking.decision import decision_accuracy
from proxylib.stats import cluster_weights
from proxylib.studies.data_selection import combinations, panel


def test_extrapolation_continues_a_line_exactly():
    compute = np.array([1e18, 3e18, 1e19, 7e19])
    lines = pd.DataFrame([[a + b * math.log(c) for c in compute] for a, b in ((1.0, 0.1), (-2.0, 0.3))])
    at = combinations.extrapolated(lines, compute, 7e20)
    assert at.tolist() == pytest.approx([1 + 0.1 * math.log(7e20), -2 + 0.3 * math.log(7e20)])


def test_combinations_use_what_their_names_say():
    frame, target = tidy()
    found = combinations.combined(frame, target)
    z = {
        signal: {size: combinations.z_scores(pd.DataFrame(column(frame, signal, size)))[0] for size in SIZES}
        for signal in panel.SIGNALS
    }
    values, compute = found["both signals", "60M"]
    np.testing.assert_allclose(values, z["accuracy"]["60M"] + z["nll"]["60M"])
    assert compute == 5
    values, compute = found["NLL, all sizes", "60M"]
    np.testing.assert_allclose(values, sum(z["nll"][size] for size in SIZES[:3]) / 3)
    assert compute == 8
    values, compute = found["both, all sizes", "20M"]
    np.testing.assert_allclose(values, sum(z[s][size] for s in z for size in SIZES[:2]) / 2)
    values, compute = found["accuracy, extrapolated", "150M"]
    wide = pd.DataFrame({size: column(frame, "accuracy", size) for size in SIZES[1:5]})
    np.testing.assert_allclose(values, combinations.extrapolated(wide, np.array([2.0, 5, 10, 20]), 100.0))
    assert compute == 37
    assert not {size for _, size in found} & {"750M", "1B"}
    assert ("accuracy, all sizes", "4M") not in found and ("accuracy, extrapolated", "60M") not in found


def test_contrasts_are_paired_with_the_right_single_signal():
    frame, target = tidy()
    table = combinations.combinations(frame, target, SETTINGS)
    wanted = target["accuracy"].to_numpy()
    got = row(table, combination="NLL, all sizes", size="60M")
    assert got["baseline"] == "nll" and got["cost_ratio"] == pytest.approx(8 / 5) and got["compute_fraction"] == 0.08
    values, single = combinations.combined(frame, target)["NLL, all sizes", "60M"][0], column(frame, "nll", "60M")
    weights = cluster_weights(target["group"], SETTINGS.draws, SETTINGS.seed)
    difference = decision_accuracy(values, wanted, weights) - decision_accuracy(single, wanted, weights)
    assert got["estimate"] == pytest.approx(decision_accuracy(values, wanted) - decision_accuracy(single, wanted))
    assert [got["low"], got["high"]] == pytest.approx(list(np.nanquantile(difference, [0.05, 0.95])))
    assert (table["excludes_zero"] == ((table["low"] > 0) | (table["high"] < 0))).all()
    both = table[(table["combination"] == "both signals") & (table["size"] == "60M")]
    assert set(both["baseline"]) == {"accuracy", "nll"}


def test_exactly_the_planned_contrasts_are_primary():
    frame, target = tidy()
    primary = combinations.combinations(frame, target, SETTINGS).query("primary")
    assert set(primary["size"]) == {"150M"}
    assert set(zip(primary["combination"], primary["baseline"], strict=True)) == set(panel.PRIMARY)
    assert len(primary) == 4


def test_z_scores():
    got = combinations.z_scores(pd.DataFrame({"x": [1.0, 3.0], "flat": [2.0, 2.0]}))
    assert got.to_numpy().tolist() == [[-1, 0], [1, 0]]
