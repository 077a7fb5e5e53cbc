"""Outcomes laid out by student, number of examples and dialogue; intervals over both that were drawn."""

import numpy as np
import pytest
from studies.ceiling import made_up

from proxylib.stats import Bootstrap
from proxylib.studies.ceiling import pupils, teachers

BOOTSTRAP = Bootstrap(draws=400, level=0.95, seed=0)


def test_what_a_teacher_teaches_on_a_dialogue_is_its_chance_to_pass():
    habit = made_up.teacher("habit")
    chances = pupils.chances(habit, made_up.TESTS, seed=2)
    passed = [
        teachers.passes(test, note) for test, note in zip(made_up.TESTS, teachers.notes(habit, made_up.TESTS, 2), strict=True)
    ]
    assert chances.tolist() == passed
    assert set(pupils.chances(made_up.teacher("facts", 0.85), made_up.TESTS, seed=2)) == {0.85}
    assert set(pupils.chances(made_up.EXPERT_TEACHER, made_up.TESTS, seed=2)) == {1.0}


def test_gaps_pair_students_and_teachers_by_dialogue():
    one = made_up.pupils(made_up.teacher("habit"))
    assert one.passed.shape == (3, 3, 60) and one.examples == [100, 1000, 10000]
    assert (one.gaps[:, 0] == -one.taught).all() and (one.gaps[:, -1] == 0).all()
    free = made_up.pupils(made_up.teacher("habit"), copied=0.0)
    assert (free.gaps[:, -1] == 1 - free.taught).all()


def test_the_interval_holds_what_dialogues_and_students_move():
    rng = np.random.default_rng(0)
    alike = np.tile(rng.random(300) < 0.7, (3, 1)).astype(float)
    apart = alike + np.array([[-0.1], [0.0], [0.1]])
    narrow, wide = (pupils.interval(values, BOOTSTRAP) for values in (alike, apart))
    assert narrow.low == pytest.approx(narrow.low_given) and narrow.high == pytest.approx(narrow.high_given)
    assert wide.low < wide.low_given == pytest.approx(narrow.low_given) and wide.high > wide.high_given
    assert wide.estimate == pytest.approx(narrow.estimate) == pytest.approx(alike.mean())


def test_of_one_student_the_interval_is_over_dialogues_alone():
    values = np.random.default_rng(0).random((1, 50))
    one = pupils.interval(values, BOOTSTRAP)
    assert (one.low, one.high) == (one.low_given, one.high_given)


def test_intervals_cover_the_mean_of_the_world_that_students_and_dialogues_were_drawn_from():
    covered = 0
    for world in range(200):
        rng = np.random.default_rng(world)
        chance = rng.normal(0.6, 0.05, (3, 1)) + rng.normal(0, 0.2, (1, 100))
        one = pupils.interval((rng.random((3, 100)) < chance).astype(float), Bootstrap(draws=100, level=0.95, seed=1))
        covered += one.low <= 0.6 <= one.high
    assert covered >= 188
