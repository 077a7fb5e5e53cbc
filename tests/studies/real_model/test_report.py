"""Frames of the page."""

import pandas as pd

from proxylib.studies.real_model import report
from proxylib.studies.real_model.ladder import MAIN, NAMED, PROSE, TRACES


def changes(rows):
    return pd.DataFrame(rows, columns=["copy", "kind", "dose", "what", "estimate", "low", "high"])


def test_a_signal_misleads_where_it_rises_and_accuracy_is_not_shown_to():
    copies = {"good solutions 2": (1, 1), "wrong solutions 2": (1, -1), "noise 2": (-1, -1)}
    rows = [
        (copy, copy[:-2], 2, what, 0.0, low, 2.0)
        for copy, lows in copies.items()
        for what, low in zip((TRACES, MAIN), lows, strict=True)
    ]
    assert report.misled(changes(rows), TRACES) == ["wrong solutions 2"]


def test_lessons_are_told_for_fine_tunes_alone():
    whats = (f"{TRACES}, gsm8k", TRACES, MAIN)
    copies = [("noise 1", "noise"), ("wrong solutions 2", "wrong solutions"), ("good solutions 2", "good solutions")]
    table = report.lessons_table(changes([(*copy, 2, what, 1.0, 0.5, 1.5) for copy in copies for what in whats]), "gsm8k")
    assert list(table["copy"]) == ["wrong solutions 2", "good solutions 2"] and table.shape == (2, 4)


def test_points_pair_a_signal_with_accuracy():
    rows = [("a", "noise", 1, what, value, value - 1, value + 1) for what, value in ((PROSE, 2.0), (MAIN, 50.0))]
    point = report.against(changes(rows), PROSE).iloc[0]
    assert (point["x"], point["estimate"], point["damage"]) == (2.0, 50.0, "noise")


def test_the_main_score_stands_first():
    rows = [(s, score, 0.5, 0.1, 0.9, 0.2) for score in ("sums", MAIN) for s in report.SIGNALS]
    orders = pd.DataFrame(rows, columns=["signal", "score", "estimate", "low", "high", "luck"])
    assert report.orders_table(orders).iloc[0, 0] == MAIN and NAMED in report.orders_table(orders).columns
