"""The run over published votes: its parts on votes whose truth is known, known answers where the data are at hand."""

import numpy as np
import pandas as pd
import pytest
from judging.ballots import ballots

from proxylib.data.published import judgments, obs_scaling
from proxylib.judging import preferences
from proxylib.judging.agreement import kappa
from proxylib.stats import Interval
from proxylib.studies.preferences import published


def test_davidsons_model_finds_the_strengths_that_made_the_votes():
    rng = np.random.default_rng(1)
    strengths, count = np.array([0.5, 0.0, -0.5]), 20_000
    first = rng.integers(0, 3, count)
    second = (first + rng.integers(1, 3, count)) % 3
    weights = np.exp(np.column_stack([strengths[first], 0.3 + (strengths[first] + strengths[second]) / 2, strengths[second]]))
    drawn = (rng.random(count)[:, None] > (weights / weights.sum(1, keepdims=True)).cumsum(1)).sum(1)
    names = np.array(["x", "y", "z"])
    votes = pd.DataFrame({"a": names[first], "b": names[second], "points": np.array([1, 0.5, 0])[drawn]})
    ratings = preferences.fit(votes, 0.95)
    assert np.allclose(published.davidson(ratings), strengths, atol=0.05)
    assert np.abs(ratings.strengths).max() < 0.42  # half a win each draws ratings together


def test_settled_orders_of_two_voters_are_compared():
    parts = {"human": ballots((1, 0, -1), 600, seed=1), "GPT-4": ballots((-1, 0, 1), 600, seed=2)}
    rows = published.tables_of({kind: preferences.fit(votes, 0.95) for kind, votes in parts.items()})[1]
    counts = published.against(rows, "human", "GPT-4").set_index("statistic")["n"]
    assert counts.to_dict() == {
        "orders": 3,
        "settled by human": 3,
        "settled by GPT-4": 3,
        "settled by both": 3,
        "contradicted": 3,
    }


def test_the_board_gets_the_worse_of_both_ways_to_draw():
    curve = pd.DataFrame({"votes": 2000, "drawn": ["judge", "question"], "estimate": [0.97, 0.93], "low": 0.8, "high": 1.0})
    names = ("longer", "more confident", "better laid out")
    traits = pd.DataFrame(
        {"trait": names, "kind": "human", "how": "alone", "judges": 3}
        | dict.fromkeys(("estimate", "low", "high", "low_given", "high_given"), 0.6)
    )
    nothing = Interval(0.5, 0.4, 0.6)
    caught = pd.DataFrame({"alike": [True, False]}), nothing, nothing
    pointed = pd.DataFrame({"split": ["x"], "estimate": 0.7, "low": 0.6, "high": 0.8, "verdicts": 9})
    rows = published.estimates(curve, (nothing, 5), traits, pointed, caught, 0.95).set_index("claim")
    assert rows.loc["stack-preferences-rank", "estimate"] == 0.93 and len(rows) == 8
    assert rows.loc["ours-preference-votes", "n"] == 5
    assert rows.loc["stack-preferences-catch", "n"] == 1


@pytest.mark.published
def test_pandalms_annotators_agree_as_its_authors_say_and_models_are_named_as_answers_are():
    rows = judgments.pandalm()
    people = rows[rows["kind"] == "human"].pivot(index="item", columns="judge", values="vote")
    agreed = [kappa(people.iloc[:, one], people.iloc[:, other]) for one, other in ((0, 1), (0, 2), (1, 2))]
    assert np.allclose(agreed, [0.85, 0.88, 0.86], atol=0.006)
    answers = judgments.pandalm_answers()
    assert (
        len(answers) == 999
        and set(answers["item"]) == set(rows["item"])
        and {*answers["a"], *answers["b"]} >= set(published.benchmarks.BASES)
    )
    assert (answers.set_index("item")["question"] == rows.drop_duplicates("item").set_index("item")["question"]).all()


@pytest.mark.published
def test_scores_of_the_base_models_are_shares():
    scores = obs_scaling.base_models().loc[list(published.benchmarks.BASES.values())]
    assert scores.shape == (4, 8) and scores.notna().all(axis=None)
