"""Curves, ends, copies and what losses tell, of students that are known."""

import numpy as np
import pytest
from studies.ceiling import made_up

from proxylib.report import tables
from proxylib.stats import Bootstrap
from proxylib.studies.ceiling import ceilings

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=0)


@pytest.fixture(scope="module")
def classes():
    return made_up.classes()


def estimates(classes):
    return ceilings.estimates(classes, ceilings.signals(ceilings.losses_and_scores(classes), 0.95), BOOTSTRAP)


def test_teachers_pass_as_they_were_made(classes):
    graded = ceilings.teachers_graded(classes).set_index("teacher")
    assert graded["whole"].to_dict() == pytest.approx(
        {"expert": 1, "facts-60": 0.6, "conclusions-60": 0.6, "habit-60": 0.6}, abs=0.12
    )
    assert graded.loc["facts-60", "mean"] < graded.loc["conclusions-60", "mean"] < 1 == graded.loc["expert", "mean"]


def test_a_student_passes_a_teacher_who_errs_at_random_and_stops_at_a_habit(classes):
    table = ceilings.curves(classes, BOOTSTRAP)
    last = {name: tables.interval(table, teacher=name, examples=10000, what="gap") for name in classes}
    assert last["expert"].estimate == last["habit-60"].estimate == 0 and last["facts-60"].estimate == pytest.approx(0.4)
    assert tables.interval(table, teacher="habit-60", examples=100, what="score").estimate == 0
    control = tables.interval(table, teacher="habit-60", examples=10000, what="control")
    assert control.estimate == pytest.approx(classes["habit-60"].taught.mean() - 1) and control.high < 0


def test_each_criterion_stands_beside_the_teachers_own(classes):
    table = ceilings.by_criterion(classes, BOOTSTRAP)
    assert len(table) == 5 * len(classes)
    habit = tables.row(table, teacher="habit-60", criterion="inference")
    assert habit["estimate"] == habit["taught"] < 0.8 and habit["low"] < habit["estimate"] < habit["high"]
    facts = tables.row(table, teacher="facts-60", criterion="completeness")
    assert facts["estimate"] == 1 > facts["taught"]


def test_contrasts_are_paired_and_in_points(classes):
    table = estimates(classes).set_index("claim", drop=False)
    assert table.loc["ours-ceiling-loss", "n_unit"] == "teachers"
    table = table.drop("ours-ceiling-loss")
    value = {row.claim: row.estimate for row in table.itertuples()}
    assert value["ours-ceiling-matched"] == value["ours-ceiling-habit"] == pytest.approx(40)
    assert value["ours-ceiling-random"] == pytest.approx(40) and value["habit"] == 0 and "loss-ceiling" not in value
    assert value["ours-ceiling-copied"] == 100 and abs(value["sampled minus teacher"]) < 8
    assert value["sampled minus greedy"] == pytest.approx(-40, abs=8)
    assert (table["low"] <= table["low_given"]).all() and (table["high"] >= table["high_given"]).all()


def test_a_kind_of_teacher_that_is_missing_has_no_row(classes):
    table = estimates({name: one for name, one in classes.items() if not name.startswith("conclusions")})
    assert "ours-ceiling-matched" not in set(table["claim"]) and "ours-ceiling-habit" in set(table["claim"])


def test_copies_count_what_students_conclude_where_the_habit_errs():
    half = {"habit-60": made_up.pupils(made_up.teacher("habit"), copied=0.5)}
    table = ceilings.copies(half, BOOTSTRAP)
    there = tables.interval(table, examples=10000, what="where taught")
    assert there.estimate == pytest.approx(0.5, abs=0.12) and there.low < there.estimate < there.high
    assert tables.interval(table, examples=10000, what="elsewhere").estimate == 0
    assert tables.interval(table, examples=10000, what="failures").estimate == 1
    early = tables.interval(table, examples=1000, what="failures").estimate
    assert 0.05 < early < 0.5  # the others are silent


def test_a_curve_ends_where_its_sigmoid_does():
    counts = [100, 316, 1000, 3162, 10000]
    scores = np.array([0.0, 0.05, 0.3, 0.55, 0.6])
    ends = ceilings.end_of(counts, np.stack([scores, np.full(5, 0.25)]))
    assert ends[0] == pytest.approx(0.6, abs=0.04) and ends[1] == 0.25


def test_asymptotes_are_compared_with_the_teacher_on_the_same_draws(classes):
    table = ceilings.asymptotes(classes, BOOTSTRAP)
    assert list(table["what"].unique()) == ["end", "end minus teacher"] and len(table) == 2 * len(classes)
    random = tables.interval(table, teacher="facts-60", what="end minus teacher")
    assert random.estimate == pytest.approx(0.4, abs=0.05) and random.low > 0.2


def test_the_loss_on_the_teachers_notes_orders_students_worse_than_that_on_the_experts(classes):
    cells = ceilings.losses_and_scores(classes)
    assert len(cells) == 4 * 3 * 3 and cells["gap"].max() > 0.3
    worse = cells.assign(**{"teacher's notes": cells["expert's notes"] + (cells["teacher"] != "expert") * (2 * cells["score"])})
    table = ceilings.signals(worse, 0.95)
    strength = {on: tables.interval(tables.rows(table, on=on, what="strength").head(1)) for on in ceilings.SIGNALS}
    assert strength["expert's notes"].estimate > strength["teacher's notes"].estimate
    minus = tables.rows(table, on="teacher's notes", what="minus expert")["estimate"].iloc[0]
    assert minus == pytest.approx(strength["teacher's notes"].estimate - strength["expert's notes"].estimate)
