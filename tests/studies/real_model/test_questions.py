"""Questions: one right answer among four, no way to it but the question, nothing asked that was read."""

from collections import Counter

import pytest

from proxylib.studies.real_model import questions
from proxylib.studies.real_model.settings import Asked

ASKED = Asked(
    published=False,
    traces=5,
    passages=4,
    questions={"answers, GSM8K": 6, "answers, MATH": 6, "next step": 5, "code": 5, "prose": 6, "sums": 8, "copying": 8},
    longest=1600,
    seed=2,
)


@pytest.fixture(scope="module")
def given():
    return questions.texts(ASKED)


def test_every_question_has_four_different_answers_and_as_many_as_asked(given):
    asked = questions.questions(given, ASKED)
    assert Counter(question.task for question in asked) == ASKED.questions
    assert all(len({answer.strip() for answer in question.answers}) == questions.CHOICES for question in asked)
    assert asked == questions.questions(given, ASKED)
    assert len({trace.id for trace in questions.as_traces(asked) if trace.task == "code"}) == 4 * ASKED.questions["code"]


def test_no_question_is_about_a_problem_whose_solution_is_read(given):
    read = {trace.prompt for trace in questions.worked(given, ASKED)}
    prompts = [question.prompt for question in questions.questions(given, ASKED)]
    assert len(read) == 5 * len(questions.SETS)
    assert not [prompt for prompt in prompts if any(prompt.startswith(text.rstrip()) for text in read)]
    passages = [trace.solution for trace in questions.passages(given, ASKED)]
    assert not [prompt for prompt in prompts for text in passages if prompt in text]


def test_wrong_answers_are_right_elsewhere_and_nearest_in_length():
    items = [(str(n), f"question {n}", answer) for n, answer in enumerate(["1", "2", "3", "44", "55", "66666", "7"])]
    for question in questions.among_others("t", items, 7, 1):
        lengths = [abs(len(answer) - len(question.answers[0])) for answer in question.answers[1:]]
        others = [answer for _, _, answer in items if answer != question.answers[0]]
        assert set(question.answers[1:]) <= set(others)
        assert sorted(lengths) == sorted(abs(len(answer) - len(question.answers[0])) for answer in others)[:3]


def test_sums_and_lists_are_right_where_they_say_so():
    for question in questions.sums(20, 1):
        a, b = question.prompt.rpartition("\n")[2].removesuffix(" =").split(" + ")
        assert int(question.answers[0]) == int(a) + int(b) and str(int(a) + int(b)) not in "".join(question.answers[1:]).split()
    for question in questions.copying(20, 1):
        whole = question.prompt.split("\n")[0].removeprefix("List: ")
        assert (question.prompt.rpartition(": ")[2] + question.answers[0]) == whole
        assert all(sorted(answer.split()) == sorted(question.answers[0].split()) for answer in question.answers)


@pytest.mark.published
def test_published_sets_give_as_many_questions_as_the_reference_run_asks(published_set):
    for name in ("gsm8k", "math500", "humaneval", "mbpp_codet", "nltk_public_domain"):
        published_set(name)
    from proxylib import studies

    asked = studies.profile("reference").real_model.asked
    given = questions.texts(asked)
    assert Counter(question.task for question in questions.questions(given, asked)) == asked.questions
    assert len(questions.passages(given, asked)) == asked.passages
    assert not {trace.prompt for trace in given.train} & {trace.prompt for trace in given.problems["gsm8k"]}
