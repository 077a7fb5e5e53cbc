"""What few notes lack, of students that are known."""

import numpy as np
import pandas as pd
import pytest
from studies.ceiling import made_up

from proxylib.report import tables
from proxylib.stats import Bootstrap
from proxylib.studies.ceiling import few

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=0)
MOST, TENTH = 10000, 1000
EXPERT, FACTS = made_up.EXPERT_TEACHER, made_up.teacher("facts")


@pytest.fixture(scope="module")
def classes():
    """Read once all is learnt; of a tenth the expert's students learn half, and those of errors at random next to nothing."""
    half, little = (0.0, 0.2, 0.5), (0.0, 0.1, 0.1)
    return {
        (EXPERT.name, MOST): made_up.pupils(EXPERT),
        (FACTS.name, MOST): made_up.pupils(FACTS),
        (EXPERT.name, TENTH): made_up.pupils(EXPERT, learnt=half),
        (FACTS.name, TENTH): made_up.pupils(FACTS, learnt=little),
    }


def test_few_notes_are_set_against_the_same_students_that_read_as_many_once(classes):
    table = few.curves(classes, MOST, BOOTSTRAP)
    at_end = tables.rows(table, teacher="expert", read=MOST)
    assert tables.interval(at_end, notes=TENTH, what="minus once").estimate == pytest.approx(-0.5, abs=0.1)
    assert tables.interval(at_end, notes=MOST, what="minus once").estimate == 0
    early = tables.interval(table, teacher="expert", notes=TENTH, read=1000, what="minus once")
    assert early.estimate == pytest.approx(0.2 - 0.5, abs=0.12)
    gap = tables.interval(table, teacher="facts-60", notes=MOST, read=MOST, what="gap")
    assert gap.estimate == pytest.approx(0.4)


def test_claims_are_in_points_and_paired(classes):
    rows = few.estimates(classes, (TENTH,), MOST, BOOTSTRAP).set_index("claim")
    assert rows.loc["ours-ceiling-few", "estimate"] == pytest.approx(-50, abs=10)
    assert rows.loc["ours-ceiling-by-heart", "estimate"] == pytest.approx(-40, abs=12)
    assert (rows["low"] < rows["low_given"]).all() and (rows["high"] > rows["high_given"]).all()


def test_without_a_teacher_of_errors_at_random_nothing_is_learnt_by_heart(classes):
    alone = {key: one for key, one in classes.items() if key[0] == "expert"}
    assert list(few.estimates(alone, (TENTH,), MOST, BOOTSTRAP)["claim"]) == ["ours-ceiling-few"]


def test_losses_are_means_over_students(classes):
    table = few.losses(classes, 0.95)
    row = tables.row(table, teacher="expert", notes=TENTH, read=MOST, on="training")
    width = sum(width for width, _ in made_up.STUDENTS) / len(made_up.STUDENTS)
    assert row["estimate"] == pytest.approx(2.0 - 0.5 + width / 1000)


def test_enough_is_the_fewest_that_lack_little(classes):
    table = few.enough(few.curves(classes, MOST, BOOTSTRAP)).set_index("teacher")
    assert table.loc["expert", "seen"] == MOST and table.loc["facts-60", "seen"] == MOST
    both = {key: one for key, one in classes.items() if key[1] == MOST} | {(EXPERT.name, TENTH): made_up.pupils(EXPERT)}
    assert few.enough(few.curves(both, MOST, BOOTSTRAP)).set_index("teacher").loc["expert", "seen"] == TENTH


def test_a_tenth_is_the_nearest_and_a_gap_that_only_may_be_small_is_not_enough():
    assert few.tenth((100, 1000, 3162), 10000) == 1000 and few.tenth((4,), 16) == 4
    rows = [("expert", 10, 20, "gap", -0.2, -0.4, 0.0), ("expert", 20, 20, "gap", -0.01, -0.1, 0.0)]
    curves = pd.DataFrame(rows, columns=["teacher", "notes", "read", "what", "estimate", "low", "high"])
    least = few.enough(curves).iloc[0]
    assert least["seen"] == 20 and np.isnan(least["shown"])
    assert np.isnan(few.enough(curves.iloc[:1]).iloc[0]["seen"])


def test_enough_is_so_from_there_on():
    numbers, holds = pd.Series([100, 1000, 3000, 10000]), pd.Series([True, False, True, True])
    assert few.since(numbers, holds) == 3000 and np.isnan(few.since(numbers, pd.Series([True, True, True, False])))
