"""Ratings of votes: against other hands, and on votes whose truth is known."""

import evalica
import numpy as np
import pandas as pd
import pytest
from judging.ballots import NAMES, ballots, least, plain

from proxylib.errors import UserError
from proxylib.judging.orders import orders, table
from proxylib.judging.preferences import contrasts, fit

TRUTH = (0.8, 0.3, 0.2, 0.0, -0.5, -0.8)


def test_strengths_are_those_of_another_library():
    votes = ballots(TRUTH, 600, seed=1)
    winners = votes["points"].map({1.0: evalica.Winner.X, 0.5: evalica.Winner.Draw, 0.0: evalica.Winner.Y})
    other = np.log(evalica.bradley_terry(votes["a"], votes["b"], winners, tie_weight=0.5).scores.sort_index())
    assert np.allclose(fit(votes, 0.95).strengths, other - other.mean(), atol=1e-5)


def test_variances_are_those_that_statsmodels_finds_vote_by_vote():
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

    votes = ballots(TRUTH, 500, seed=2, judges=9, questions=14, taste=0.7)
    design = pd.get_dummies(votes["a"], dtype=float)[list(NAMES)] - pd.get_dummies(votes["b"], dtype=float)[list(NAMES)]
    plainly = GLM(votes["points"], design.iloc[:, 1:], family=Binomial()).fit()
    theirs = cov_cluster_2groups(plainly, votes["judge"].to_numpy(), votes["question"].to_numpy(), use_correction=False)
    ours = fit(votes, 0.95)
    for way, size, their in zip(ours.spreads[:2], (9, 14), theirs[1:], strict=True):
        assert np.allclose(contrasts(way)[0, 1:] * (size - 1) / size, np.diag(their), rtol=0.05)  # one more vote on every pair
    assert ours.degrees == 8 and ours.clusters == {"judge": 9, "question": 14}


def test_neither_the_order_of_rows_nor_the_side_of_an_answer_matters():
    votes = ballots(TRUTH, 300, seed=3)
    turned = votes.assign(a=votes["b"], b=votes["a"], points=1 - votes["points"]).sample(frac=1, random_state=0)
    for shown in (table, orders):
        pd.testing.assert_frame_equal(shown(fit(votes, 0.95)), shown(fit(turned, 0.95)), rtol=1e-6)


def test_intervals_hold_where_judges_and_questions_have_tastes_and_independent_votes_do_not():
    held = {"clustered": [], "alone": []}
    for seed in range(40):
        votes = ballots((0.4, 0.0, -0.4), 500, seed, ties=0.1, judges=20, questions=20, taste=0.7)
        ratings = fit(votes, 0.9)
        # over all tastes odds are nearer to even than for the mean taste: the mean of many draws is the truth
        held["clustered"].append((ratings.differences, np.sqrt(ratings.variances) * ratings.reach))
        held["alone"].append((ratings.differences, np.sqrt(contrasts(ratings.alone)) * 1.645))
    upper = np.triu_indices(3, 1)
    share = {}
    for name, rows in held.items():
        estimates, reach = (np.array([row[part][upper] for row in rows]) for part in (0, 1))
        share[name] = (np.abs(estimates - estimates.mean(0)) <= reach).mean()
    assert share["clustered"] > 0.84
    assert share["alone"] < 0.75


def test_models_that_are_alike_are_rarely_put_in_an_order():
    wrong = [least(fit(ballots((0.0,) * 4, 300, seed, taste=0.5), 0.95)) * 6 < 0.05 for seed in range(60)]
    assert sum(wrong) <= 7  # 3 expected at the level


def test_a_model_that_took_every_point_has_an_open_end_and_an_order_only_after_many_judges():
    for count, settled in ((3, False), (40, True)):
        votes = plain(("ada", "bob", 1.0, count), ("bob", "cyd", 1.0, 10), ("cyd", "bob", 1.0, 10))
        ratings = fit(votes, 0.95)
        rows = table(ratings).set_index("model")
        assert rows.loc["ada", "high"] == np.inf and rows.loc["bob", "low"] == -np.inf
        assert np.isfinite(rows.loc["ada", ["rating", "low"]].to_numpy(float)).all()
        pair = orders(ratings).set_index(["better", "worse"])
        assert pair.loc[("ada", "bob"), "settled"] == settled and pair.loc[("ada", "bob"), "high"] == np.inf


def test_forty_votes_of_two_judges_settle_nothing():
    votes = plain(("ada", "bob", 1.0, 40)).assign(judge=np.arange(40) % 2)
    assert not orders(fit(votes, 0.95))["settled"].any()


def test_two_that_lost_all_to_a_third_are_in_no_order():
    rows = orders(fit(plain(("ada", "bob", 1.0, 60), ("ada", "cyd", 1.0, 90)), 0.95)).set_index(["better", "worse"])
    (between,) = (key for key in rows.index if "ada" not in key)
    assert rows.loc[between, "p"] == 1 and rows.loc[between, "low"] == -np.inf and rows.loc[between, "high"] == np.inf
    assert rows.drop(between)["settled"].all()


def test_models_that_nothing_connects_have_no_order():
    votes = pd.concat([plain(("ada", "bob", 1.0, 30), ("bob", "ada", 1.0, 5)), plain(("cyd", "dee", 0.5, 4))])
    ratings = fit(votes, 0.95)
    rows = orders(ratings)
    assert rows["p"].notna().sum() == 2 and rows["difference"].notna().sum() == 2
    assert table(ratings)["group"].tolist() == [1, 1, 2, 2]
    assert table(ratings).set_index("model").loc[["cyd", "dee"], "rating"].abs().max() < 1e-9


def test_a_handful_of_ties_is_no_proof_of_likeness():
    row = orders(fit(plain(("ada", "bob", 0.5, 4)), 0.95)).iloc[0]
    assert row["low"] < -150 and row["high"] > 150 and not row["settled"]


def test_no_votes_and_too_many_models_are_refused():
    with pytest.raises(UserError, match="none is left"):
        fit(plain(), 0.95)
    names = [f"m{number}" for number in range(9000)]
    with pytest.raises(UserError, match="too many at once"):
        fit(pd.DataFrame({"a": names[:-1], "b": names[1:], "points": 1.0}), 0.95)
