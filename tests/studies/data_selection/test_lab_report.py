"""Frames of the page on choosing a corpus in the lab."""

import pandas as pd
import pytest

from proxylib.report import plots
from proxylib.studies.data_selection import lab_report as report
from proxylib.studies.data_selection.lab_decisions import BEST, ORACLE, OTHER_CORPORA, OTHER_TASKS
from proxylib.studies.data_selection.lab_panel import ACCURACY, FIXED, NAMED

POINTS = ((16, 0.5, 0.001), (16, 1.0, 0.005), (32, 1.0, 0.05), (64, 1.0, 1.0))
ENDS = {"low": 0.4, "high": 0.95}


@pytest.fixture
def decisions():
    rows = []
    for number, method in enumerate((*FIXED, ORACLE, OTHER_CORPORA)):
        for place, (width, part, share) in enumerate(POINTS):
            rows.append(
                {"method": method, "width": width, "part": part, "share": share, "estimate": 0.5 + number / 50 + place / 100}
            )
    return pd.DataFrame(rows).assign(**ENDS).sample(frac=1, random_state=2)


@pytest.fixture
def nulls():
    rows = [(method, share, width, part, 0.6, 0.605) for method in (ORACLE, OTHER_CORPORA) for width, part, share in POINTS[:3]]
    return pd.DataFrame(rows, columns=["method", "share", "width", "part", "mean", "high"])


def test_curves_leave_the_target_out_and_go_from_the_cheapest_on(decisions):
    rows = report.curves(decisions)
    assert list(rows["method"].drop_duplicates()) == list(report.SHOWN) and set(rows["width"]) == {16, 32}
    assert list(rows[rows["method"] == NAMED]["share"]) == [0.001, 0.005, 0.05]


def test_the_best_cheap_signal_is_of_a_fixed_sign_and_by_its_mean(decisions):
    decisions.loc[(decisions["method"] == ACCURACY) & (decisions["share"] < 0.01), "estimate"] = 0.7
    decisions.loc[(decisions["method"] == NAMED) & (decisions["share"] > 0.01), "estimate"] = 0.9
    assert report.best_cheap(decisions)["method"] == ACCURACY
    assert report.highest(decisions)["method"] == NAMED and report.highest(decisions)["share"] == 0.05


def test_a_search_stands_beside_its_own_null(decisions, nulls):
    lines = report.beside_null(decisions, nulls)
    assert list(lines["method"].value_counts()) == [3, 3] and (lines["low"] <= lines["estimate"]).all()
    assert report.beyond_null(decisions, nulls) == 2  # .60, .61, .62 against .605
    assert report.beyond_null(decisions, nulls, OTHER_CORPORA) == 3
    assert len(plots.decisions_by_share(lines, plots.canvas()[1][0], ceiling=0.9).get_lines()) >= 2


def test_the_frontier_names_whom_it_is_against():
    rows = pd.DataFrame({"baseline": [ACCURACY, BEST], "estimate": [0.1, -0.1], "low": [0.0, -0.2], "high": [0.2, 0.0]})
    assert list(report.frontier(rows)["row"]) == [f"minus {ACCURACY}"]
    assert report.of_best(rows).estimate == -0.1


def test_what_never_reaches_a_level_needs_the_target():
    needed = pd.DataFrame(
        [(0.8, ACCURACY, 1.0, False, 1.0, 1.0, 1.0), (0.8, NAMED, 0.02, True, 50.0, 1.0, 300.0)],
        columns=["level", "method", "share", "reached", "ratio", "low", "high"],
    )
    table = report.needed_table(needed)
    assert list(table.iloc[:, 2]) == ["only the target", "2 %"] and table.iloc[1, 3] == "50 [1, 300]"


def test_single_tasks_and_targets_are_laid_out(decisions):
    rows = pd.concat([decisions.assign(method=name) for name in (*FIXED, OTHER_TASKS)])
    assert list(report.single_tasks(rows)["signal"]) == [*FIXED, OTHER_TASKS]
    targets = pd.DataFrame({"corpus": ["a"], "accuracy": [0.251], "seed 0": [0.2], "sorting": [1.0]})
    assert report.targets_table(targets).iloc[0].tolist() == ["a", 25, 20, 100]


def test_two_sizes_stand_in_a_row_by_compute():
    rows = [(name, share, 0.6, 0.5, 0.7) for share in (0.024, 0.085) for name in FIXED]
    table = report.together_table(pd.DataFrame(rows, columns=["method", "share", "estimate", "low", "high"]))
    assert list(table.iloc[:, 0]) == ["2.4", "8.5"] and list(table.columns[1:]) == [ACCURACY, "loss on traces", NAMED]
