"""How typical a note reads: expert notes do, whatever they say; garbled ones and silence do not."""

import numpy as np
import pytest

from proxylib.data.domains.scribe import DOMAIN
from proxylib.studies.reverse_validation.typical import BEGIN, END, NAME, NUMBER, Bigrams, pieces

NOTES = [example.note for example in DOMAIN.examples(40, 1, unseen=False)]
GIVEN = DOMAIN.rules.given
MODEL = Bigrams.fitted(NOTES, GIVEN)


def test_numbers_and_names_are_one_word_each():
    assert pieces("S: 40 m. Bado 5.5 mg\n", GIVEN) == [BEGIN, "S", ":", NUMBER, "m", ".", NAME, NUMBER, "mg", END]


def test_another_visits_note_is_as_typical_as_its_own_and_a_garbled_one_is_not():
    fresh = [example.note for example in DOMAIN.examples(20, 2, unseen=True)]
    scores = np.array([MODEL.score(note) for note in fresh])
    garbled = np.array([MODEL.score(" ".join(reversed(note.split()))) for note in fresh])
    assert (scores > garbled + 1).all() and (scores > MODEL.score("") + 1).all()


def test_the_score_is_the_mean_log_of_smoothed_shares():
    model = Bigrams.fitted(["S O", "S A"], "SOA")
    vocabulary = len({BEGIN, "S", "O", "A", END}) + 1
    wanted = np.log([(2 + 1) / (2 + vocabulary), (1 + 1) / (2 + vocabulary), (1 + 1) / (1 + vocabulary)]).mean()
    assert model.score("S O") == pytest.approx(wanted)
