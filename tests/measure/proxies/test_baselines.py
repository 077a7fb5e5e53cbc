"""Baselines by hand: bits per byte, the ratio of rank and surprisal, rBridge."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measure.proxies.token_rows import HAND, L, rows_of, segmented, series

from proxylib.errors import UserError
from proxylib.measure import proxies


def test_bits_per_byte_of_a_uniform_model_over_bytes_is_eight():
    tokens = rows_of(np.zeros((50, 256)), np.arange(50))
    assert proxies.bits_per_byte(tokens).tolist() == pytest.approx([8], rel=1e-6)


def test_bits_per_byte_pools_nats_and_bytes_of_a_task():
    tokens = pd.concat([HAND, HAND.assign(id="2", nll=0.0, n_bytes=10), HAND.assign(task="u", n_bytes=1)])
    assert proxies.bits_per_byte(tokens).to_dict() == pytest.approx({"t": 6 / 36, "u": 6 / 3})


def test_the_rank_surprisal_ratio_by_hand():
    # ranks 1 2 4 over 2 L a token; then one token of rank 100, clipped, that costs 10 nats
    tokens = pd.concat([HAND, HAND.iloc[:1].assign(id="2", n_greater=400, n_equal=7, nll=10.0), HAND.assign(task="a")])
    found = proxies.rank_surprisal_ratio(tokens)
    assert found.index.tolist() == ["t", "a"] and found.name == "rank_surprisal_ratio"
    assert found.tolist() == pytest.approx([((7 / 3 + 100) / 2) / ((2 * L + 10) / 2), 7 / 3 / (2 * L)])


def test_the_rank_surprisal_ratio_of_a_certain_model_is_infinite():
    assert proxies.rank_surprisal_ratio(HAND.assign(nll=0.0)).tolist() == [math.inf]


def cut(text, pieces, nll, trace="1", task="t"):
    """Rows of given pieces of a text; an empty piece is a further token inside the character before it."""
    offsets, start = [], 0
    for piece in pieces:
        assert text.startswith(piece, start)
        offsets.append(start if piece else offsets[-1])
        start += len(piece)
    frame = {"task": task, "id": trace, "position": np.arange(len(pieces)), "offset": offsets, "nll": np.float32(nll)}
    return pd.DataFrame(frame)


BRIDGE = "a1 b2\nanswer 3\n"
EXPERT = cut(BRIDGE, ["a1", " b", "2\n", "answer 3\n"], -np.log([0.5, 0.25, 0.125, 1.0]))
CANDIDATE = cut(BRIDGE, ["a", "1 b", "2", "\n", "answer", " 3\n"], [1, 2, 3, 50, 60, 70])
# weights: a 0.5; 1 and b together 0.375; 2 0.125; the rest has no letter of the reasoning. Stretched: 1, 2/3, 0.
BRIDGE_VALUE = (1 + 2 / 3 * 2 + 0) / 3


def bridge(candidate, expert=EXPERT, text=BRIDGE):
    return proxies.rbridge(candidate, expert, series({("t", "1"): text}))


def test_rbridge_by_hand_over_two_tokenizations():
    found = bridge(CANDIDATE)
    assert found.to_dict() == pytest.approx({"t": BRIDGE_VALUE}) and found.name == "rbridge"


def test_rbridge_does_not_see_the_answer():
    assert bridge(CANDIDATE.assign(nll=[1, 2, 3, 50, 0, 0]))["t"] == pytest.approx(BRIDGE_VALUE)
    # a token that reaches into the answer's line has no letter there
    joined = cut(BRIDGE, ["a", "1 b", "2", "\nanswer", " 3\n"], [1, 2, 3, 60, 70])
    assert bridge(joined)["t"] == pytest.approx(BRIDGE_VALUE)
    # only the last answer's line is one, and only as a line
    text = "answer 1\nmy answer 2\nanswer 3\n"
    rows = cut(text, ["answer", " 1\nmy answer ", "2\n", "answer 3\n"], [1, 1, 1, 9])
    assert bridge(rows, rows.assign(nll=np.float32([1, 1, 1, 9])), text)["t"] == pytest.approx(1)


def test_rbridge_weights_are_one_where_the_expert_is_as_sure_of_everything():
    even = EXPERT.assign(nll=-np.log([0.3, 0.3, 0.3, 1.0]))
    assert bridge(CANDIDATE, even)["t"] == pytest.approx((1 + 2 + 3) / 3)
    # float32 rounding is no difference
    assert bridge(CANDIDATE, even.assign(nll=even["nll"] * [1, 1 + 1e-7, 1, 1]))["t"] == pytest.approx(2)


def test_rbridge_takes_tokens_inside_one_character_together():
    text = "é1 2\n"
    # the expert spells the first letter in two tokens, 0.8 and 0.5; so does the candidate, and both of its tokens count
    expert = cut(text, ["é", "", "1", " 2\n"], -np.log([0.8, 0.5, 0.6, 0.2]))
    candidate = cut(text, ["é", "", "1", " 2", "\n"], [1, 2, 3, 4, 9])
    # weights 0.4 0.4 0.6 0.2, stretched 0.5 0.5 1 0
    assert bridge(candidate, expert, text)["t"] == pytest.approx((0.5 * 1 + 0.5 * 2 + 1 * 3 + 0) / 4)


def test_rbridge_leaves_out_letters_that_the_expert_never_scored():
    late = EXPERT.iloc[1:]  # its beginning was truncated: only b, 0.25, and 2, 0.125, have a probability
    assert bridge(CANDIDATE, late)["t"] == pytest.approx((1 * 2 + 0 * 3) / 2)


def test_rbridge_averages_items_and_leaves_out_those_without_reasoning():
    texts = series({("t", "1"): BRIDGE, ("t", "2"): "77\n", ("t", "3"): "answer 3\n", ("z", "1"): "answer 3\n"})
    rows = lambda trace, task="t": cut("answer 3\n", ["answer 3\n"], [5], trace, task)
    rest = [cut("77\n", ["7", "7\n"], [4, 6], "2"), rows("3"), rows("1", "z")]
    found = proxies.rbridge(pd.concat([CANDIDATE, *rest]), pd.concat([*rest[::-1], EXPERT, rows("unused")]), texts)
    # in the second trace the expert's 4 nats are its more certain: weights 1 and 0
    assert found.to_dict() == pytest.approx({"t": (BRIDGE_VALUE + 4 / 2) / 2, "z": math.nan}, nan_ok=True)


def test_rbridge_refuses_traces_that_are_missing_and_texts_that_do_not_fit():
    other = CANDIDATE.assign(id="2")
    with pytest.raises(UserError, match="expert tokens: trace t/1 is missing"):
        bridge(CANDIDATE, EXPERT.assign(id="2"))
    with pytest.raises(UserError, match="texts: trace t/2 is missing"):
        bridge(other, other)
    with pytest.raises(UserError, match="trace t/1 has a token beyond its end"):
        bridge(CANDIDATE, EXPERT, BRIDGE[:9])


def bridge_loops(candidate, expert, text):
    """rBridge of one trace, letter by letter; None without a letter."""
    end = max((m.start() for m in re.finditer("^answer ", text, re.M)), default=len(text))
    reach = lambda rows, r: min([other["offset"] for other in rows if other["offset"] > r["offset"]], default=len(text))
    probability = {}
    for r in expert:
        for place in range(r["offset"], reach(expert, r)):
            probability[place] = probability.get(place, 1.0) * math.exp(-r["nll"])
    w, nll = [], []
    for r in candidate:
        own = [probability[c] for c in range(r["offset"], min(end, reach(candidate, r))) if text[c].isalnum()]
        if own:
            w.append(sum(own) / len(own))
            nll.append(r["nll"])
    if not w:
        return None
    if max(w) - min(w) < 1e-6:
        return sum(nll) / len(nll)
    return sum((a - min(w)) / (max(w) - min(w)) * x for a, x in zip(w, nll, strict=True)) / len(w)


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10_000), lines=st.lists(st.text("ab1 é", max_size=6), min_size=1, max_size=4))
def test_rbridge_agrees_with_plain_loops(seed, lines):
    rng = np.random.default_rng(seed)
    texts = {("t", "1"): "".join(f"{line}\n" for line in [*lines, "answer 12"]), ("t", "2"): "".join(lines[::-1]) + ".\n"}
    both = [pd.concat([segmented(text, rng, *key) for key, text in texts.items()]) for _ in range(2)]
    records = [rows.to_dict("records") for rows in both]
    parts = [bridge_loops(*([r for r in rows if r["id"] == key[1]] for rows in records), texts[key]) for key in texts]
    values = [value for value in parts if value is not None]
    expected = sum(values) / len(values) if values else math.nan
    assert proxies.rbridge(*both, series(texts))["t"] == pytest.approx(expected, rel=1e-9, nan_ok=True)
