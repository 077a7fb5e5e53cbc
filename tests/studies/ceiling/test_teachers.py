"""Teachers err as often as they say, in the way they say, and the rubric sees it."""

from collections import Counter

import pytest

from proxylib.data.domains import scribe
from proxylib.studies.ceiling import teachers
from proxylib.studies.ceiling.settings import Teacher

EXAMPLES = scribe.examples(600, 5, unseen=False)
EXPERT = Teacher(errors="none", passes=1.0)


def teacher(errors, passes=0.6):
    return Teacher(errors=errors, passes=passes)


def wrong(notes, examples=EXAMPLES):
    """Which notes are not the expert's."""
    return [note != example.note for note, example in zip(notes, examples, strict=True)]


@pytest.mark.parametrize("errors", ["facts", "conclusions", "habit"])
@pytest.mark.parametrize("passes", [0.6, 0.85])
def test_so_many_notes_pass_and_every_other_one_fails(errors, passes):
    notes = teachers.notes(teacher(errors, passes), EXAMPLES, seed=3)
    passed = [teachers.passes(example, note) for example, note in zip(EXAMPLES, notes, strict=True)]
    assert [not one for one in passed] == wrong(notes)
    assert sum(passed) / len(passed) == pytest.approx(passes, abs=0.06)


def test_the_expert_errs_nowhere():
    assert not any(wrong(teachers.notes(EXPERT, EXAMPLES, seed=3)))


def test_a_longer_list_begins_with_the_same_notes_and_another_draw_errs_elsewhere():
    for errors in ("facts", "conclusions", "habit"):
        whole = teachers.notes(teacher(errors), EXAMPLES, seed=3)
        assert teachers.notes(teacher(errors), EXAMPLES[:50], seed=3) == whole[:50]
        again = teachers.notes(teacher(errors), EXAMPLES, seed=3, draw=1)
        assert (wrong(again) == wrong(whole)) == (errors == "habit")


def test_a_habit_hangs_on_how_a_patient_complains_and_on_nothing_else():
    notes = teachers.notes(teacher("habit"), EXAMPLES, seed=3)
    by_complaint = {}
    for example, error in zip(EXAMPLES, wrong(notes), strict=True):
        by_complaint.setdefault(example.encounter.complaint, set()).add(error)
    assert len(by_complaint) == len(teachers.COMPLAINTS) and all(len(errors) == 1 for errors in by_complaint.values())
    assert sum(errors == {True} for errors in by_complaint.values()) == 8


def test_a_better_teacher_misreads_some_of_what_a_worse_one_does():
    habits = [teachers.habits(teacher("habit", passes), 3) for passes in (0.95, 0.85, 0.6)]
    assert [len(habit) for habit in habits] == [1, 3, 8] and habits[0] < habits[1] < habits[2]
    assert teachers.habits(teacher("habit"), 3) != teachers.habits(teacher("habit"), 4)
    assert teachers.habits(teacher("facts"), 3) == frozenset()


def test_conclusions_at_random_are_wrong_in_the_same_words_as_by_habit():
    for errors in ("conclusions", "habit"):
        notes = teachers.notes(teacher(errors), EXAMPLES, seed=3)
        for example, note, error in zip(EXAMPLES, notes, wrong(notes), strict=True):
            assert not error or note == teachers.wrongly_concluded(example)
    one = EXAMPLES[0]
    differing = [a != b for a, b in zip(one.note.split("\n"), teachers.wrongly_concluded(one).split("\n"), strict=True)]
    assert differing == [False, False, True, False, False]


def test_no_error_is_lost_because_the_fact_that_is_drawn_is_the_true_one():
    """Both kinds at random err on the same notes, as the same number decides."""
    assert wrong(teachers.notes(teacher("facts"), EXAMPLES, 3)) == wrong(teachers.notes(teacher("conclusions"), EXAMPLES, 3))


def test_facts_are_wrong_in_every_line_but_rarely_twice():
    notes = teachers.notes(teacher("facts"), EXAMPLES, seed=3)
    lines = Counter(
        note_line.partition(":")[0]
        for example, note in zip(EXAMPLES, notes, strict=True)
        for note_line, line in zip(note.splitlines(), example.note.splitlines(), strict=True)
        if note_line != line
    )
    assert set(lines) == {"S", "O", "A", "P"} and lines["S"] > lines["O"]


def test_a_teacher_with_errors_passes_less_than_all():
    for errors, passes in (("none", 0.9), ("habit", 1.0)):
        with pytest.raises(ValueError, match="none goes with passes 1"):
            Teacher(errors=errors, passes=passes)
