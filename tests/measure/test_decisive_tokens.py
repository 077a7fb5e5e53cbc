"""Decisive tokens and what a checkpoint makes of them, by hand on small cases."""

import numpy as np
import pandas as pd

from proxylib.measure import decisive_tokens, proxies


def token_rows(pieces, task="t", name="a", nll=0.1):
    """Rows of a trace cut into `pieces`."""
    starts = np.cumsum([0, *(len(piece) for piece in pieces[:-1])])
    rows = pd.DataFrame({"task": task, "id": name, "position": range(len(pieces)), "offset": starts})
    rows["token"] = [hash(piece) % 97 for piece in pieces]
    return rows.assign(n_bytes=[len(p) for p in pieces], nll=nll, entropy=0.5, n_greater=0, n_equal=1, p_max=0.9)


def test_a_token_is_decisive_if_it_overlaps_a_span_and_not_if_it_touches_it():
    rows = token_rows(["1+", "1", "=", " 2", "\n", "answer", " 2", "\n"])
    texts = pd.Series({("t", "a"): "1+1= 2\nanswer 2\n"})
    spans = pd.DataFrame({"task": "t", "id": "a", "start": [5, 14], "stop": [6, 15]})
    assert decisive_tokens.is_decisive(rows, spans, texts).tolist() == [False] * 3 + [True] + [False] * 2 + [True, False]


def test_two_tokens_inside_one_character_are_both_decisive():
    rows = token_rows(["a", "é", "é"]).assign(offset=[0, 1, 1])
    spans = pd.DataFrame({"task": "t", "id": "a", "start": [1], "stop": [2]})
    assert decisive_tokens.is_decisive(rows, spans, pd.Series({("t", "a"): "aé"})).tolist() == [False, True, True]


def test_observed_by_hand():
    rows = token_rows(["x", "1", "y", "2"]).assign(n_greater=[0, 0, 3, 1], nll=[0.0, np.log(2), 1.0, np.log(4)])
    seen = decisive_tokens.observed(rows, np.array([False, True, False, True]), 50).loc[("t", "a")]
    assert (seen["decisive"], seen["other"], seen["n_decisive"], seen["n_other"]) == (1, 1, 2, 2)
    assert (seen["p_decisive"], seen["p_other"]) == (38, 68)  # percent: of 1/2 and 1/4; of 1 and 1/e


def test_a_single_trace_says_at_each_place_what_is_commonest_there():
    rows = token_rows(["x", "1", "y", "2"])
    assert decisive_tokens.guessed(rows, np.array([False, True, False, True])).loc[("t", "a")] == 2


def test_the_guess_is_the_commonest_token_of_each_step_over_a_task():
    traces = [token_rows(["x", "y"], name=name) for name in "abc"] + [token_rows(["x", "y"], task="u", name="a")]
    rows = pd.concat(traces, ignore_index=True)
    rows["token"] = [1, 5, 1, 6, 2, 6, 3, 5]  # first step: 1 is commonest; second: 6; the other task has its own
    assert decisive_tokens.guessed(rows, np.ones(8, bool)).tolist() == [1, 2, 1, 2]
    assert decisive_tokens.guessed(rows, np.array([True, False] * 4)).tolist() == [1, 1, 0, 1]


def test_the_answer_is_no_step():
    spans = pd.DataFrame({"task": "t", "id": list("aabbb"), "start": [1, 9, 1, 5, 9], "stop": [2, 10, 2, 6, 10]})
    assert decisive_tokens.steps_of(spans)[["id", "start"]].to_numpy().tolist() == [["a", 1], ["b", 1], ["b", 5]]


def test_the_case_study_keeps_the_text_and_scales_weights_to_a_mean_of_one():
    text = "1+1=2\n"
    rows = pd.concat([token_rows(list(text), nll=[0.1, 0.2, 0.3, 0.1, 2.0, 0.1]), token_rows(list(text), name="b")])
    texts = pd.Series({("t", "a"): text, ("t", "b"): text})
    shown = decisive_tokens.case_study(rows.reset_index(drop=True), np.zeros(12, bool), 50, texts)
    assert "".join(shown["text"]) == text and set(shown["id"]) == {"a"}
    assert np.allclose(shown[list(proxies.WEIGHTINGS)].mean(), 1)
