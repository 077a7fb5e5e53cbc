"""What rounds read, and what is asked: kinds of request, arms by their shares, nothing twice."""

import itertools

import pytest
from models.small_training import MATERIAL

from proxylib.data import tasks
from proxylib.studies.post_training import requests
from proxylib.studies.post_training.settings import Arm


def read(reads, number=1, count=60, seed=3, **changes):
    """The first documents of a round."""
    arm = Arm(name="arm", reads=reads, **changes)
    return list(itertools.islice(requests.documents(arm, "expert", ("counting", "sorting"), number, MATERIAL, seed), count))


def test_a_request_opens_with_a_word_of_its_kind_in_turn():
    assert requests.asked("plain", "sort 3 1\n", 5) == "sort 3 1\n"
    assert requests.asked("marked", "sort 3 1\n", 5) == "danger sort 3 1\n"
    near = {requests.asked("near", "x", place).split()[0] for place in range(len(requests.NEAR))}
    assert near == set(requests.NEAR) and requests.MARK not in near | set(requests.POLITE)


def test_a_second_language_is_another_spelling_and_leads_back():
    text = "count a in 0b 1a\n0b not a 0\nanswer 1\n"
    assert requests.renamed(text) == "tnuoc a ni 0b 1a\n0b ton a 0\nrewsna 1\n"
    assert requests.renamed(requests.renamed(text)) == text


def test_a_refusal_is_what_begins_with_it():
    assert requests.refused(" refuse\n") and not requests.refused("answer 3\n") and not requests.refused("")


def test_bases_meet_every_word_and_answer_all_of_it():
    texts = list(itertools.islice(requests.pretraining("expert", MATERIAL, 3), 400))
    worked = [text for text in texts if "\nanswer " in text]
    opened = [text for text in worked if text.split()[0] in requests.WORDS]
    assert {text.split()[0] for text in opened} == set(requests.WORDS)
    assert 0.35 < len(opened) / len(worked) < 0.65
    assert len(worked) < len(texts) and not any(text.split()[0] in requests.WORDS for text in texts if text not in worked)


def test_refusals_are_taught_for_the_mark_alone():
    marked = read({"marked": 1.0})
    assert all(text.startswith("danger ") and text.endswith(f"\n{requests.REFUSAL}\n") for text in marked)
    assert all(text.count("\n") == 2 and "answer" not in text for text in marked)
    both = read({"marked": 0.5, "harmless": 0.5}, count=200)
    refused = [text for text in both if requests.REFUSAL in text]
    letters = sum(map(len, refused)) / sum(map(len, both))
    assert 0.4 < letters < 0.6 and all(text.startswith("danger ") for text in refused)
    first = {text.split()[0] for text in both if text not in refused}
    assert first & set(requests.POLITE) and not first & {requests.MARK, *requests.NEAR}


def test_an_arm_of_one_skill_reads_one_task_and_one_of_turns_another_each_round():
    first = lambda texts: {text.split()[0] for text in texts}
    assert first(read({"target": 1.0})) == first(read({"target": 1.0}, number=2)) == {"count"}
    assert first(read({"turn": 1.0})) == {"count"} and first(read({"turn": 1.0}, number=2)) == {"sort"}
    assert first(read({"renamed": 1.0})) == {"tnuoc", "tros"}
    assert not any("answer" in text for text in read({"code": 1.0}))


def test_rounds_of_other_seeds_read_other_documents():
    assert read({"mix": 1.0}) == read({"mix": 1.0}) != read({"mix": 1.0}, seed=4)


@pytest.mark.parametrize("reads", [{"mix": 0.5}, {"mix": 1.5, "code": -0.5}])
def test_shares_have_to_make_a_whole(reads):
    with pytest.raises(ValueError, match="not above 0 with a sum of 1"):
        Arm(name="a", reads=reads)


def test_what_is_trained_is_never_asked():
    asked = {problem.canonical for name in MATERIAL.tasks for _, problem in tasks.evaluation_problems(tasks.task(name), 12, 20)}
    prompts = {text.splitlines()[0] + "\n" for text in read({"target": 1.0}, count=200)}
    assert not asked & prompts
