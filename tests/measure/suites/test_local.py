"""How problems are put and answers read: on made-up ones, and on published references where they are at hand."""

import pytest

from proxylib.data.published import problems
from proxylib.measure.suites import local

ROW = {"task_id": "Made/0", "entry_point": "double", "prompt": 'def double(n):\n    """Twice n."""\n'}
ROW |= {"test": "def check(candidate):\n    assert candidate(3) == 6\n    assert candidate(0) == 0\n"}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("so 3 + 4 = 7\n#### 7", "7"),
        ("#### 7 apples out of 9", "7"),  # the first behind the mark
        ("first 3, then 1,234.50 dollars", "1,234.50"),
        ("it is $-12", "$-12"),
        ("no number", ""),
        ("#### none but 4 before? 5", "4"),
    ],
)
def test_the_number_that_is_said_last_or_behind_the_mark(text, number):
    assert local.last_number(text).replace("$", "") == number.replace("$", "")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{\frac{1}{2}} and not \boxed{3}.", "3"),
        (r"\boxed{\frac{\boxed{1}}{2}}", "1"),
        (r"\boxed{\{1, 2\}", ""),  # never closed
        ("thus the answer is 4.\nQuite so", "4."),
        ("nothing", ""),
    ],
)
def test_what_stands_in_the_last_box(text, answer):
    assert local.boxed(text) == answer


@pytest.mark.parametrize(
    ("given", "answer", "right"),
    [
        ("18", "18.0", True),
        ("1,234", "1234", True),
        (r"\dfrac12", r"\frac{1}{2}", True),
        (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\frac{\pi}{2})", True),
        (r"90^\circ", "90", True),
        (r"\text{Evelyn}", "Evelyn", True),
        ("0.5", r"\frac{1}{2}", False),  # no algebra
        ("(1,2)", "(1,3)", False),
        ("", "", False),
        ("18", "81", False),
    ],
)
def test_two_ways_to_write_an_answer_are_one(given, answer, right):
    assert local.same(given, answer) is right


def test_what_the_model_asks_itself_next_is_not_its_answer():
    right = local._value("7", local.last_number)
    assert right(" 3 + 4\n#### 7\n\nQuestion: what is 9?\nAnswer: 9") == (True, "")
    assert right(" I do not know") == (False, "no answer")


@pytest.mark.parametrize(
    "text",
    [
        "    return 2 * n\n",
        "    return 2 * n\n\nprint(double(4))\nassert False\n",
        "    return 2 * n\n\ndef other(:\n",
        "Here it is:\n```python\ndef double(n):\n    return n + n\n```\nIt adds.",
        "```\nimport math\n\ndef double(n):\n    return math.floor(2 * n)\n",
    ],
)
def test_a_function_is_found_where_models_put_it(text):
    assert local._passes(ROW)(text) == (True, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("    return 3 * n\n", "AssertionError"),
        ("    pass\n", "AssertionError"),
        ("", "AssertionError"),  # a docstring alone is a function that returns nothing
        ("return 2 * n", "Error"),
        ("    while True: pass\n", "too long"),
        ("    import os; os._exit(0)\n", "ended early"),
    ],
)
def test_a_wrong_function_fails_its_tests(text, why, monkeypatch):
    quick, run = local.code.Limits(seconds=1), local.code.run
    monkeypatch.setattr(local.code, "run", lambda program: run(program, quick))
    passed, said = local._passes(ROW)(text)
    assert not passed and why in said


@pytest.mark.published
@pytest.mark.parametrize(("name", "field"), [("gsm8k", "answer"), ("math500", "solution")])
def test_reference_solutions_are_right_and_those_of_the_next_problem_are_not(name, field, published_set):
    published_set(name)
    solutions = [fields[field] for _, fields in problems.records(name)]
    asked = local.read(name, 0)
    assert len(asked) == len(solutions) > 400
    assert all(problem.right(" " + solution)[0] for problem, solution in zip(asked, solutions, strict=True))
    shifted = solutions[1:] + solutions[:1]
    assert sum(problem.right(" " + text)[0] for problem, text in zip(asked, shifted, strict=True)) < 0.05 * len(asked)


@pytest.mark.published
@pytest.mark.parametrize(("name", "dataset"), [("humaneval", "humaneval"), ("mbpp", "mbpp_codet")])
def test_reference_functions_pass_and_empty_ones_do_not(name, dataset, published_set):
    published_set(dataset)
    rows = [fields for _, fields in problems.records(name)]
    for row, problem in list(zip(rows, local.read(name, 0), strict=True))[::100]:
        # references of MBPP are indented otherwise than their docstrings
        head = row["prompt"] if name == "humaneval" else row["prompt"].partition("    '''")[0]
        assert problem.right(head + row["canonical_solution"]) == (True, ""), problem.id
        assert not problem.right("    pass\n")[0]


@pytest.mark.published
def test_solved_problems_stand_in_front_and_none_of_them_is_asked(published_set):
    published_set("gsm8k")
    published_set("math500")
    first = local.read("gsm8k", 2, limit=3)
    assert len(first) == 3 and first[0].prompt.count("Question:") == 3 and "<<" not in first[0].prompt
    asked = local.read("math500", 2)
    assert len(asked) == 498 and asked[0].prompt.count("Problem:") == 3
    assert {problem.id for problem in asked}.isdisjoint(problem.id for problem in local.read("math500", 0)[:2])
