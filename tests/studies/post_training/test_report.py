"""Frames of the page: what is left out, scaled, put in order; a profile that lacks an arm shows dashes."""

import numpy as np
import pandas as pd

from proxylib.studies.post_training import report


def changes():
    rows = [
        (quantity, arm, number, value, value - 1, value + 1)
        for arm, value in ((report.CODE, -3.0), (report.ONE, -1.0), (report.CONTROLS[0], 0.0))
        for number in (1, 2)
        for quantity in ("side", "gain", "alone")
    ]
    return pd.DataFrame(rows, columns=["quantity", "arm", "round", "estimate", "low", "high"])


def test_arms_that_change_nothing_are_no_rows_of_the_figure():
    rows = report.by_arm(changes(), 1, control=report.CONTROLS)
    assert set(rows["arm"]) == {report.CODE, report.ONE} and set(rows["what"]) == {report.SIDE, report.GAIN}
    assert report.last(changes()) == 2


def test_lines_begin_with_nothing_lost_and_keep_the_order_of_the_arms():
    rows = report.along_rounds(changes())
    assert list(rows["arm"].unique()) == [report.ONE, report.CODE]
    assert list(rows.loc[rows["arm"] == report.ONE, "round"]) == [0, 1, 2]
    assert (rows.loc[rows["round"] == 0, "estimate"] == 0).all()


def test_an_arm_that_a_profile_lacks_has_no_number():
    refusals = pd.DataFrame({"quantity": ["refused"], "arm": ["x"], "round": [1], "kind": ["near"], "estimate": [0.2]})
    assert np.isnan(report.refused(refusals.assign(low=0.1, high=0.3), report.AMONG, 1, "near").estimate)
    assert report.refused(refusals.assign(low=0.1, high=0.3), "x", 1, "near").estimate == 0.2


def test_more_metrics_and_smaller_losses_ask_for_more_items():
    shows = pd.DataFrame({"up": [5, 6, 7], "down": [5, 4, 3], "items": [100, 100, 100]})
    assert report.churn(shows) == 0.1
    table = report.items_table(shows, 24, 0.95)
    one, many = (table[name].str.replace(",", "").astype(int) for name in table.columns[1:])
    assert one.is_monotonic_decreasing and (many > one).all()
    assert one[1] == 2454  # (1.96 + 0.84)^2 * (0.1 + 0.02) / 0.02^2 = 2355, and one answer more by an exact test


def test_what_a_metric_shows_is_said_of_one_number_of_items():
    shows = pd.DataFrame({"items": [96, 96, 96, 48, 48], "shows": [0.2, 0.22, 0.3, 0.5, 0.6]})
    assert report.shown(shows) == (96, 22.0)


def test_two_trainings_of_one_recipe_are_held_against_each_other_alone():
    rows = [
        ("no change again", "no change 1", "paired", True),
        ("no change again", "no change 2", "paired", False),
        ("no change again", "no change again 0", "paired", True),
        ("no change", "no change 0", "paired", True),
    ]
    table = pd.DataFrame(rows, columns=["arm", "against", "test", "called"])
    assert report.same_recipe(table, "no change")["paired"] == 0.5


def test_errors_are_in_percent_and_power_in_points():
    rows = [
        (quantity, drop, "paired", "Holm", 0.5, 0.25, 0.75)
        for quantity in ("any", "discoveries", "power")
        for drop in (0.0, 0.1)
    ]
    rates = pd.DataFrame(rows, columns=["quantity", "drop", "test", "correction", "estimate", "low", "high"])
    assert list(report.power(rates, "Holm")["drop"]) == [0.0, 10.0] and report.power(rates, "Holm")["low"].eq(25).all()
    assert report.errors_table(rates).iloc[0, 2:].tolist() == ["50 [25, 75]"] * 3


def test_what_was_found_is_counted_over_arms_that_teach_something():
    rows = [("one skill", "paired", 1.0), ("code", "paired", 3.0), ("code", "unpaired", np.nan), ("no change", "paired", 1.0)]
    found = pd.DataFrame(rows, columns=["arm", "test", "round"])
    assert report.found_by(found, "paired") == (2, 2, 2.0) and report.found_by(found, "unpaired")[:2] == (0, 1)
