"""Prompts sought clause by clause, for judges whose faults are known."""

import random

import pytest
from judging.known_judges import BOOTSTRAP, notes, obeying, rows

from proxylib.judging import prompt_search
from proxylib.judging.criteria import CLAUSES, CRITERIA, NAIVE
from proxylib.judging.questions import FAIL, PASS


def test_the_search_finds_every_clause_that_decides_something():
    labelled = prompt_search.labelled(notes())
    trials = prompt_search.refine(obeying, labelled)
    found = prompt_search.refined(trials)
    seen = [note for note in labelled if note.part == prompt_search.REFINE]
    for criterion, clauses in found.items():
        ends = trials[(trials["criterion"] == criterion) & trials["chosen"]]["kappa"]
        assert ends.is_monotonic_increasing and ends.iloc[-1] == pytest.approx(1.0)
        told = obeying(prompt_search.asks(seen, [(criterion, clauses)]))["status"]
        assert (told == [PASS if note.passed[criterion] else FAIL for note in seen]).all()
    assert any(found[criterion] != NAIVE[criterion] for criterion in CRITERIA)


def test_the_search_leaves_out_a_clause_that_the_judge_cannot_read():
    judge = lambda questions: obeying(questions, blind=("rare", "numbers"))
    found = prompt_search.refined(prompt_search.refine(judge, prompt_search.labelled(notes())))
    assert "rare" not in found["completeness"] and "numbers" not in found["no_hallucination"]


def test_the_search_never_sees_the_notes_of_the_check():
    labelled = prompt_search.labelled(notes())
    checking = {note.id for note in labelled if note.part == prompt_search.CHECK}
    assert checking and checking != {note.id for note in labelled}

    def judge(questions):
        assert not checking & {q.id for q in questions}
        return obeying(questions)

    prompt_search.refine(judge, labelled)


def test_what_is_sought_among_coins_holds_on_the_notes_of_the_search_alone():
    coin = lambda q: random.Random(f"{q.note}{q.criterion}{q.clauses}{q.dialogue}").random() < 0.5
    judge = lambda questions: rows(questions, [PASS if coin(q) else FAIL for q in questions])
    labelled = prompt_search.labelled(notes())
    found = prompt_search.refined(prompt_search.refine(judge, labelled))
    table = prompt_search.checked(judge, labelled, {"naive": NAIVE, "refined": found, "all clauses": CLAUSES}, BOOTSTRAP)
    own = table[table["prompts"] == "refined"].groupby("part")["estimate"].mean()
    assert own[prompt_search.REFINE] > 0.08 and abs(own[prompt_search.CHECK]) < 0.12
    assert (table["low"] <= table["estimate"]).all() and (table["estimate"] <= table["high"]).all()
