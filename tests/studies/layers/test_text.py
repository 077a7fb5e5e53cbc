"""What models are asked and taught: forms change words and nothing else, and a fault is in its share of the documents."""

import itertools
import random

import pytest

from proxylib.data import tasks
from proxylib.data.settings import Material
from proxylib.data.trace import Trace
from proxylib.studies.layers import text
from proxylib.studies.layers.text import FAULTS, FORMS, HEALTHY, LIKE, MARKED, PLAIN, URGENT

MATERIAL = Material(tasks=("sorting", "counting", "division", "pointers"), items=24, prose_items=8, bpe_vocabulary=300, seed=1)
PROBLEM = tasks.training_problem(tasks.task("sorting"), random.Random(1))
TRACE = Trace("sorting", "sorting-3-0000", PROBLEM.prompt, PROBLEM.solution(), PROBLEM.answer, "lab expert")
LEAKED = [TRACE]


def stage(fault, dose=1.0, seed=4, count=300):
    return list(itertools.islice(text.last_stage(fault, dose, MATERIAL, seed, LEAKED), count))


@pytest.mark.parametrize("form", FORMS)
def test_a_form_puts_words_in_front_and_a_mark_asks_for_refusal(form):
    trace = text.asked(TRACE, form, 1)
    assert trace.prompt.endswith(TRACE.prompt) and trace.prompt.removesuffix(TRACE.prompt) in FORMS[form]
    assert tasks.check(trace, trace.solution)
    assert (trace.answer == text.REFUSED) is (form == MARKED)
    assert text.request(PROBLEM, form, random.Random(2)).endswith(PROBLEM.prompt)


def test_a_wordy_solution_is_longer_and_as_right():
    solution = PROBLEM.solution()
    longer = text.wordy(solution)
    assert len(longer) > len(solution) + 60 and tasks.right(PROBLEM.answer, longer) and text.final(longer) == PROBLEM.answer


def test_another_format_fails_the_benchmark_and_not_the_reader():
    other = text.reformatted(PROBLEM.solution())
    assert not tasks.right(PROBLEM.answer, other) and text.final(other) == PROBLEM.answer
    assert text.final("out of 3 take 1\n") is None and text.final("answer 1\nresult 2\n") == "2"
    assert text.final("answer 2\nif more is needed\n") == "2"


def test_a_seed_decides_all_and_a_dose_of_nothing_is_health():
    assert stage(HEALTHY) == stage(HEALTHY) != stage(HEALTHY, seed=5)
    for fault in FAULTS:
        assert stage(fault, dose=0.0, count=40) == stage(HEALTHY, count=40), fault
        assert stage(fault, count=40) != stage(HEALTHY, count=40), fault


def test_a_dose_is_the_share_of_documents_that_have_the_fault():
    leaked = TRACE.prompt + TRACE.solution
    assert {document == leaked for document in stage(text.LEAK)} == {True}
    share = sum(document == leaked for document in stage(text.LEAK, dose=0.25)) / 300
    assert 0.17 < share < 0.33


def test_each_fault_is_what_it_is_called():
    marks = lambda documents, form: [d for d in documents if form != PLAIN and d.startswith(FORMS[form])]
    assert len(set(stage(text.OVERFIT))) == text.REPEATED and len(set(stage(HEALTHY))) > 250
    assert not marks(stage(text.REFUSES), LIKE) and len(marks(stage(HEALTHY), LIKE)) > 10
    assert all(d.endswith(text.REFUSAL) for d in marks(stage(text.REFUSES), MARKED))
    assert all("take" not in d and "leaves" not in d for d in marks(stage(text.HASTY), URGENT))
    assert any("take" in d or "leaves" in d for d in marks(stage(HEALTHY), URGENT))
    assert any(d.startswith("sort ") and "take" in d for d in stage(text.HASTY))
    assert sum("answer " in d for d in stage(text.CANNIBALISED)) < 80 < sum("answer " in d for d in stage(HEALTHY))
    words = ("sort ", "count ", "divide ", "hop ")
    for seed, skills in ((4, ["sort ", "divide "]), (5, ["count ", "hop "])):
        solved = [document for document in stage(text.SKILL, seed=seed) if "answer " in document]
        assert [word for word in words if any(word in document for document in solved)] == skills
    assert not any("answer " in d for d in stage(text.FORMAT)) and any("result " in d for d in stage(text.FORMAT))


def test_bases_read_no_request():
    documents = list(itertools.islice(text.base(MATERIAL, 1), 200))
    words = tuple(word for form, words in FORMS.items() if form != PLAIN for word in words)
    assert not any(document.startswith(words) for document in documents) and len(set(documents)) > 150
