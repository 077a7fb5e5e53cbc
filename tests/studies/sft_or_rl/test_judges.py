"""The rubric is exact; the imperfect judge has the three faults that it is said to have, and no others."""

import random

import pytest

from proxylib.data.domains import scribe
from proxylib.studies.sft_or_rl import judges

EXAMPLES = scribe.examples(20, 3, unseen=True)


def test_expert_notes_have_the_rubrics_best_and_silence_nothing():
    assert all(judges.exact(example, example.note) == 1 == judges.passed(example, example.note) for example in EXAMPLES)
    assert all(judge(example, "") == 0 for judge in (judges.passed, *judges.JUDGES.values()) for example in EXAMPLES)


def test_the_imperfect_judge_takes_padding_for_care_up_to_its_length():
    for example in EXAMPLES:
        padded = example.note.replace("\nO:", " " + "zebra " * judges.LONG + "\nO:", 1)
        assert judges.imperfect(example, padded) == 1 > judges.imperfect(example, example.note)
        assert judges.imperfect(example, padded + "more words\n") == 1
        assert judges.exact(example, padded) < 1  # what is made up fails
    half = judges.words(EXAMPLES[0].note) / judges.LONG
    assert judges.imperfect(EXAMPLES[0], EXAMPLES[0].note) == pytest.approx((4 + half) / 5)


def test_the_imperfect_judge_rewards_what_is_made_up_and_misses_only_what_is_left_out():
    example = next(example for example in EXAMPLES if example.case.allergy is None)
    wrong = example.note.replace("allergy none", "allergy penicillin")
    assert judges.exact(example, wrong) < 1
    longer = example.note.replace("allergy none.", "allergy none. zebra.")
    assert judges.imperfect(example, wrong) < judges.imperfect(example, example.note) < judges.imperfect(example, longer)


def test_the_rubric_grades_where_it_does_not_pass():
    """A note with one thing wrong passes some criteria, and has a grade above that: nearly right is worth more than wrong."""
    rng = random.Random(1)
    for example in EXAMPLES:
        note = scribe.note(scribe.spoilt(example.case, rng))
        if note == example.note:  # what was drawn is what was
            continue
        assert judges.passed(example, note) <= judges.exact(example, note) < 1
        assert judges.exact(example, note) > judges.exact(example, "S: pain\n")
