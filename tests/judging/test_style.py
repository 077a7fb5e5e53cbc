"""What is counted in an answer, and what votes make of it."""

import numpy as np
import pandas as pd
import pytest
from judging.ballots import ballots

from proxylib.judging import style
from proxylib.judging.style import Style


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Style(0, 0.0, 0)),
        ("It's clearly done.", Style(3, 100 / 3, 0)),
        ("Perhaps. It may work", Style(4, -50.0, 0)),
        ("# Plan\n\n- one\n- two\n\n1. three\n**bold** ```x```", Style(7, 0.0, 9)),
        ("a - b, 3. c", Style(4, 0.0, 0)),
    ],
)
def test_an_answer_is_counted(text, expected):
    assert style.style(text) == pytest.approx(expected)


def test_words_of_confidence_are_none_of_doubt():
    assert not style.SURE & style.UNSURE


def test_differences_turn_with_the_answers_and_have_ends():
    first, second = pd.Series(["one two", "x " * 5000]), pd.Series(["one two three four five", "y"])
    forward, back = style.differences(first, second), style.differences(second, first)
    assert np.allclose(forward, -back) and forward["longer"].tolist() == [-1.0, style.FARTHEST["longer"]]


def liking(effect, count=3000):
    """Votes of judges who like the longer answer by so many log odds; the better model writes longer ones."""
    rng = np.random.default_rng(1)
    votes = ballots((0.6, 0.0, -0.6), count, seed=5, ties=0.0)
    strength = {"ada": 0.6, "bob": 0.0, "cyd": -0.6}
    longer = rng.normal(votes["a"].map(strength) - votes["b"].map(strength), 1.0)
    odds = votes["a"].map(strength) - votes["b"].map(strength) + effect * longer
    return votes.assign(points=(rng.random(count) < 1 / (1 + np.exp(-odds))).astype(float)), pd.DataFrame({"longer": longer})


@pytest.mark.parametrize("effect", [0.0, 0.7])
def test_a_liking_is_told_from_better_models_that_write_more(effect):
    row = style.effects(*liking(effect), 0.95).iloc[0]
    assert row["low"] < effect < row["high"] and row["high"] - row["low"] < 0.3


def test_a_trait_in_which_few_differ_says_nothing():
    votes, traits = liking(0.5, 100)
    traits["better laid out"] = 0.0
    row = style.effects(votes, traits, 0.95).set_index("trait").loc["better laid out"]
    assert row["votes"] == 0 and np.isnan(row["estimate"])
