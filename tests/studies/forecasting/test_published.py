"""Cases whose truth is known, through the command's own code."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.forecasting import published, summaries
from proxylib.studies.forecasting.cases import LATER, PROSE, Case
from proxylib.studies.forecasting.choose import MEAN
from proxylib.studies.forecasting.defaults import DEFAULT
from proxylib.studies.forecasting.methods import PERSISTENCE


def case(points=16, last=1e11, target=4e11, tasks=3, **came):
    """A run whose scores follow power laws of tokens, and a loss beside them."""
    x = np.geomspace(1e9, last, points)
    laws = {f"t{number}": lambda x, b=0.3 + 0.05 * number: 0.8 - b * (x / 1e9) ** -0.3 for number in range(tasks)}
    rows = [
        pd.DataFrame({"run": "r", "task": task, "parameters": 1e9, "tokens": x, "score": law(x), "chance": 0.1, "stderr": 1e-4})
        for task, law in laws.items()
    ]
    history = pd.concat(rows, ignore_index=True)
    history[PROSE] = 2 + (history["tokens"] / 1e9) ** -0.3
    scores = pd.Series({task: law(target) for task, law in laws.items()} | came)
    return Case("d", LATER, "1/4", "r", "r", history, f"tokens={target!r}", scores)


@pytest.fixture(scope="module")
def rows():
    return published.errors([case()])


def test_laws_that_scores_follow_are_met_and_the_last_score_is_not(rows):
    error = rows.set_index(["method", "task"])["error"].unstack()
    assert (error.loc[summaries.COMPUTE].abs() < 0.1).all() and (error.loc[PERSISTENCE] < -1).all()
    assert {published.CHOICE, MEAN, PERSISTENCE, f"{PROSE}, then linear"} <= set(error.index)
    assert (error.loc[published.CHOICE].abs() < 0.2).all() and rows["horizon"].eq(4).all()


def test_the_interval_of_the_choice_is_asked_whether_it_held(rows):
    mine = rows[rows["method"] == published.CHOICE]
    assert mine["width"].gt(0).all() and mine["covered"].eq(1).all() and mine["beyond"].eq(0).all()
    assert rows.loc[rows["method"] == published.CONFORMAL, "error"].tolist() == mine["error"].tolist()
    missed = published.errors([case(t0=0.99)]).set_index(["method", "task"]).loc[[(published.CHOICE, "t0")]].iloc[0]
    assert missed["covered"] == 0 and missed["beyond"] == pytest.approx(-missed["error"] - missed["width"] / 2, abs=0.01)


def test_what_came_changes_errors_and_no_forecast(rows):
    other = published.errors([case(t0=0.5)])
    said = lambda frame: (frame["error"] / 100 + frame["score"]).to_numpy()
    assert np.allclose(said(rows), said(other)) and not np.allclose(rows["error"], other["error"])


def test_a_past_that_cannot_be_asked_leaves_the_default_as_the_choice():
    rows = published.errors([case(points=4)])
    mine, default, last = (
        rows[rows["method"] == n].set_index("task")["error"] for n in (published.CHOICE, DEFAULT, PERSISTENCE)
    )
    assert (mine == default).all() and (mine.abs() < last.abs()).all()
    assert rows["covered"].isna().all() and summaries.COMPUTE in set(rows["method"])
    assert rows.loc[rows["method"] == MEAN, "fallback"].eq(published.UNASKED).all()


def test_too_few_checkpoints_leave_nothing_but_the_last_score():
    rows = published.errors([case(points=2), case(points=0)])
    assert set(rows["method"]) == {PERSISTENCE, DEFAULT, published.CHOICE, MEAN} and len(rows) == 12
    assert (
        rows["horizon"].eq(4).all() and rows["error"].lt(0).all() and rows["error"].groupby(rows["task"]).nunique().eq(1).all()
    )
