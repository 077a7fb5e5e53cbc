"""Prompts: the same problem, asked in several ways."""

import pytest

from proxylib.data import tasks
from proxylib.data.trace import Trace
from proxylib.studies.benchmark_settings import asking

TRACE = Trace("sorting", "sorting-3-0001", "sort 3 7 0\n", "out of 3 7 0 take 0\nanswer 0 3 7\n", "0 3 7", "lab expert")


def test_a_prompt_as_trained_is_the_question():
    assert asking.prompt(TRACE, "{problem}\n", [], asking.WORKED) == TRACE.prompt


@pytest.mark.parametrize(
    ("template", "ask", "expected"),
    [
        ("{problem}\n\n", asking.WORKED, "sort 2 1\n\nout of 2 1 take 1\nanswer 1 2\nsort 3 7 0\n\n"),
        ("problem: {problem}\n", asking.ALONE, "problem: sort 2 1\nanswer 1 2\nproblem: sort 3 7 0\nanswer"),
    ],
)
def test_solved_problems_stand_in_the_same_template_and_show_what_is_asked_for(template, ask, expected):
    shots = [("sort 2 1\n", "out of 2 1 take 1\nanswer 1 2\n")]
    assert asking.prompt(TRACE, template, shots, ask) == expected


@pytest.mark.parametrize("ask", asking.ASKS)
def test_what_is_right_to_the_letter_is_right(ask):
    reference = asking.reference(TRACE, ask)
    assert tasks.right(TRACE.answer, reference)
    said = asking.written(reference.removeprefix(asking.LEAD) if ask == asking.ALONE else reference, ask)
    assert said == reference


def test_examples_are_of_the_training_side_the_same_for_everybody_and_differ_by_problem():
    one, again = asking.examples(TRACE, 2, 7), asking.examples(TRACE, 2, 7)
    assert one == again and len(set(one)) == 2
    other = Trace(**{**TRACE.__dict__, "id": "sorting-3-0002"})
    assert asking.examples(other, 2, 7) != one and asking.examples(TRACE, 2, 8) != one
    many = asking.examples(TRACE, 60, 7)
    assert not any(tasks.held_out(question) for question, _ in many)  # of sorting, the question is what decides the side
