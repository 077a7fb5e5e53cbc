"""Frames of the page."""

import pandas as pd
import pytest

from proxylib.stats import Decision
from proxylib.studies.real_model import report
from proxylib.studies.real_model.ladder import MAIN, NAMED, PROSE, TRACES

UP, DOWN, OPEN = Decision.HIGHER, Decision.LOWER, Decision.UNDECIDED


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


def test_a_signal_is_fooled_where_it_rises_and_accuracy_falls():
    ends = {"good solutions 2": (1, 2), "wrong solutions 2": (-3, -2), "wrong solutions 4": (-3, 1), "noise 2": (-3, -2)}
    rows = [(copy, copy[:-2], 2, MAIN, 0.0, *each) for copy, each in ends.items()]
    rows += [(copy, copy[:-2], 2, TRACES, 0.0, *((-2, -1) if "noise" in copy else (1, 2))) for copy in ends]
    found = report.fooled(changes(rows), TRACES)
    assert found == ["wrong solutions"] and "wrong solutions for better" in report.taken(found)
    assert "no copy" in report.taken([])


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
    rows = [(s, score, 0.5, 0.1, 0.9, 0.2, 0.4) for score in ("sums", MAIN) for s in report.SIGNALS]
    orders = pd.DataFrame(rows, columns=["signal", "score", "estimate", "low", "high", "luck", "kendall"])
    assert report.orders_table(orders).iloc[0, 0] == MAIN and NAMED in report.orders_table(orders).columns


def compared(**signs):
    """Differences of pairs by the first letters of their signals; zero lies within those that are not named."""
    ends = {None: (-1.0, 1.0), 1: (0.5, 1.0), -1: (-1.0, -0.5)}
    pairs = {"np": (NAMED, PROSE), "nt": (NAMED, TRACES), "tp": (TRACES, PROSE)}
    rows = [(*pair, MAIN, 0.0, *ends[signs.get(name)]) for name, pair in pairs.items()]
    return pd.DataFrame(rows, columns=["first", "second", "score", "estimate", "low", "high"])


@pytest.mark.parametrize(
    ("named", "traces", "prose", "signs", "said"),
    [
        (OPEN, OPEN, OPEN, {}, "evaluate it: neither"),
        (UP, OPEN, DOWN, {}, "read expert solutions with it and count"),
        (OPEN, UP, OPEN, {}, "take its loss on expert solutions: loss on prose is not shown"),
        (OPEN, OPEN, UP, {}, "take its loss on prose: the proxy is not shown"),
        (UP, UP, UP, {"np": 1}, "read expert solutions with it and count what it agrees with: loss on prose says less"),
        (UP, UP, UP, {"np": -1}, "take its loss on prose: the proxy says less"),
        (UP, UP, UP, {"nt": -1, "tp": 1}, "take its loss on expert solutions: loss on prose says less"),
        (UP, UP, UP, {}, "take its loss on prose, or read expert solutions"),
    ],
)
def test_advice_names_only_what_orders_copies(named, traces, prose, signs, said):
    assert report.advised({NAMED: named, TRACES: traces, PROSE: prose}, compared(**signs)).startswith(said)


def test_the_answer_names_who_orders_copies_and_whom_the_proxy_beats():
    every, none = (dict.fromkeys((NAMED, TRACES, PROSE), decision) for decision in (UP, OPEN))
    assert report.followed(every, every) == "Yes, all three do"
    assert report.followed(none | {TRACES: UP}, every).startswith("Only loss on the same solutions is shown to")
    assert report.followed(none, every).startswith("Among these copies yes")
    assert report.followed(none, every | {PROSE: OPEN}).startswith("None")
    assert report.beside({TRACES: OPEN, PROSE: OPEN}) == "not told apart from either loss"
    assert report.beside({TRACES: UP, PROSE: DOWN}) == "better than loss on the same solutions and worse than loss on prose"


def test_wrong_lessons_are_judged_by_loss_and_accuracy_together():
    said = {(loss, points): report.lessons_said(loss, points) for loss in Decision for points in Decision}
    assert "accuracy here rises" in said[UP, UP] and "not shown to rise" in said[UP, OPEN] and "falls" in said[UP, DOWN]
    assert "raise the loss" in said[DOWN, UP] and "not shown to move" in said[OPEN, UP]
