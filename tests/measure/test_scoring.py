"""Answers judged three ways, and pass@k."""

import itertools

import numpy as np
import pytest

from proxylib.errors import UserError
from proxylib.measure import scoring


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("take 5\nanswer 5 7 8\n", (True, True, True)),
        ("answer 5 7 8", (False, True, True)),  # no work: right, but not the reference
        ("take 5\nAnswer: 5, 7, 8.\n", (False, False, True)),
        ("take 5\nanswer\n5 7 8\n", (False, False, True)),
        ("so it is 5 7 8", (False, False, True)),
        ("answer 5 7 8\nanswer 5 8 7\n", (False, False, False)),  # the last counts
        ("answer 5 7\n", (False, False, False)),
        ("answer 5 7 8 9\n", (False, False, False)),
        ("5 7 8 are given\n", (False, False, False)),  # mentioned, not said
        ("answer 15 7 8\n", (False, False, False)),
        ("", (False, False, False)),
        ("answer", (False, False, False)),
    ],
)
def test_scorers_from_strict_to_lenient(text, verdicts):
    sides = {"whole text": "take 5\nanswer 5 7 8\n", "final value": "5 7 8", "lenient": "5 7 8"}
    got = tuple(scoring.SCORERS[name](side, text) for name, side in sides.items())
    assert got == verdicts
    assert list(got) == sorted(got)  # what a strict scorer passes, a lenient one does


def test_an_empty_answer_matches_nothing():
    assert not scoring.lenient("", "anything") and not scoring.lenient("--", "answer --")


@pytest.mark.parametrize(("n", "c", "k"), [(4, 0, 2), (4, 1, 1), (4, 1, 2), (5, 3, 2), (5, 3, 3), (4, 4, 4), (4, 1, 4)])
def test_pass_at_k_is_the_share_of_all_choices_that_hold_a_right_one(n, c, k):
    draws = list(itertools.combinations([True] * c + [False] * (n - c), k))
    assert scoring.pass_at_k([n], [c], k) == pytest.approx([np.mean([any(draw) for draw in draws])])


def test_pass_at_k_is_unbiased_where_the_usual_shortcut_is_not():
    rng = np.random.default_rng(0)
    p, n, k = 0.2, 5, 3
    right = rng.binomial(n, p, size=20_000)
    truth = 1 - (1 - p) ** k
    assert scoring.pass_at_k(np.full(right.shape, n), right, k).mean() == pytest.approx(truth, abs=0.01)
    assert (1 - (1 - right / n) ** k).mean() < truth - 0.03


@pytest.mark.parametrize("k", [0, 3])
def test_more_than_was_drawn_is_refused(k):
    with pytest.raises(UserError, match=rf"pass@{k}: needs at least"):
        scoring.pass_at_k([4, 2], [1, 1], k)
