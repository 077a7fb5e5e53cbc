"""What to buy next."""

import numpy as np
import pandas as pd
from judging.ballots import ballots, plain

from proxylib.judging import buying, preferences


def test_votes_go_where_the_order_is_open_and_doubt_falls():
    ratings = preferences.fit(ballots((1.5, 1.2, -1.5), 300, seed=1), 0.95)
    rows = buying.next_votes(ratings, 200)
    best = rows.loc[rows["votes"].idxmax()]
    assert {best["first"], best["second"]} == {"ada", "bob"}
    assert rows["votes"].sum() == 200 and (rows["after"] < rows["doubt"]).all()


def test_what_is_foretold_of_doubt_comes():
    start = ballots((0.5, 0.2, -0.6), 200, seed=2)
    foretold = buying.next_votes(preferences.fit(start, 0.95), 1000)["after"].min()
    more = pd.concat([start, ballots((0.5, 0.2, -0.6), 1000, seed=3).assign(judge=lambda rows: rows["judge"] + 100)])
    assert buying.doubt(preferences.fit(more, 0.95)) < buying.doubt(preferences.fit(start, 0.95))
    assert foretold < buying.doubt(preferences.fit(start, 0.95))


def test_groups_are_joined_first():
    votes = pd.concat([plain(("ada", "bob", 0.5, 9), ("bob", "cyd", 0.5, 3)), plain(("dee", "eve", 0.5, 4))])
    rows = buying.next_votes(preferences.fit(votes, 0.95), 50)
    assert rows["joins"].all() and rows["first"].tolist() == ["bob"] and rows["second"].iloc[0] in ("dee", "eve")


def test_an_update_is_the_inverse_of_more_information():
    information = np.array([[3.0, -1.0], [-1.0, 2.0]])
    along = np.array([1.0, -1.0])
    updated = buying._with_votes(np.linalg.inv(information), 0, 1, 0.7)
    assert np.allclose(updated, np.linalg.inv(information + 0.7 * np.outer(along, along)))


def test_one_vote_can_be_bought():
    assert buying.next_votes(preferences.fit(ballots((0.5, 0.0), 50, seed=4), 0.95), 1)["votes"].tolist() == [1]
