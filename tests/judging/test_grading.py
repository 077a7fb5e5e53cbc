"""Grades of notes whose faults are known."""

import pytest
from judging.garbling import garbled_notes

from proxylib.data import domains
from proxylib.data.domains import scribe
from proxylib.judging import grading, rubric
from proxylib.judging.criteria import CRITERIA

EXAMPLES = scribe.examples(60, 7, unseen=True)


@pytest.mark.parametrize("domain", domains.NAMES)
def test_the_experts_notes_have_full_grades_and_silence_has_none(domain):
    heads = domains.domain(domain).rules.sections
    for example in domains.domain(domain).examples(60, 7, unseen=True):
        assert grading.grades(example, example.note) == dict.fromkeys(CRITERIA, 1.0)
        for note in ("", "".join(f"{head}:\n" for head in heads), "".join(f"{head}: .\n" for head in heads)):
            assert grading.grades(example, note) == dict.fromkeys(CRITERIA, 0.0)


@pytest.mark.parametrize("letter", scribe.SECTIONS)
def test_a_line_less_is_graded_between(letter):
    for example in EXAMPLES:
        note = "".join(line for line in example.note.splitlines(keepends=True) if not line.startswith(f"{letter}:"))
        part = grading.grades(example, note)
        assert part["template"] == 0.75 and part["no_hallucination"] == 1.0  # fewer facts, none made up
        assert part["inference"] == (letter != "A") and part["terminology"] == (letter != "S")
        facts = example.encounter.facts
        kept = sum(scribe.DOMAIN.rules.slots[name].section != letter for name in facts)
        assert part["completeness"] == pytest.approx(kept / len(facts)) and (kept < len(facts)) == (letter != "A")


def test_each_thing_made_up_lowers_one_grade_alone():
    for example in EXAMPLES:
        values = []
        for count in range(4):
            part = grading.grades(example, example.note.replace("review", "Zzyx " * count + "review"))
            values.append(part.pop("no_hallucination"))
            assert set(part.values()) == {1.0}
        facts = len(example.encounter.facts)
        assert values == pytest.approx([facts / (facts + count) for count in range(4)])


def test_a_criterion_that_passes_has_a_full_grade():
    seen = set()
    for example, note in garbled_notes(EXAMPLES, seed=3, most=8):
        passed, part = rubric.verdicts(example, note, "strict"), grading.grades(example, note)
        assert all(0 <= part[name] <= 1 and (part[name] == 1 or not passed[name]) for name in CRITERIA)
        seen |= {name for name in CRITERIA if not passed[name] and part[name] > 0}
    assert seen >= {"template", "terminology", "completeness", "no_hallucination"}


def test_a_frame_has_a_row_per_note_and_criterion():
    frame = grading.graded(EXAMPLES[:3], [EXAMPLES[0].note] * 3)
    assert list(frame.columns) == ["id", "criterion", "grade"] and len(frame) == 15
    by_note = frame.groupby("id")["grade"].mean()
    assert by_note[EXAMPLES[0].id] == 1 and (by_note.drop(EXAMPLES[0].id) < 1).all()
