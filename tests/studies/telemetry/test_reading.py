"""Analysis of simulated telemetry: measures that are known beforehand come out."""

import numpy as np
import pandas as pd
import pytest

from proxylib.stats import Bootstrap
from proxylib.studies.telemetry import reading

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)
METRIC = reading.COMPLETED


def rows(worlds=400, bias=0.0, spread=0.01, stderr=0.01, after=28):
    rng = np.random.default_rng(3)
    parts = []
    for changed, truth in ((True, -0.03), (False, 0.0)):
        estimate = truth + bias + rng.normal(0, spread, worlds)
        parts.append(pd.DataFrame({"world": range(worlds), "changed": changed, "truth": truth, "estimate": estimate}))
    return pd.concat(parts).assign(way="holdout", metric=METRIC, after=after, stderr=stderr, df=1e6)


def measures(frame):
    return reading.errors(reading.with_tests(frame), BOOTSTRAP).set_index("measure")


def test_an_honest_way_covers_and_alarms_as_it_promises():
    table = measures(rows())
    assert table.loc["coverage of 95%", "low"] < 0.95 < table.loc["coverage of 95%", "high"]
    assert table.loc["coverage of 90%", "low"] < 0.90 < table.loc["coverage of 90%", "high"]
    assert table.loc["false alarms", "low"] < 0.05 < table.loc["false alarms", "high"]
    assert table.loc["bias", "low"] < 0 < table.loc["bias", "high"]
    assert table.loc["RMSE", "estimate"] == pytest.approx(1.0, rel=0.1)
    assert 0.8 < table.loc["power", "estimate"] < 0.9  # three standard errors, both sides


def test_a_biased_way_is_marked_down_and_power_counts_the_right_sign_only():
    table = measures(rows(bias=0.05))
    assert table.loc["bias", "estimate"] == pytest.approx(5, abs=0.2)
    assert table.loc["coverage of 95%", "estimate"] < 0.01 and table.loc["false alarms", "estimate"] > 0.95
    assert table.loc["power", "estimate"] < 0.01  # it finds a gain where there is harm


def test_what_is_found_once_stays_found_and_looks_share_the_error():
    frames = [rows(spread=0.01, after=7), rows(spread=0.001, after=14, bias=0.03)]
    table = reading.found(reading.with_tests(pd.concat(frames)), (7, 14), 0.95)
    assert list(table["after"]) == [7, 14]
    first, second = table["estimate"]
    assert 0.7 < first < 0.85 and second == first  # the second look sees nothing, and takes nothing back


def test_a_number_that_matters_is_found_and_others_are_not():
    rng = np.random.default_rng(1)
    products = pd.DataFrame(rng.random((200, 6)), columns=list("abcdef")).assign(world=range(200), days=9, update=3, same=1.0)
    values = pd.DataFrame({"claim": 10 * (products["c"] - 0.5) + rng.normal(0, 1, 200)}, index=products["world"])
    table = reading.sensitivity(values, products, 0.95)
    assert list(table["parameter"]) == list("abcdef")
    assert list(table[table["p"] < 0.01]["parameter"]) == ["c"] and list(table[table["turns"]]["parameter"]).count("c") == 1


def test_estimates_leave_out_worlds_that_have_no_value():
    table = reading.estimates(pd.DataFrame({"claim": [1.0, 2.0, 3.0, np.nan]}), 0.95)
    assert table["estimate"].item() == 2 and table["n"].item() == 3
