"""Frames of the page, from what smoke's analyses would write."""

import pandas as pd

from proxylib.stats import Decision, Interval
from proxylib.studies.real_notes import report
from proxylib.studies.real_notes.calibration import ALL, PEOPLE, WITHIN
from proxylib.studies.real_notes.candidates import BREVITY, CANDIDATES, FINAL, HELD_OUT, PACKAGE


def correlations():
    rows = [
        (metric, score, way, number / 20, number / 20 - 0.1, number / 20 + 0.1, 0.01, 0.15)
        for number, metric in enumerate((*CANDIDATES, BREVITY, PACKAGE))
        for score in PEOPLE
        for way in (WITHIN, ALL)
    ]
    return pd.DataFrame(rows, columns=["metric", "score", "way", "estimate", "low", "high", "p", "p_holm"])


def test_candidates_stand_from_the_closest_down_and_the_chosen_is_marked():
    rows = report.metrics_rows(correlations(), CANDIDATES[-1])
    assert len(rows) == 15 and rows["metric"].iloc[0] == f"{CANDIDATES[-1]} (chosen)"
    assert rows["estimate"].is_monotonic_decreasing


def test_forms_come_first_and_each_row_once():
    rows = report.judges_rows(correlations())
    assert list(rows["metric"].unique()[:4]) == ["faithful", "complete", "good", PACKAGE]
    assert not rows.duplicated(["metric", "way"]).any() and len(rows) == 2 * 7
    table = report.scores_table(correlations())
    assert len(table) == 17 and table.columns[-1].startswith("corrected p")


def test_an_even_chance_is_no_yes():
    table = pd.DataFrame({name: [-1.0, 0.0, 1.0, 2.0] for name in ("faithful", "complete", "good", PACKAGE)})
    assert report.says_yes(table).eq(0.5).all()


def test_words_follow_the_decision():
    assert report.said(Interval(-0.8, -0.9, -0.7), Decision.LOWER) == "tells"
    assert report.said(Interval(0.8, 0.7, 0.9), Decision.HIGHER) == "tells the wrong way round"
    assert "not shown" in report.said(Interval(-0.8, -1, 0.7), Decision.UNDECIDED)


def test_the_untrained_model_stands_apart():
    table = pd.DataFrame({"examples": [0, 4, 8], FINAL: [float("nan"), 2, 1], HELD_OUT: [3, 2, 1], "good": [1, 2, 3], "cut": 0})
    assert list(report.cells(table, "good", FINAL)["examples"]) == [4, 8]
    assert report.untrained(table, "good")["loss"].tolist() == [3]
    assert len(report.cells_table(table, "good")) == 3
