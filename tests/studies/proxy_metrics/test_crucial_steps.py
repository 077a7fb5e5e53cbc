"""Decisive tokens and who is earlier: by hand on small cases, and against simulated training with a known lead."""

import numpy as np
import pandas as pd
import pytest

from proxylib.stats import Bootstrap
from proxylib.studies.proxy_metrics import crucial_steps

BOOTSTRAP = Bootstrap(draws=300, level=0.95, seed=1)


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
    assert crucial_steps.is_decisive(rows, spans, texts).tolist() == [False] * 3 + [True] + [False] * 2 + [True, False]


def test_two_tokens_inside_one_character_are_both_decisive():
    rows = token_rows(["a", "é", "é"]).assign(offset=[0, 1, 1])
    spans = pd.DataFrame({"task": "t", "id": "a", "start": [1], "stop": [2]})
    assert crucial_steps.is_decisive(rows, spans, pd.Series({("t", "a"): "aé"})).tolist() == [False, True, True]


def test_observed_by_hand():
    rows = token_rows(["x", "1", "y", "2"]).assign(n_greater=[0, 0, 3, 1], nll=[0.0, np.log(2), 1.0, np.log(4)])
    rows["token"] = [5, 7, 5, 8]
    seen = crucial_steps.observed(rows, np.array([False, True, False, True]), 50).loc[("t", "a")]
    assert seen["decisive"] == 0.5 and seen["other"] == 0.5 and seen["whole"] == 0
    assert seen["probability"] == pytest.approx((0.5 + 0.25) / 2) and seen["n_decisive"] == 2
    assert seen["guess"] == 1  # a single trace says at each place what is commonest there


def test_the_guess_is_the_commonest_token_of_each_step_over_a_task():
    traces = [token_rows(["x", "y"], name=name) for name in "abc"] + [token_rows(["x", "y"], task="u", name="a")]
    rows = pd.concat(traces, ignore_index=True)
    rows["token"] = [1, 5, 1, 6, 2, 6, 3, 5]  # first step: 1 is commonest; second: 6; the other task has its own
    seen = crucial_steps.observed(rows, np.ones(8, bool), 50)["guess"]
    assert seen.tolist() == [0.5, 1.0, 0.5, 1.0]
    nowhere = crucial_steps.observed(rows, np.array([True, False] * 4), 50)["guess"]
    assert nowhere.tolist() == [1.0, 1.0, 0.0, 1.0]


def test_the_answer_is_no_step():
    spans = pd.DataFrame({"task": "t", "id": list("aabbb"), "start": [1, 9, 1, 5, 9], "stop": [2, 10, 2, 6, 10]})
    assert crucial_steps.steps_of(spans)[["id", "start"]].to_numpy().tolist() == [["a", 1], ["b", 1], ["b", 5]]


def test_half_way_is_interpolated_on_log_tokens_and_undefined_without_a_rise():
    tokens = np.array([1.0, 10.0, 100.0])
    values = np.array([[0.0, 1.0, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 1.0]])
    assert crucial_steps.half_way(tokens, values)[[0, 2]] == pytest.approx([10**1.5, 10.0])
    assert np.isnan(crucial_steps.half_way(tokens, values)[1])


def simulated(lead, items=80, steps=12, seed=0):
    """Problems whose decisive agreement is half-way at 100 tokens and whose answers are at 100 times `lead`."""
    rng = np.random.default_rng(seed)
    tokens = np.geomspace(1, 10_000, steps)
    rows = []
    for task in "ab":
        for name in range(items):
            for step, seen in enumerate(tokens):
                curve = lambda middle, seen=seen: 1 / (1 + (middle / seen) ** 3)
                row = {"step": step, "tokens": seen, "task": task, "id": str(name)}
                row |= {"decisive": curve(100), "other": 1.0 - 0.5 / (1 + seen), "guess": 0.1, "probability": 0.5}
                row |= {"whole": float(rng.random() < curve(100)), "correct": rng.random() < curve(100 * lead)}
                rows.append(row)
    return pd.DataFrame(rows)


@pytest.mark.parametrize("lead", [1.0, 4.0])
def test_a_known_lead_is_recovered_and_covered(lead):
    found = crucial_steps.lead(simulated(lead), BOOTSTRAP).query("task == 'mean'").set_index("signal").loc["decisive"]
    assert found["estimate"] == pytest.approx(lead, rel=0.25)
    assert found["low"] < lead < found["high"] and found["n"] == 2


def test_a_task_whose_accuracy_does_not_rise_is_left_out():
    traces = simulated(2.0)
    traces.loc[traces["task"] == "b", "correct"] = False
    found = crucial_steps.lead(traces, BOOTSTRAP)
    assert set(found["task"]) == {"a", "mean"} and (found.loc[found["task"] == "mean", "n"] == 1).all()


def test_without_any_rise_there_is_no_estimate_of_a_lead():
    traces = simulated(2.0).assign(correct=False)
    found = crucial_steps.estimates(traces, crucial_steps.lead(traces, BOOTSTRAP), BOOTSTRAP)
    assert list(found["claim"]) == ["failed-but-likely"]
    assert found["estimate"].iloc[0] == pytest.approx(traces.query("step == 11")["decisive"].mean() - 0.1)


def test_curves_are_means_over_tasks_and_failed_ones_are_those_that_fail():
    traces = simulated(4.0)
    traces.loc[~traces["correct"], "decisive"] = 0.25
    found = crucial_steps.curves(traces, BOOTSTRAP).set_index(["signal", "step"])
    last = traces[traces["step"] == 6]
    assert found.loc[("correct", 6), "estimate"] == pytest.approx(last.groupby("task")["correct"].mean().mean())
    assert found.loc[("decisive, failed", 6), "estimate"] == pytest.approx(0.25)
    assert ((found["low"] <= found["estimate"] + 1e-9) & (found["estimate"] <= found["high"] + 1e-9)).all()


def test_the_case_study_keeps_the_text_and_scales_weights_to_a_mean_of_one():
    text = "1+1=2\n"
    rows = pd.concat([token_rows(list(text), nll=[0.1, 0.2, 0.3, 0.1, 2.0, 0.1]), token_rows(list(text), name="b")])
    texts = pd.Series({("t", "a"): text, ("t", "b"): text})
    shown = crucial_steps.case_study(rows.reset_index(drop=True), np.zeros(12, bool), 50, texts)
    assert "".join(shown["text"]) == text and set(shown["id"]) == {"a"}
    assert np.allclose(shown[list(crucial_steps.proxies.WEIGHTINGS)].mean(), 1)
