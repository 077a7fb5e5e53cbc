"""Tables and rows of the page, from students that are known."""

import pandas as pd
import pytest
from studies.ceiling import made_up

from proxylib.report import tables
from proxylib.stats import Bootstrap
from proxylib.studies.ceiling import ceilings, few, report

BOOTSTRAP = Bootstrap(draws=100, level=0.95, seed=0)


@pytest.fixture(scope="module")
def frames():
    classes = made_up.classes()
    cells = ceilings.losses_and_scores(classes)
    return {
        "curves": ceilings.curves(classes, BOOTSTRAP),
        "asymptotes": ceilings.asymptotes(classes, BOOTSTRAP),
        "criteria": ceilings.by_criterion(classes, BOOTSTRAP),
        "teachers": ceilings.teachers_graded(classes),
        "copies": ceilings.copies(classes, BOOTSTRAP),
        "cells": cells,
        "signals": ceilings.signals(cells, 0.95),
    }


def test_curves_of_a_kind_stand_beside_the_experts(frames):
    rows = report.kind_rows(frames["curves"], "habit")
    assert list(dict.fromkeys(rows["teacher"])) == ["teacher passes 60 %", "expert"]
    assert tables.interval(rows, teacher="expert", examples=10000).estimate == 100


def test_gaps_stand_beside_the_students_of_the_expert(frames):
    table = report.gap_table(frames["curves"], frames["asymptotes"], frames["teachers"]).set_index("errors")
    assert table.loc["none", "minus student of the expert"] == "–"
    assert table.loc["any fact, at random", "student minus teacher"].startswith("40")
    assert table.loc["conclusions, by habit", "student minus teacher"].startswith("0")


def test_criteria_of_students_stand_beside_the_teachers(frames):
    table = report.criteria_table(frames["criteria"]).set_index("errors")
    assert table.loc["any fact, at random", "completeness"].startswith("100 [100, 100] of ")
    assert table.loc["none", "no hallucination"].endswith("of 100%")


def test_a_teacher_is_reached_from_where_students_stay_near():
    rows = [
        ("facts", 0.6, count, "gap", gap, gap - 0.1) for count, gap in ((100, -0.6), (1000, 0.0), (3000, -0.2), (10000, 0.1))
    ]
    curves = pd.DataFrame(rows, columns=["errors", "passes", "examples", "what", "estimate", "low"])
    assert report.reached(curves)[["seen", "shown"]].values.tolist() == [["10,000", "10,000"]]
    below = curves.assign(estimate=-0.5, low=-0.6)
    assert report.reached(below)[["seen", "shown"]].values.tolist() == [["–", "–"]]


def test_errors_on_one_decision_have_a_gap_of_their_own(frames):
    assert report.crowded(frames["curves"]).estimate == pytest.approx(0.4)
    without = frames["curves"][frames["curves"]["errors"] != "conclusions"]
    assert pd.isna(report.crowded(without).estimate)


def test_the_poorest_teacher_of_a_kind_and_the_expert_have_their_gaps(frames):
    curves = frames["curves"]
    rows = curves[(curves["examples"] == curves["examples"].max()) & (curves["what"] == "gap")]
    facts = rows[rows["errors"] == "facts"].set_index("passes")["estimate"]
    assert report.gap(curves, "facts").estimate == facts[facts.index.min()]
    assert report.gap(curves, "none").estimate == rows.loc[rows["errors"] == "none", "estimate"].item()


def test_no_share_is_shown_above_all_or_below_none(frames):
    beyond = frames["curves"].assign(low=-0.2, high=1.3)
    rows = report.kind_rows(beyond, "facts")
    assert (rows["low"] == 0).all() and (rows["high"] == 100).all()


def test_copies_are_shown_where_the_teacher_errs_and_elsewhere(frames):
    rows = report.copy_rows(frames["copies"])
    there = tables.interval(rows, teacher="habit-60", what="where the teacher errs")
    assert there.estimate == 100 and tables.interval(rows, teacher="expert", what="elsewhere").estimate == 0


def test_every_student_is_a_point_and_every_loss_a_row(frames):
    points = report.cell_rows(frames["cells"], frames["teachers"])
    assert len(points) == len(frames["cells"]) and points["rate"].between(0, 100).all()
    table = report.signal_table(frames["signals"])
    assert list(table["loss"]) == list(report.LOSSES.values()) and table.shape == (3, 5)


def test_what_habits_cost_is_set_against_the_expert_s_own_students_one_by_one():
    teachers = pd.DataFrame({"teacher": ["expert", "habit-60", "habit-85"], "errors": ["none", "habit", "habit"]})
    rows = [
        (width, 1, examples, teacher, gap)
        for width, own in ((40, -0.2), (64, -0.1), (96, 0.0))
        for examples, less in ((10, 0.5), (100, 0.0))
        for teacher, gap in (("expert", own - less), ("habit-60", own - 0.1), ("habit-85", own - 0.3 - width / 1000))
    ]
    cells = pd.DataFrame(rows, columns=["width", "seed", "examples", "teacher", "gap"])
    found = report.minus_expert(cells, teachers, "habit", 0.95)
    assert found.estimate == pytest.approx(-0.2 - (40 + 64 + 96) / 6000)  # own limits drop out, as do fewer examples
    assert found.low < found.estimate < found.high and found.high - found.low < 0.2


def test_few_notes_stand_beside_many(few_curves):
    rows = report.by_notes(few_curves)
    assert set(rows["teacher"]) == {"expert", "teacher passes 60 %, errors: any fact, at random"}
    assert tables.interval(rows, teacher="expert", notes=10000).estimate == 100
    assert report.counts(few_curves) == (1000, 10.0) and report.expert_rate(few_curves, 10000) == 100
    table = report.enough_table(few_curves).set_index("errors")
    assert table.loc["none", "seen"] == "10,000" and table.loc["any fact, at random", "teacher passes, %"] == "60"


def test_losses_of_few_notes_stand_beside_their_scores(few_classes, few_curves):
    table = report.repeat_table(few_curves, few.losses(few_classes, 0.95)).set_index(["teacher", "different notes"])
    assert table.loc[("expert", "10,000"), "minus read once"] == "–"
    assert table.loc[("expert", "1,000"), "minus read once"].startswith("-48 ")
    assert table.loc[("expert", "1,000"), "final training loss"] == "1.55"


@pytest.fixture(scope="module")
def few_classes():
    kinds = (made_up.EXPERT_TEACHER, made_up.teacher("facts"))
    once = {(one.name, 10000): made_up.pupils(one) for one in kinds}
    return once | {(one.name, 1000): made_up.pupils(one, learnt=(0.0, 0.2, 0.5)) for one in kinds}


@pytest.fixture(scope="module")
def few_curves(few_classes):
    return few.curves(few_classes, 10000, BOOTSTRAP)
