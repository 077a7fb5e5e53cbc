"""Overlap of words, against closed forms."""

import pytest

from proxylib.studies.real_notes import overlap


def test_rouge_is_as_defined():
    note, reference = "the cat sat on the mat", "the cat was on a mat"
    assert overlap.rouge_n(note, reference) == pytest.approx((4 / 6, 4 / 6, 4 / 6))  # the, cat, on, mat; one "the" of two
    assert overlap.rouge_n(note, reference, 2) == pytest.approx((1 / 5, 1 / 5, 1 / 5))
    assert overlap.rouge_l(note, reference) == pytest.approx(4 / 6)
    assert overlap.rouge_l("a b c d", "d c b a") == pytest.approx(1 / 4)  # order counts
    assert overlap.rouge_n("a b", "a b c d")[:2] == (1.0, 0.5)
    assert overlap.rouge_n("", "a") == (0, 0, 0) and overlap.rouge_n("a", "a", 2) == (0, 0, 0)


def test_content_leaves_function_words_out_and_keeps_negations_and_numbers():
    assert overlap.content("The patient is not on 2.5 mg of two drugs") == {"patient", "not", "2.5", "mg", "two", "drugs"}
    assert overlap.covered("cough", "a cough and no fever") == pytest.approx(1 / 3)
    assert overlap.covered("cough", "the") == 1.0
    assert overlap.supported("fever and rash", "I have a rash") == 0.5
    assert overlap.supported("", "I have a rash") == 1.0


def test_numbers_and_negations_count_as_often_as_they_stand():
    assert overlap.exact("no no cough", "no cough") == pytest.approx(2 / 3)
    assert overlap.exact("12 pills", "13 pills") == 0.0
    assert overlap.exact("cough", "fever") == 1.0


def test_every_metric_prefers_the_expert_note_to_another():
    reference, dialogue = "No fever. Takes 5 mg.", "no fever i take 5 mg"
    best, other = (overlap.metrics(note, reference, dialogue) for note in (reference, "Rash since 7 days."))
    assert all(best[name] > other[name] for name in best if name != overlap.BREVITY)
    assert best[overlap.BREVITY] == -5
