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


def test_cases_that_lose_to_a_curve_without_a_past_are_counted():
    rows = [("a", PERSISTENCE, 0.0, 0.0, "undecided"), ("a", COMPUTE, 1.0, 2.0, "higher"), ("b", COMPUTE, 1.0, 2.0, "higher")]
    rows += [
        ("b", PERSISTENCE, -2.0, -1.0, "lower"),
        ("c", PERSISTENCE, 0.0, 0.0, "undecided"),
        ("c", COMPUTE, -1, 1, "undecided"),
    ]
    frame = pd.DataFrame(rows, columns=["data", "baseline", "low", "high", "decision"])
    frame = frame.assign(kind=LATER, known="1/4", method=report.CHOICE, tuning=False)
    coverage = pd.DataFrame({"data": ["a", "b", "c"], "kind": LATER, "known": "1/4", "intervals": [0, 9, 0]})
    assert report.unasked(frame, coverage) == 1 and report.unasked(frame, coverage.assign(intervals=9)) == 0
