"""Known answers, on made-up runs that follow the laws exactly, and on the published ones."""

import numpy as np
import pandas as pd
import pytest

from proxylib.data.published import olmo_ladder
from proxylib.errors import UserError
from proxylib.laws import replications
from proxylib.laws.curves import sigmoid


def bpb(parameters, tokens):
    return np.exp(3.6) / parameters**0.226 + np.exp(4.6) / tokens**0.236 + 0.454


def rows(run, parameters, ends):
    tokens = np.asarray(ends, float)
    task_bpb = bpb(parameters, tokens)
    frame = pd.DataFrame({"run": run, "parameters": parameters, "tokens": tokens, "task_bpb": task_bpb})
    return frame.assign(task="one", chance=0.25, score=sigmoid(task_bpb, -0.75, 5.0, 0.8, 1.0))


@pytest.fixture(scope="module")
def made_up():
    """Four sizes at four lengths, twenty checkpoints each, and a large model on the same laws."""
    runs = [
        rows(f"{size:g}-{multiple}", size, 20 * multiple * size * np.linspace(0.05, 1, 20))
        for size in (2e8, 4e8, 8e8, 1.3e9)
        for multiple in (1, 2, 5, 10)
    ]
    return pd.concat(runs), rows("large", 7e9, [4e12])


def test_the_ladder_meets_a_model_on_its_own_laws(made_up):
    frame = replications.ladder(*made_up, tasks=("one",), smoothed=1)
    assert frame["error"].iloc[0] == pytest.approx(0, abs=2e-3) and frame["converged"].all()
    assert frame["task_bpb_estimate"].iloc[0] == pytest.approx(frame["task_bpb"].iloc[0], abs=1e-4)


def test_ends_are_of_the_last_checkpoints_and_pairs_leave_out_the_first_tenth(made_up):
    history, _ = made_up
    run = history[history["run"] == "4e+08-2"]
    ends = replications._ends(history.sample(frac=1, random_state=0), 5).loc["4e+08-2"]
    assert ends["task_bpb"] == pytest.approx(run["task_bpb"].tail(5).mean()) and ends["tokens"] == run["tokens"].max()
    pairs = replications._pairs(run, 5)
    assert len(pairs) == 18 and pairs["score"].iloc[0] == run["score"].iloc[2]
    assert pairs["score"].iloc[-1] == pytest.approx(run["score"].tail(5).mean())


def test_forecasts_within_a_run_use_early_checkpoints_alone():
    tokens = np.linspace(0, 1e12, 101)
    history = rows("a", 7e9, np.maximum(tokens, 1e9)).assign(tokens=tokens)
    history["loss_c4"] = 2.0 + 40 * np.maximum(tokens, 1e9) ** -0.2
    frame = replications.within_run(history, share=1 / 5, tasks=("one",)).set_index("method")
    assert list(frame["points"].unique()) == [20]
    later = history.assign(score=history["score"].where(history["tokens"] <= 2e11, 0.5))
    changed = replications.within_run(later, share=1 / 5, tasks=("one",)).set_index("method")
    assert changed["estimate"].to_dict() == frame["estimate"].to_dict() and (changed["score"] == 0.5).all()
    assert frame.loc["persistence", "error"] < 0 and abs(frame.loc["task_bpb", "error"]) < 0.01


def test_a_task_without_rows_is_named(made_up):
    with pytest.raises(UserError, match="task two: 0 rows to fit and 0 of the target"):
        replications.ladder(*made_up, tasks=("two",))
    with pytest.raises(UserError, match="task two: no checkpoints"):
        replications.within_run(made_up[0], tasks=("two",))


@pytest.mark.published
def test_the_ladder_lands_within_two_points_of_the_annealed_7b_where_its_paper_says_so(published_set):
    published_set("olmo_ladder")
    history = olmo_ladder.ladder()
    frame = replications.ladder(history[history["run"].isin(replications.LADDER)], olmo_ladder.annealed()).set_index("task")
    errors = frame["error"].abs() * 100  # points
    assert frame["converged"].all()
    assert (errors[list(replications.WITHIN_TWO_POINTS)] < 2).all()
    assert errors[list(replications.OTHERS)].mean() == pytest.approx(6.9, abs=0.5)  # over both target models in the paper


@pytest.mark.published
def test_a_quick_fit_within_the_7b_run_comes_out_as_known(published_set):
    published_set("olmo_ladder")
    frame = replications.within_run(olmo_ladder.seven_b())
    errors = frame["error"].abs().groupby(frame["method"]).mean()
    assert (frame["points"] == 10).all() and frame["converged"].all()
    assert errors["compute"] == pytest.approx(0.026, abs=1.5e-3)
    assert errors["task_bpb"] == pytest.approx(0.034, abs=1e-3) and errors["loss_c4"] == pytest.approx(0.044, abs=1e-3)
