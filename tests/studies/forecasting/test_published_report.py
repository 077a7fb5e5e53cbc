"""Frames of the page, from tables whose content is known."""

import pandas as pd
import pytest

from proxylib.studies.forecasting import published_report as report
from proxylib.studies.forecasting.cases import LARGER, LATER
from proxylib.studies.forecasting.methods import PERSISTENCE
from proxylib.studies.forecasting.summaries import COMPUTE


@pytest.fixture
def summary():
    rows = [
        (LATER, "1/4", 4.0, PERSISTENCE, 3.0),
        (LATER, "1/4", 4.0, COMPUTE, 1.0),
        (LATER, "1/4", 4.0, report.CHOICE, 2.0),
        (LATER, "1/4", 4.0, "x, shrunk (ours)", 0.5),
        (LATER, "1/100", 100.0, PERSISTENCE, 20.0),
        (LATER, "1/100", 100.0, report.CHOICE, 20.0),
        (LARGER, "13 times less", 13.0, PERSISTENCE, 8.0),
    ]
    frame = pd.DataFrame(rows, columns=["kind", "known", "horizon", "method", "estimate"]).assign(data="d")
    return frame.assign(low=frame["estimate"] - 0.4, high=frame["estimate"] + 0.4, failed=1, forecasts=10)


def test_lines_leave_out_where_nothing_was_fitted(summary):
    rows = report.lines(summary, "d", LATER)
    assert set(rows["method"]) == {"last score", "its own curve", "our choice"} and set(rows["horizon"]) == {4.0}


def test_every_case_has_a_row_in_its_order(summary):
    table = report.errors_table(summary)
    assert list(table["case"]) == ["d, from 1/4 of the run", "d, from 1/100 of the run", "d, 13 times less"]
    assert table.loc[0, "its own curve (points)"] == "1.0 [0.6, 1.4]" and table.loc[2, "our choice (points)"] == "–"
    best = report.best_table(summary)
    assert best.loc[0, "least error (points)"].startswith("x, shrunk (ours) 0.5; power in compute 1.0; persistence 3.0")
    assert best.loc[0, "fits that failed"] == "4 of 40"


def test_ways_stand_by_what_intervals_decide():
    rows = [(COMPUTE, "lower"), (report.CHOICE, "undecided"), ("loss", "higher")]
    frame = pd.DataFrame(rows, columns=["method", "decision"]).replace("loss", list(report.LABELS)[2])
    frame = frame.assign(
        data="d", kind=LATER, known="1/4", horizon=4.0, baseline=PERSISTENCE, drawn=6, unit="runs", tuning=True
    )
    row = report.advice_table(frame).iloc[0]
    assert (row["better than the last score"], row["worse"]) == ("its own curve", "loss on prose")
    assert row["case"].endswith("(tuning)") and row["drawn"] == "6 runs"


def test_intervals_that_hold_too_often_are_too_wide():
    frame = pd.DataFrame({"reach": ["near", "far", "none"], "estimate": [0.97, 0.8, float("nan")]})
    frame = frame.assign(low=[0.92, 0.7, float("nan")], high=[0.99, 0.95, float("nan")], intervals=[50, 20, 0])
    assert report.held(frame, 0.9) == "are too wide at near and are not shown to be off at far"


def test_both_kinds_of_intervals_stand_beside_each_other():
    nan = float("nan")
    frame = pd.DataFrame(
        {"fresh": [False, True], "reach": "near", "estimate": [0.9, nan], "low": [0.8, nan], "high": [0.95, nan]}
    )
    frame = frame.assign(
        of_runs=0.9, runs_low=[0.8, nan], runs_high=[1.02, nan], width=[5.0, nan], intervals=[50, 0], without=3
    )
    table = report.coverage_table(frame, frame.iloc[:1].assign(estimate=0.97, high=0.99, width=8.0))
    assert table["held (%)"].tolist() == ["90 [80, 95]", ""] and table["by runs (%)"].tolist() == ["90 [80, 100]", ""]
    assert table["split conformal held (%)"].tolist() == ["97 [80, 99]", ""] and table["its width (points)"].tolist() == [
        "8.0",
        "",
    ]
    assert table["sets"].tolist() == ["looked at before", "fresh"]


def test_widths_stand_by_horizon_in_their_order():
    rows = [
        (False, "near", "width", -2.0),
        (False, "near", "score", -1.0),
        (True, "far", "width", 3.0),
        (True, "far", "score", 0.5),
    ]
    frame = pd.DataFrame(rows, columns=["fresh", "reach", "measure", "estimate"]).assign(forecasts=9, drawn=3)
    table = report.widths_table(frame.assign(low=frame["estimate"] - 1, high=frame["estimate"] + 1))
    assert table["width (points)"].tolist() == ["-2.0 [-3.0, -1.0]", "3.0 [2.0, 4.0]"]
    assert table["times ahead"].tolist() == ["near", "far"]
    assert table["sets"].tolist() == ["looked at before", "fresh"] and table["runs drawn"].eq(3).all()


def test_a_panel_says_what_was_drawn(summary):
    title = report.panel_title(summary.assign(runs=22, unit="runs"), "d", LATER)
    assert title == "d, later in the run (22 runs; runs drawn)"


def test_known_answers_are_summed_up_by_group():
    ladder = pd.DataFrame({"group": ["within two points"] * 2 + ["others"] * 2, "error": [-1.5, 1.0, 4.0, -6.0]})
    missed = report.misses(ladder, pd.DataFrame({"error": [-1.0, 3.0], "last": [8.0, -8.0]}))
    assert list(missed.values()) == [1.5, 5.0, 2.0, 8.0]
