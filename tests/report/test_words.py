"""Words for numbers and decisions, and looking things up."""

import numpy as np
import pandas as pd
import pytest

from proxylib.report import tables, words
from proxylib.stats import Decision, Interval, decide

FRAME = pd.DataFrame(
    {"judge": ["a", "a", "b"], "group": ["x", "y", "x"], "estimate": [1.0, 2, 3], "low": [0.5, 1, 2], "high": [2.0, 3, 4]}
)


@pytest.mark.parametrize(
    ("interval", "decision"),
    [
        ((0.2, 0.1, 0.3), "higher"),
        ((-0.2, -0.3, -0.1), "lower"),
        ((0.1, 0.0, 0.2), "undecided"),
        ((0.1, np.nan, np.nan), "undecided"),
    ],
)
def test_an_interval_decides_only_where_it_leaves_the_null_out(interval, decision):
    assert decide(interval) == Decision(decision)


def test_a_decision_is_said_in_the_words_of_the_page():
    say = lambda interval: words.chosen(decide(interval), "better", "worse", "no different")
    assert [say((1, 0.5, 2)), say((-1, -2, -0.5)), say((0, -1, 1))] == ["better", "worse", "no different"]


def test_one_row_is_one_row():
    assert tables.row(FRAME, judge="a", group="y")["estimate"] == 2
    for keys in ({"judge": "a"}, {"judge": "c"}):
        with pytest.raises(LookupError, match="expected one"):
            tables.row(FRAME, **keys)


def test_an_interval_that_is_not_there_is_a_dash_and_one_of_several_is_refused():
    assert words.with_interval(tables.interval(FRAME, judge="c")) == words.MISSING
    assert words.with_interval(tables.interval(FRAME, judge="b", group="x")) == "3.0 [2.0, 4.0]"
    with pytest.raises(LookupError):
        tables.interval(FRAME, judge="a")


def test_an_estimate_without_an_interval_says_so():
    assert words.with_interval((0.834, np.nan, np.nan)) == "0.83 [–, –]" and words.rounded(np.nan, 0.1) == words.MISSING


def test_shares_are_whole_percent_and_differences_have_their_sign():
    assert words.whole_percent((0.828, 0.553, 0.949)) == "83 [55, 95]"
    assert words.whole_percent((0.27, -0.07, 0.38), "+") == "+27 [-7, +38]"


def test_crossing_keeps_the_order_of_the_frame_and_shows_what_is_missing():
    table = tables.crossed(FRAME.iloc[::-1], "judge", "group")
    assert table["judge"].tolist() == ["b", "a"] and table.columns.tolist() == ["judge", "x", "y"]
    assert table.loc[0, ["x", "y"]].tolist() == ["3.0 [2.0, 4.0]", words.MISSING] and table.loc[1, "y"] == "2.0 [1.0, 3.0]"


def test_every_row_is_decided_against_the_null():
    assert tables.decided(FRAME, 2.5) == [Decision.LOWER, Decision.UNDECIDED, Decision.UNDECIDED]
    assert (FRAME.assign(decision=tables.decided(FRAME))["decision"] == "higher").all()


def test_lists_and_counts():
    assert [words.listed("ab"[:n]) for n in range(3)] == ["none", "a", "a and b"] and words.listed("abc") == "a, b and c"
    assert words.counted(1, "task") == "1 task" and words.counted(2, "task") == "2 tasks"
    assert words.percent(0.256) == "26" and words.percent(np.nan) == words.MISSING


def test_changes_spans_and_p_values():
    assert [words.signed(value) for value in (6.04, -0.3, np.nan)] == ["+6.0", "-0.3", words.MISSING]
    assert (
        words.span([2.0, 0.5, 1]) == "0.5 to 2.0"
        and words.span([3, 3], 0) == "3"
        and words.span(pd.Series([], dtype=float)) == words.MISSING
    )
    assert [words.p_value(p) for p in (1e-9, 0.0124, 1.0, np.nan)] == ["p < .001", "p = .012", "p = 1.000", words.MISSING]


def test_labels_choose_order_and_name():
    table = tables.labelled(FRAME, "judge", {"b": "second", "a": "first", "c": "absent"})
    assert table["judge"].tolist() == ["second", "first", "first"] and table["estimate"].tolist() == [3, 1, 2]


def test_a_wide_table_has_every_interval_once_and_dashes_where_there_is_none():
    table = tables.wide(FRAME, ["group"], {"judge": {"b": "B", "a": "A", "c": "C"}})
    assert table.columns.tolist() == ["group", "B", "A", "C"] and table["group"].tolist() == ["x", "y"]
    assert table.loc[1].tolist() == ["y", words.MISSING, "2.0 [1.0, 3.0]", words.MISSING]
    nested = tables.wide(FRAME.assign(way="w"), ["way"], {"group": {"y": "Y"}, "judge": {"a": "A", "b": "B"}})
    assert nested.columns.tolist() == ["way", "Y: A", "Y: B"] and nested.loc[0, "Y: B"] == words.MISSING
    assert tables.wide(FRAME.iloc[:0], ["group"], {"judge": {"a": "A"}}).columns.tolist() == ["group", "A"]
    with pytest.raises(LookupError, match="two rows"):
        tables.wide(pd.concat([FRAME, FRAME]), ["group"], {"judge": {"a": "A"}})


@pytest.mark.parametrize(
    ("value", "half_width", "shown"),
    [
        (0.82967, 0.043, "0.83"),
        (0.82967, 0.013, "0.830"),
        (0.82967, 0.36, "0.8"),
        (0.82967, 0.35, "0.83"),
        (12.34, 4.0, "12"),
        (12.34, 3.0, "12.3"),
        (12.34, 1.5, "12.3"),
        (1234.5, 80, "1230"),
        (1234.5, 150, "1230"),
        (1234.5, 400, "1200"),
        (0.123456, 0.0, "0.123"),
        (80.00000000000001, 7e-15, "80"),
        (0.123456, float("nan"), "0.123"),
        (float("nan"), 0.1, words.MISSING),
    ],
)
def test_a_number_shows_the_digits_that_its_interval_supports(value, half_width, shown):
    assert words.rounded(value, half_width) == shown


def test_an_interval_is_written_with_one_precision_and_scaled_to_percent():
    interval = Interval(0.8297, 0.741, 0.882)
    assert words.with_interval(interval) == "0.83 [0.74, 0.88]"
    assert words.with_interval(interval, 100) == "83 [74, 88]"
    assert words.with_interval([0.5, 0.4871, 0.5129]) == "0.500 [0.487, 0.513]"


def test_rounding_of_the_half_width_itself_adds_no_digit():
    assert words.rounded(0.4, np.nextafter(0.355, 0)) == words.rounded(0.4, 0.355) == "0.4"
