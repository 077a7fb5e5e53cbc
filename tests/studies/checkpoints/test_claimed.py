"""Estimates: means over sizes and shapes, never over checkpoints."""

import numpy as np
import pandas as pd
import pytest

from proxylib.stats import mean_interval
from proxylib.studies.checkpoints import claimed


def test_runs_of_a_size_count_once():
    frame = pd.DataFrame({"cluster": ["x"] * 9 + ["y", "z"], "gain": [1.0] * 9 + [4.0, np.nan]})
    assert tuple(claimed.over_clusters(frame, "gain", 0.95)) == tuple(mean_interval([1.0, 4.0], 0.95))
    assert np.isnan(claimed.over_clusters(frame.assign(gain=np.nan), "gain", 0.95).estimate)


def test_a_ratio_is_the_geometric_mean_over_clusters():
    trends = pd.DataFrame({"set": "s", "run": list("abc"), "cluster": ["x", "x", "y"], "loss": [1.0, 4.0, 8.0]})
    trends = trends.assign(composite=1.0, task=0.0)
    ratio = claimed.trend_ratio(trends, "composite", 0.95)
    assert ratio["estimate"] == pytest.approx(4) and ratio["clusters"] == 2 and ratio["low"] < 4 < ratio["high"]
    assert np.isnan(claimed.trend_ratio(trends, "task", 0.95)["estimate"])


def test_a_share_of_runs_has_the_interval_of_runs():
    steps = {"set": "s", "steps": 10, "tests": 80, "falls": 0, "largest": 5.0, "left": 0.5}
    moves = pd.DataFrame([steps | {"run": name, "rises": rises} for name, rises in zip("abcd", (0, 3, 0, 1), strict=True)])
    rise, fall = claimed.moved(moves, 0.95).to_dict("records")
    assert rise["estimate"] == 0.5 and rise["runs"] == 4 and rise["times"] == 4 and rise["tests"] == 320
    assert fall["estimate"] == fall["low"] == 0 and fall["high"] < 0.6


def test_a_wider_window_is_compared_within_runs():
    rows = [("a", "x", 5, 0.01), ("a", "x", 50, 0.03), ("b", "y", 5, 0.02), ("b", "y", 50, 0.01), ("c", "y", 5, 9.0)]
    row = claimed.wider(pd.DataFrame(rows, columns=["run", "cluster", "window", "gain"]), 0.95)
    assert row["estimate"] == pytest.approx(0.5) and row["n"] == 2


def test_both_rates_are_paired_by_run():
    rows = [
        (run, kind, 10, *values)
        for run in "ab"
        for kind, values in (("constant", (0.03, 0.5, 0.47)), ("falling", (0.01, 0.52, 0.51)))
    ]
    frame = pd.DataFrame(rows, columns=["run", "kind", "averaged", "minus_last", "score", "last"])
    rates = claimed.both_rates(frame, 10, 0.95)
    assert rates["gain"].estimate == pytest.approx(2) and rates["reach"].estimate == pytest.approx(-1)


def test_the_named_average_is_of_ten_or_of_the_most_that_every_kind_has():
    rows = [("watched runs", 2), ("watched runs", 3), ("constant", 2)]
    frame = pd.DataFrame(rows, columns=["kind", "averaged"])
    assert claimed.named(frame) == 2 and claimed.named(frame.replace({2: 10})) == 10
