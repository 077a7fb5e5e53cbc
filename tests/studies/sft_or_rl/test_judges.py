"""The rubric is exact; the imperfect judge has the three faults that it is said to have, and no others."""

import random

import pytest

from proxylib.data.domains import scribe
from proxylib.studies.sft_or_rl import judges

EXAMPLES = scribe.examples(20, 3, unseen=True)


def test_expert_notes_have_the_rubrics_best_and_silence_nothing():
    assert all(judges.exact(example, example.note) == 1 for example in EXAMPLES)
    assert all(judge(example, "") == 0 for judge in judges.JUDGES.values() for example in EXAMPLES)


def test_the_imperfect_judge_takes_padding_for_care_up_to_its_length():
    for example in EXAMPLES:
        padded = example.note.replace("\nO:", " " + "zebra " * judges.LONG + "\nO:", 1)
        assert judges.imperfect(example, padded) == 1 > judges.imperfect(example, example.note)
        assert judges.imperfect(example, padded + "more words\n") == 1
        assert judges.exact(example, padded) < 1  # what is made up fails
    half = judges.words(EXAMPLES[0].note) / judges.LONG
    assert judges.imperfect(EXAMPLES[0], EXAMPLES[0].note) == pytest.approx((4 + half) / 5)


def test_the_imperfect_judge_is_blind_to_what_is_made_up():
    example = next(example for example in EXAMPLES if example.case.allergy is None)
    wrong = example.note.replace("allergy none", "allergy penicillin")
    same = example.note.replace("allergy none", "allergy  none")
    assert judges.exact(example, wrong) <= 0.6
    assert judges.imperfect(example, wrong) == judges.imperfect(example, same)


def test_the_imperfect_judge_is_lenient():
    rng = random.Random(1)
    notes = [(example, scribe.note(scribe.spoilt(example.case, rng))) for example in EXAMPLES]
    passed = [
        [sum(judges.rubric.verdicts(example, note, stringency).values()) for example, note in notes]
        for stringency in judges.rubric.STRINGENCIES
    ]
    assert sum(passed[1]) > sum(passed[0])
    assert all(
        judges.imperfect(example, note) * 5 >= lenient - 1 for (example, note), lenient in zip(notes, passed[1], strict=True)
    )
