"""Errors, differences and coverage of made-up forecasts."""

import numpy as np
import pandas as pd
import pytest

from proxylib.stats import Bootstrap
from proxylib.studies.forecasting import summaries
from proxylib.studies.forecasting.cases import LARGER, LATER
from proxylib.studies.forecasting.methods import PERSISTENCE

BOOTSTRAP = Bootstrap(draws=400, level=0.95, seed=1)


def forecasts(kind=LATER, runs=6, tasks=4, seed=0):
    """The last score misses by six points, a curve by two, with a run's own luck."""
    rng = np.random.default_rng(seed)
    rows = []
    for run in range(runs):
        luck = rng.normal(0, 0.5)
        for task in range(tasks):
            for method, error in ((PERSISTENCE, -6), (summaries.COMPUTE, 2)):
                about = {
                    "data": "d",
                    "kind": kind,
                    "known": "1/4",
                    "run": f"r{run}",
                    "cluster": f"r{run // 2}",
                    "task": f"t{task}",
                }
                rows.append(about | {"method": method, "horizon": 4.0, "error": error + luck + rng.normal(0, 0.2)})
    return pd.DataFrame(rows).assign(failed=False, fallback="", covered=1.0, width=3.0)


def test_errors_are_mean_absolute_with_runs_drawn_whole():
    table = summaries.summary(forecasts(), BOOTSTRAP).set_index("method")
    last = table.loc[PERSISTENCE]
    assert last["estimate"] == pytest.approx(6, abs=0.6) and last["low"] < last["estimate"] < last["high"]
    assert last["rmse"] >= last["estimate"] and (last["unit"], last["drawn"], last["forecasts"]) == ("runs", 3, 24)


@pytest.mark.parametrize(("kind", "runs"), [(LATER, 2), (LARGER, 6)])
def test_tasks_are_drawn_where_there_are_few_runs_or_all_share_what_is_known(kind, runs):
    table = summaries.summary(forecasts(kind, runs), BOOTSTRAP)
    assert set(table["unit"]) == {"tasks"} and set(table["drawn"]) == {4}


def test_differences_are_paired_and_of_absolute_errors():
    table = summaries.differences(forecasts(), (summaries.COMPUTE, PERSISTENCE), BOOTSTRAP)
    assert list(zip(table["method"], table["baseline"], strict=True)) == [
        (summaries.COMPUTE, PERSISTENCE),
        (PERSISTENCE, summaries.COMPUTE),
    ]
    below, above = table.itertuples()
    assert below.estimate == pytest.approx(-4, abs=1) and below.decision == "lower" and above.decision == "higher"
    assert summaries.chance(table, 0.95) == {"of": 2, "below": 1, "above": 1, "by_chance": pytest.approx(0.1)}


def test_a_choice_of_the_baseline_itself_is_no_contrast():
    rows = forecasts()
    same = rows[rows["method"] == PERSISTENCE].assign(method="same")
    table = summaries.differences(pd.concat([rows, same]), ("same",), BOOTSTRAP)
    assert summaries.chance(table, 0.95)["of"] == 1 and len(table) == 2


def test_failed_and_fallen_back_forecasts_are_counted_apart():
    rows = forecasts()
    rows.loc[rows.index[:2], "fallback"] = "scores at chance"
    rows.loc[rows.index[1:2], "failed"] = True
    table = summaries.summary(rows, BOOTSTRAP).set_index("method")
    assert table.loc[PERSISTENCE, ["failed", "fallback"]].tolist() == [0, 1]
    assert table.loc[summaries.COMPUTE, ["failed", "fallback"]].tolist() == [1, 0]


def test_coverage_counts_intervals_and_forecasts_without_one():
    rows = forecasts().iloc[:20].assign(horizon=[2.0] * 10 + [40.0] * 10)
    rows.loc[rows.index[:2], "covered"] = 0.0
    rows.loc[rows.index[2:5], ["covered", "width"]] = np.nan
    table = summaries.coverage(rows.assign(reach=summaries.reach(rows)), ["reach"], 0.95).set_index("reach")
    near = table.loc["1 to 3 times"]
    assert (near["intervals"], near["without"], near["estimate"]) == (7, 3, pytest.approx(5 / 7))
    assert near["low"] == pytest.approx(0.290, abs=1e-3) and near["high"] == pytest.approx(0.963, abs=1e-3)
    assert table.loc["beyond 30 times", ["estimate", "high"]].tolist() == [1, 1]
    several = summaries.coverage(rows.assign(reach="all"), ["reach"], 0.95).iloc[0]
    shares = rows.dropna().groupby("cluster")["covered"].mean()
    assert several["of_runs"] == pytest.approx(shares.mean()) and several["clusters"] == len(shares) > 1
    assert several["runs_low"] < several["of_runs"] < several["runs_high"]


def test_two_kinds_of_intervals_are_compared_on_the_same_forecasts():
    rows = forecasts()
    rows = rows[rows["method"] == PERSISTENCE].assign(fresh=False, beyond=0.0)
    wide = rows.assign(width=5.0)
    wide.loc[wide.index[:3], "width"] = np.nan
    rows.loc[rows.index[3:9], "beyond"] = 1.0
    table = summaries.widths(rows, wide, ["fresh"], 0.9, BOOTSTRAP).set_index("measure")
    assert table["forecasts"].eq(len(rows) - 3).all() and table["drawn"].eq(3).all()
    assert table.loc["width", ["estimate", "low", "high", "decision"]].tolist() == [-2, -2, -2, "lower"]
    assert table.loc["score", "estimate"] == pytest.approx(-2 + 20 * 6 / (len(rows) - 3))


def test_the_default_is_compared_where_no_past_could_be_asked_and_a_curve_could_be_fitted():
    rows = forecasts(runs=10).assign(fresh=lambda frame: frame["run"] > "r5")
    mine = rows[rows["method"] == PERSISTENCE].assign(method="choice", error=-1.0, fallback="none")
    mine.loc[mine.index[:4], "fallback"] = ""
    alone = rows["run"].eq("r1") & rows["method"].eq(summaries.COMPUTE)
    table = summaries.defaults(pd.concat([rows[~alone], mine]), "choice", "none", BOOTSTRAP).set_index(["fresh", "baseline"])
    assert table["forecasts"].loc[False].tolist() == [16, 16] and table["drawn"].loc[True].tolist() == [2, 2]
    assert table["estimate"].loc[(False, PERSISTENCE)] == pytest.approx(-5, abs=0.6)
    assert table["estimate"].loc[(False, summaries.COMPUTE)] == pytest.approx(-1, abs=0.6)


def test_one_run_alone_decides_nothing():
    rows = forecasts(runs=2)
    rows = rows[rows["method"] == PERSISTENCE].assign(fresh=False, beyond=0.0)
    table = summaries.widths(rows, rows.assign(width=5.0), ["fresh"], 0.9, BOOTSTRAP).set_index("measure")
    assert table.loc["width", ["estimate", "decision"]].tolist() == [-2, "undecided"] and table["drawn"].eq(1).all()
