"""Frames of the page on where to evaluate."""

import pandas as pd
import pytest

from proxylib.studies.planning import policies, stops, summaries
from proxylib.studies.planning import policies_report as report


@pytest.fixture
def curves():
    rows = [
        {"data": "d", "score": "s", "policy": policy, "items": items, "cells": cells, "measure": measure}
        | {"estimate": 10.0 * cells + place, "low": -1.0, "high": 50.0}
        for place, policy in enumerate([policies.PLAN, policies.RANDOM, policies.NOTHING])
        for items in (10, 25)
        for cells in ((0,) if policy == policies.NOTHING else (2, 5))
        for measure in ("error", "regret")
    ]
    return pd.DataFrame(rows)


def test_lines_are_those_shown_in_their_order_and_no_interval_is_below_nothing(curves):
    lines = report.lines(curves, "s", "error", items=25)
    assert lines["policy"].tolist() == [policies.RANDOM] * 2 + [policies.PLAN] * 2
    assert lines["cells"].tolist() == [2, 5, 2, 5] and (lines["low"] == 0).all()


def test_tables_have_a_row_a_policy(curves):
    assert report.at(curves, policies.PLAN, "error", 5, items=10) == 50
    table = report.by_policy(curves, "regret", (0, 2), items=25)
    assert list(table.columns) == ["policy", "nothing bought", "2 cells"] and len(table) == 3
    notes = report.by_notes(curves, "s", 5)
    assert list(notes.columns) == ["policy", "10 notes", "25 notes"] and len(notes) == 2


def test_the_strict_rubric_decides_where_no_lm_judge_does():
    rows = pd.DataFrame({"score": ["graded score", "rubric, strict", "LM judge"]})
    assert report.judge(rows) == "LM judge" and report.judge(rows[:2]) == "rubric, strict"


def test_promises_of_several_sets_are_weighed_by_their_states():
    promises = pd.DataFrame({"data": ["a", "b"], "low": 0.0, "high": 1.0, "promised": [1.0, 2.0], "regret": [0.0, 4.0]})
    promises["states"] = [1, 3]
    whole = report.kept(promises).iloc[0]
    assert whole["promised"] == pytest.approx(1.75) and whole["regret"] == pytest.approx(3) and whole["states"] == 4
    assert report.kept_table(promises)["promised (points)"].tolist() == ["0 to 1"]
    drawn = report.promises_figure({"clinical notes": promises, "published grids": promises})
    assert drawn["by"].tolist() == ["clinical notes", "published grids"]
    assert summaries.BINS[0] == 0


@pytest.fixture
def misses():
    rows = [(promise, tolerance) for promise in (stops.AS_IT_IS, stops.OTHERS) for tolerance in (1.0, 0.25)]
    ends = {"promised": (0.7, 0.5, 0.9), "nothing": (0.5, -0.1, 1.1), "size": (0.4, 0.2, 0.6)}
    ends["size, minus that as it is"] = (0.1, -0.2, 0.4)
    columns = ["promise", "tolerance", "measure", "estimate", "low", "high"]
    return pd.DataFrame([(*row, name, *each) for row in rows for name, each in ends.items()], columns=columns)


def test_what_is_drawn_of_stops_is_what_was_promised_and_what_was_lost(misses):
    lines = report.stop_lines(misses)
    assert lines["what"].tolist() == ["promised", "promised", "lost", "lost"]
    assert lines["tolerance"].tolist() == [0.25, 1.0] * 2 and lines["low"].tolist() == [0.5, 0.5, 0, 0]


@pytest.mark.parametrize(
    ("low", "high", "said"), [(-0.7, 0.3, "less than half"), (0.6, 2.0, "more than half"), (-1.0, 2.0, "not shown to be less")]
)
def test_a_stop_is_said_to_keep_its_promise_only_where_the_interval_does(low, high, said):
    assert report.stop_words((0.0, low, high), 0.5).startswith(said)


def test_tables_of_stops_hold_promises_as_they_are_and_corrections_beside_them(misses):
    rows = {"promise": [stops.AS_IT_IS, stops.OTHERS], "study": "a", "tolerance": 1.0, "stopped": 0.5}
    stopped = pd.DataFrame(rows | {"promised": 0.72, "regret": 0.53, "nothing": 0.8})
    table = report.stop_table(stopped)
    assert len(table) == 1 and table["plans that stop, %"].tolist() == [50] and table["lost (points)"].tolist() == [0.53]
    corrected = report.corrected_table(misses)
    assert len(corrected) == 4 and corrected["off by (points)"].iloc[0] == "0.40 [0.20, 0.60]"
