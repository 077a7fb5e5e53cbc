"""Campaigns drawn from votes whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from judging.ballots import ballots

from proxylib.judging import orders, preferences
from proxylib.studies.preferences import campaigns

VOTES = ballots((1.2, 0.0, -0.05, -1.2), 800, seed=1, judges=12, questions=15)


def test_a_campaign_draws_judges_whole_and_has_its_size():
    rng = np.random.default_rng(1)
    drawn = campaigns.drawn(VOTES, campaigns.members(VOTES, "judge"), 200, "judge", rng)
    assert len(drawn) == 200 and drawn["judge"].nunique() < 12
    for _, part in list(drawn.groupby("judge"))[:-1]:  # the last may be cut
        judge = VOTES.loc[part.index, "judge"].unique()
        assert len(judge) == 1 and len(part) == (VOTES["judge"] == judge[0]).sum()


def test_a_judge_that_is_drawn_twice_counts_as_two():
    one = VOTES[VOTES["judge"] == 3].reset_index(drop=True)
    drawn = campaigns.drawn(one, campaigns.members(one, "judge"), 2 * len(one), "judge", np.random.default_rng(1))
    assert drawn["judge"].nunique() == 2


def test_campaigns_agree_on_what_is_far_apart_and_by_chance_on_what_is_alike():
    pairs = campaigns.alike(VOTES, 0.95, 1, sizes=(10, 400), campaigns=24).set_index(["votes", "drawn", "first", "second"])[
        "alike"
    ]
    assert pairs[400, "judge", "ada", "dee"] == 1 and pairs[10, "judge", "ada", "dee"] < 1
    assert pairs[400, "question", "bob", "cyd"] < 1
    curve = campaigns.curve(pairs.reset_index(), 0.95).set_index(["votes", "drawn"])
    assert curve.loc[(400, "judge"), "estimate"] > curve.loc[(10, "judge"), "estimate"]
    assert curve["low"].ge(0).all() and curve["high"].le(1).all()


def test_a_campaign_of_the_computed_number_settles_about_four_of_five():
    near = ballots((0.35, 0.0), 600, seed=3, judges=60, questions=60)
    rows = orders.orders(preferences.fit(near, 0.95))
    rows = rows.assign(alone=campaigns.from_nothing(rows, 59, 0.95))
    (judged, asked) = campaigns.power(near, rows, 0.95, 1, tests=60).itertuples()
    assert 0.6 < judged.power < 0.95 and 0.6 < asked.power < 0.95
    half = campaigns.power(near, rows.assign(alone=(rows["alone"] / 3).round()), 0.95, 1, tests=60)
    assert (half["power"] < 0.6).all()


def test_neighbours_follow_each_other():
    rows = pd.DataFrame({"better": ["x", "x", "y"], "worse": ["y", "z", "z"], "alone": [10.0, 2.0, 1000.0]})
    assert campaigns.neighbours(rows, ["x", "y", "z"])["alone"].tolist() == [10.0, 1000.0]
    assert campaigns.neighbours(rows, ["x", "z"])["alone"].tolist() == [2.0]
    assert campaigns.needed(rows, ["x", "y", "z"], 0.95) == (505.0, 10.0, 1000.0)


@pytest.mark.parametrize(("count", "level", "holds"), [(6, 0.95, 0.95), (12, 0.95, 0.95), (40, 0.9, 0.9), (5, 0.95, 0.93)])
def test_the_ends_around_a_median_hold_it(count, level, holds):
    """Whatever the distribution; five numbers do so in 94 % at most."""
    rng = np.random.default_rng(3)
    names = [str(number) for number in range(count + 1)]
    pairs = {"better": names[:-1], "worse": names[1:]}
    hit = []
    for _ in range(600):
        ends = campaigns.needed(pd.DataFrame(pairs | {"alone": np.exp(3 * rng.normal(size=count))}), names, level)
        hit.append(ends.low <= 1 <= ends.high)
    assert np.mean(hit) > holds - 0.03


def test_a_round_costs_what_the_article_says():
    assert campaigns.round_cost() == (10_000, 2000, 50_000)


def test_costs_are_those_of_a_textbook():
    rows = {row["share"]: row for row in campaigns.costs(1.0, 10_000, 0.95)}
    assert rows[0.55]["comparisons"] == pytest.approx(783, rel=0.02)  # a proportion of .55 against a half, 5 %, 80 %
    assert rows[0.55]["dollars_at_5"] == 5 * rows[0.55]["comparisons"]
    assert next(campaigns.costs(2.0, 10_000, 0.95))["comparisons"] == pytest.approx(2 * rows[0.51]["comparisons"], rel=0.01)
