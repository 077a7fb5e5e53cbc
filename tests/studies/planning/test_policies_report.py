"""Frames of the page on where to evaluate."""

import pandas as pd
import pytest

from proxylib.studies.planning import policies, summaries
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


def test_promises_of_several_sets_are_weighed_by_their_states():
    promises = pd.DataFrame({"data": ["a", "b"], "low": 0.0, "high": 1.0, "promised": [1.0, 2.0], "regret": [0.0, 4.0]})
    promises["states"] = [1, 3]
    whole = report.kept(promises).iloc[0]
    assert whole["promised"] == pytest.approx(1.75) and whole["regret"] == pytest.approx(3) and whole["states"] == 4
    assert report.kept_table(promises)["promised (points)"].tolist() == ["0 to 1"]
    drawn = report.promises_figure([(promises, "scribe"), (promises, "published")])
    assert drawn["by"].tolist() == ["the lab's grid", "published grids"]
    assert summaries.BINS[0] == 0
