"""Tables of ablations: the default first, no change where a formula is not touched, traces in order."""

import numpy as np
import pandas as pd

from proxylib.report import scoreboard
from proxylib.report.words import MISSING
from proxylib.studies.proxy_metrics.ablations import WINNER
from proxylib.studies.proxy_metrics.report import ablations as report

FOUND = pd.DataFrame(
    [
        ("default", "default", WINNER, "rho", 0.3, 0.2, 0.4),
        ("default", "default", "bits per byte", "rho", 0.1, 0.0, 0.2),
        ("traces", "wrong", WINNER, report.GAP, -0.2, -0.3, -0.1),
        ("traces", "other", WINNER, report.GAP, 0.2, 0.1, 0.3),
        ("traces", "other", "bits per byte", report.GAP, 0.0, -0.1, 0.1),
        ("default", "default", "rank", "rho", 0.5, 0.4, 0.6),
        ("definition", "rank: log", WINNER, report.GAP, 0.0, 0.0, 0.0),
        ("definition", "rank: log", "rank", report.GAP, 0.2, 0.1, 0.3),
        ("definition", "spread: byte", WINNER, report.GAP, 0.0, -0.1, 0.1),
        ("definition", "spread: byte", "top-5, frequency", report.GAP, 0.2, 0.1, 0.3),
        ("number of traces", "10", WINNER, "rho", 0.3, 0.2, 0.4),
        ("number of traces", "5", WINNER, "rho", 0.2, 0.1, 0.3),
    ],
    columns=["ablation", "setting", "proxy", "quantity", "estimate", "low", "high"],
)


def test_a_choice_outside_the_formula_is_no_change_and_the_others_are_decided():
    changes = report.changes(FOUND)
    assert changes["label"].tolist() == [
        "traces: wrong",
        "traces: other",
        "definition: rank: log; rank",
        "definition: spread: byte",
    ]
    assert changes["decision"].tolist() == ["lower", "higher", "higher", "undecided"]
    assert report.definitions(FOUND)["label"].tolist() == ["rank: log; rank", "spread: byte"]


def test_a_definition_stands_beside_the_correlation_that_it_changes():
    table = report.definition_table(FOUND)
    assert table["proxy"].tolist() == [WINNER, "rank", WINNER, "top-5, frequency"]
    assert (
        table["as we define it"].tolist()[1] == "0.50 [0.40, 0.60]" and table["difference"].tolist()[1] == "0.20 [0.10, 0.30]"
    )


def test_the_default_comes_first_and_what_was_not_tried_is_a_dash():
    table = report.table(FOUND, "traces")
    assert table["setting"].tolist() == ["default (correlation itself)", "wrong", "other"]
    assert table[WINNER].tolist()[1:] == ["-0.20 [-0.30, -0.10]", "0.20 [0.10, 0.30]"]
    assert table["bits per byte"].iloc[1] == MISSING and "rank" not in table


def test_a_difference_is_of_the_winner_unless_said_otherwise():
    assert report.difference(FOUND, "traces", "wrong").estimate == -0.2
    assert report.difference(FOUND, "traces", "other", "bits per byte").estimate == 0
    assert np.isnan(report.difference(FOUND, "traces", "shuffled").estimate)


def test_numbers_of_traces_are_sorted_as_numbers():
    assert report.by_number(FOUND)["traces"].tolist() == [5, 10]


def test_the_matrix_keeps_the_order_of_tasks():
    cells = pd.DataFrame({"proxy": WINNER, "traces": list("bbaa"), "task": list("baba"), "estimate": [1.0, 2, 3, 4]})
    matrix = report.domain_matrix(cells, WINNER)
    assert matrix.index.tolist() == matrix.columns.tolist() == ["b", "a"] and matrix.loc["b", "a"] == 2


def test_a_handful_is_enough_by_the_null_of_the_claim():
    null = scoreboard.claims().set_index("id").loc["setting-1-few-traces", "null"]
    assert float(null) == report.FEW_LOSE
