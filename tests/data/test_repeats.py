"""Copies and problems told apart: by what the text says, whatever its case, spaces and invisible characters."""

import pytest

from proxylib.data.repeats import copies_of, normal, problems_of
from proxylib.data.trace import Trace


def trace(id, prompt, solution, task="t"):
    return Trace(task, id, prompt, solution, "", "")


@pytest.mark.parametrize(
    "other",
    [
        "What is 2 + 2?\n",
        " what  is\t2+2 ?",
        "WHAT IS 2 + 2?",
        "\ufeffWhat is 2\u00a0+ 2?",
        "What\u200b is 2 + 2?",
        "What is\r\n2 + 2?",
    ],
)
def test_what_does_not_make_another_text(other):
    assert normal(other) == normal("What is 2 + 2?")


@pytest.mark.parametrize(
    ("text", "other"), [("1 23", "12 3"), ("x²", "x2"), ("2 + 2", "2 - 2"), ("a b", "ab"), ("café", "cafe"), ("2+2", "2+2.")]
)
def test_what_makes_another_text(text, other):
    assert normal(text) != normal(other)


def test_accents_may_be_composed_or_not():
    assert normal("caf\u00e9") == normal("cafe\u0301")


def test_a_copy_is_named_with_the_first_of_its_kind_in_whatever_task():
    given = [
        trace("1", "p", "s"),
        trace("2", "p", "other"),
        trace("3", "P ", "S\n"),
        trace("1", "p", "s", "u"),
        trace("5", "q", "s"),
    ]
    assert copies_of(given) == {("t", "3"): ("t", "1"), ("u", "1"): ("t", "1")}


def test_solutions_of_one_prompt_solve_one_problem_unless_somebody_says_otherwise():
    given = [trace("1", "p", "s"), trace("2", "P", "other"), trace("3", "", "s"), trace("4", " ", "more"), trace("5", "", "S")]
    solved = list(problems_of(given).values())
    assert solved[0] == solved[1] and solved[2] == solved[4]
    assert len(set(solved)) == 3
    named = problems_of(given, {("t", "1"): "a", ("t", "2"): "b", ("t", "3"): "b"})
    assert named["t", "1"] != named["t", "2"] == named["t", "3"]


def test_a_name_is_not_taken_for_a_prompt():
    solved = problems_of([trace("1", "p", "s"), trace("2", "q", "s")], {("t", "2"): "p"})
    assert len(set(solved.values())) == 2
