"""Rows of tokens: windows as cut by hand, words counted, short traces named."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measure.proxies.token_rows import FEW, HAND, V, population, rows_of, series

from proxylib.errors import UserError
from proxylib.measure import proxies


def test_words_are_counted_in_the_texts_of_a_task():
    texts = series({("t", "1"): "ab cd  ab\n", ("t", "2"): "ab", ("u", "1"): "ab cd", ("t", "unused"): "zz zz"})
    rows = [
        ("t", "1", 0),
        ("t", "1", 1),
        ("t", "1", 2),
        ("t", "1", 5),
        ("t", "1", 6),
        ("t", "1", 9),
        ("t", "2", 1),
        ("u", "1", 3),
    ]
    tokens = pd.DataFrame(rows, columns=["task", "id", "offset"])
    # task t without the unused trace: ab three times, cd once, and the white space that ends the first text
    expected = [3 / 5, 3 / 5, 1 / 5, 3 / 5, 3 / 5, 1 / 5, 3 / 5, 1 / 2]
    assert proxies.with_word_frequency(tokens, texts)["word_frequency"].tolist() == pytest.approx(expected)


def test_word_frequencies_must_be_there_and_their_texts_must_fit():
    tokens, texts = population(13)
    with pytest.raises(UserError, match="with_word_frequency"):
        proxies.by_task(tokens, V, proxies.Definition(frequency_source="text"))
    with pytest.raises(UserError, match="texts: trace task0/0 is missing"):
        proxies.with_word_frequency(tokens, texts.drop(("task0", "0")))
    with pytest.raises(UserError, match="trace task1/1 has a token beyond its end"):
        proxies.with_word_frequency(tokens, texts.where(texts.index != ("task1", "1"), "short"))


def test_short_traces_are_named():
    tokens = pd.concat([HAND, HAND.iloc[:2].assign(id="2"), HAND.iloc[:2].assign(task="u")])
    assert proxies.short_traces(tokens, 3).tolist() == [("t", "2"), ("u", "1")]
    assert proxies.short_traces(tokens, 2).tolist() == []
    seven, eight = (rows_of(np.zeros((n, V)), [0] * n, trace=str(n)) for n in (7, 8))
    assert proxies.short_traces(pd.concat([eight, seven])).tolist() == [("t", "7")]


TEXT = "0123456789"
COARSE = HAND.iloc[[0] * 4].assign(position=[3, 4, 5, 6], offset=[0, 1, 4, 8])  # tokens 0 | 123 | 4567 | 89
BY_WINDOW = {
    "all": [0, 1, 4, 8],
    "last half": [4, 8],
    "last quarter": [8],
    "last tenth": [8],
    "first half": [0, 1],
    "last half of the characters": [8],  # from character 5 on; the token that character 4 opens lies before it
    "last quarter of the characters": [8],  # 2.5 characters are rounded up to 3
    "last tenth of the characters": [8],  # no token begins at character 9: the last one stands in
    "first half of the characters": [0, 1, 4],
}


@pytest.mark.parametrize("name", list(proxies.WINDOWS))
def test_a_window_as_cut_by_hand(name):
    found = proxies.windowed(COARSE, proxies.WINDOWS[name], series({("t", "1"): TEXT}))
    assert found["offset"].tolist() == BY_WINDOW[name]


def test_the_edge_of_a_window_of_characters():
    texts = series({("t", "1"): TEXT})
    of = lambda *window: proxies.windowed(COARSE, proxies.Window(*window, "characters"), texts)["offset"].tolist()
    assert of("last", 0.6) == [4, 8] and of("last", 0.59) == [4, 8] and of("last", 0.5) == [8]
    assert of("first", 0.4) == [0, 1] and of("first", 0.41) == [0, 1, 4]
    late = COARSE.iloc[2:]  # its beginning was truncated: nothing begins in the first tenth
    assert proxies.windowed(late, proxies.Window("first", 0.1, "characters"), texts)["offset"].tolist() == [4]


@FEW
@given(
    seed=st.integers(0, 10_000),
    side=st.sampled_from(["last", "first"]),
    share=st.sampled_from([1.0, 0.7, 0.5, 0.3, 0.25, 0.1]),
    unit=st.sampled_from(["tokens", "characters"]),
)
def test_windows_agree_with_plain_loops(seed, side, share, unit):
    tokens, texts = population(seed, ((70, 3), (1, 20)))
    found = proxies.windowed(tokens.sample(frac=1, random_state=seed), proxies.Window(side, share, unit), texts)
    expected = set()
    for (task, trace), text in texts.items():
        rows = [r for r in tokens.to_dict("records") if (r["task"], r["id"]) == (task, trace)]
        percent = round(100 * share)
        ceil = lambda length, percent=percent: -(-length * percent // 100)
        if unit == "tokens":
            n = ceil(len(rows))
            kept = rows[-n:] if side == "last" else rows[:n]
        elif side == "last":
            kept = [r for r in rows if r["offset"] >= len(text) - ceil(len(text))] or rows[-1:]
        else:
            kept = [r for r in rows if r["offset"] < ceil(len(text))]
        expected |= {(task, trace, r["position"]) for r in kept}
    assert set(found[["task", "id", "position"]].itertuples(index=False, name=None)) == expected
    assert len(found) == len(expected)


def test_a_window_of_characters_is_the_same_text_for_every_tokenizer():
    text = "ab12" * 50
    bytes_, longer = rows_of(np.zeros((200, V)), [0] * 200), rows_of(np.zeros((50, V)), [0] * 50)
    longer = longer.assign(offset=longer["offset"] * 4)
    begins = lambda rows, name: proxies.windowed(rows, proxies.WINDOWS[name], series({("t", "1"): text}))["offset"].min()
    assert begins(bytes_, "last quarter of the characters") == 150 and begins(longer, "last quarter of the characters") == 152


def test_a_share_that_is_a_whole_number_of_tokens_is_not_rounded_up():
    tokens = rows_of(np.zeros((100, V)), [0] * 100)
    assert 0.55 * 100 > 55  # in floating point
    assert len(proxies.windowed(tokens, proxies.Window(share=0.55))) == 55


def test_frequencies_are_counted_inside_the_window():
    tokens = proxies.windowed(HAND, proxies.Window(share=2 / 3))
    assert proxies.weights(tokens, 4)["frequency"].tolist() == [0.5, 0.5]


def test_a_window_of_characters_needs_texts_that_fit():
    window = proxies.WINDOWS["last half of the characters"]
    with pytest.raises(UserError, match="texts: needed here"):
        proxies.windowed(COARSE, window)
    with pytest.raises(UserError, match="trace t/1 has a token beyond its end"):
        proxies.windowed(COARSE, window, series({("t", "1"): TEXT[:8]}))
