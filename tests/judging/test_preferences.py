"""Ratings of votes: against other hands, and on votes whose truth is known."""

import evalica
import numpy as np
import pandas as pd
import pytest
from judging.ballots import NAMES, ballots, plain
from scipy.stats import t

from proxylib.errors import UserError
from proxylib.judging import preferences
from proxylib.judging.preferences import contrasts, fit, orders, table

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
        # strengths that tastes are drawn around are nearer to each other on the scale of all: take the mean of many as the truth
        held["clustered"].append((ratings.differences, np.sqrt(ratings.variances) * ratings.reach))
        held["alone"].append((ratings.differences, np.sqrt(contrasts(ratings.alone)) * 1.645))
    upper = np.triu_indices(3, 1)
    share = {}
    for name, rows in held.items():
        estimates, reach = (np.array([row[part][upper] for row in rows]) for part in (0, 1))
        share[name] = (np.abs(estimates - estimates.mean(0)) <= reach).mean()
    assert share["clustered"] > 0.84
    assert share["alone"] < 0.75


def least(ratings):
    """The smallest p of all pairs: Holm's first, without statsmodels' pause to collect garbage."""
    upper = np.triu_indices(len(ratings.models), 1)
    return 2 * t.sf((np.abs(ratings.differences) / np.sqrt(ratings.variances))[upper].max(), ratings.degrees)


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


def test_a_baseline_stands_at_zero():
    rows = table(fit(ballots(TRUTH, 300, seed=5), 0.95), baseline="dee").set_index("model")
    assert rows.loc["dee", ["rating", "low", "high"]].abs().max() < 1e-9
    assert (rows.drop("dee")["high"] > rows.drop("dee")["low"]).all()


def test_ranks_say_what_settled_orders_leave_open():
    rows = table(fit(plain(("ada", "bob", 1.0, 200), ("bob", "ada", 1.0, 40), ("bob", "cyd", 1.0, 2), ("cyd", "bob", 1.0, 2)), 0.95))
    rows = rows.set_index("model")
    assert rows.loc["ada", ["best", "worst"]].tolist() == [1, 2]  # cyd met bob alone, four times
    assert rows.loc["bob", "best"] == 2 and rows.loc["cyd", ["best", "worst"]].tolist() == [1, 3]


@pytest.mark.parametrize("ties", [0.0, 0.4])
def test_so_many_votes_as_are_needed_settle_four_of_five_times(ties):
    first = fit(ballots((0.25, -0.25), 2000, seed=8, ties=ties), 0.95)
    row = orders(first).iloc[0]
    share = 0.5 + (1 / (1 + np.exp(-0.5)) - 0.5) * (1 - ties)  # ties draw the odds of points together
    asked = preferences.needed(np.array([np.log(share / (1 - share))]), np.array([np.inf]), row[["design"]].to_numpy(float), 0.05, 1, 1e3)
    settled = [least(fit(ballots((0.25, -0.25), int(asked[0]), seed, ties=ties), 0.95)) < 0.05 for seed in range(100, 160)]
    assert 0.66 < np.mean(settled) < 0.94


def test_a_handful_of_ties_is_no_proof_of_likeness():
    row = orders(fit(plain(("ada", "bob", 0.5, 4)), 0.95)).iloc[0]
    assert row["low"] < -150 and row["high"] > 150 and not row["settled"]


def test_no_votes_and_too_many_models_are_refused():
    with pytest.raises(UserError, match="none is left"):
        fit(plain(), 0.95)
    names = [f"m{number}" for number in range(9000)]
    with pytest.raises(UserError, match="too many at once"):
        fit(pd.DataFrame({"a": names[:-1], "b": names[1:], "points": 1.0}), 0.95)
