"""Who is earlier: against simulated training with a known lead."""

import numpy as np
import pandas as pd
import pytest

from proxylib.stats import Bootstrap
from proxylib.studies.proxy_metrics import crucial_steps

BOOTSTRAP = Bootstrap(draws=300, level=0.95, seed=1)


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
