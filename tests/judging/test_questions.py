"""A judge that remembers."""

import pandas as pd

from proxylib.judging.criteria import CRITERIA
from proxylib.judging.questions import COLUMNS, Ask, remembering


def test_a_remembering_judge_is_asked_each_question_once():
    put = []

    def judge(questions):
        put.extend(questions)
        rows = [(*q[:2], q.repeat, "pass", "", "", q.note, 1, 1) for q in questions]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    ask = remembering(judge)
    questions = [Ask(f"n{number}", CRITERIA[number % 5], "d: hello", f"note {number}") for number in range(6)]
    assert list(ask([*questions, *questions])["text"]) == [q.note for q in questions] * 2
    assert list(ask(questions[::-1])["text"]) == [q.note for q in questions[::-1]] and put == questions
