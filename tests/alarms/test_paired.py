"""Paired comparisons: exact closed forms, known figures, and error rates on simulated models."""

import math

import numpy as np
import pandas as pd
import pytest

from proxylib.alarms import paired
from proxylib.alarms.paired import Comparison, Outcome
from proxylib.errors import UserError


def pairs(up, down, same=0, metric="m", clusters=None):
    """A metric on which so many answers became right, became wrong, stayed right."""
    before = [0.0] * up + [1.0] * down + [1.0] * same
    after = [1.0] * up + [0.0] * down + [1.0] * same
    frame = pd.DataFrame({"metric": metric, "item": range(len(before)), "before": before, "after": after})
    return frame if clusters is None else frame.assign(cluster=clusters)


def simulated(rng, metrics, items, changed=0.2, lost=0.0, first=0):
    """Metrics whose answers change at random; of each, a share of the right ones is lost besides."""
    before = rng.random((metrics, items)) < 0.6
    after = np.where(rng.random(before.shape) < changed, rng.random(before.shape) < 0.6, before)
    after &= rng.random(before.shape) >= lost
    names = [f"m{first + number}" for number in range(metrics)]
    return pd.DataFrame(
        {
            "metric": np.repeat(names, items),
            "item": np.tile(np.arange(items), metrics),
            "before": before.ravel().astype(float),
            "after": after.ravel().astype(float),
        }
    )


@pytest.mark.parametrize(("up", "down"), [(2, 9), (0, 6), (5, 5), (1, 0)])
def test_mcnemars_test_is_the_sign_test_of_changed_answers(up, down):
    row = paired.compare(pairs(up, down, same=40)).iloc[0]
    least = min(up, down)
    tail = sum(math.comb(up + down, k) for k in range(least + 1)) / 2 ** (up + down)
    assert row["test"] == paired.EXACT and row["p_alone"] == pytest.approx(min(1.0, 2 * tail))
    assert row["change"] == pytest.approx((up - down) / (up + down + 40)) and (row["up"], row["down"]) == (up, down)


def test_a_thousand_questions_show_three_points():
    """Miller 2024: with a variance of 1/9 of an item's difference, 969 questions."""
    assert paired.detectable(1 / 3 / math.sqrt(969)) == pytest.approx(0.03, rel=1e-3)


@pytest.mark.parametrize(("change", "churn"), [(0.1, 0.07), (0.02, 0.1), (0.05, 0.0)])
def test_as_many_items_as_are_asked_for_show_the_change(change, churn):
    items = paired.items_that_show(change, churn)
    noise = paired.detectable(1.0) ** 2
    assert (change - 1 / items) ** 2 * items >= noise * (churn + change)
    fewer = items - 1
    assert (change - 1 / fewer) ** 2 * fewer < noise * (churn + change)


def test_what_is_said_to_be_shown_is_found_with_that_power():
    rng = np.random.default_rng(1)
    table = paired.compare(simulated(rng, 1, 400, changed=0.15))
    shows = table["shows"].iloc[0]
    # as many answers as the smallest shown change needs are lost on top of the same churn
    drawn = simulated(rng, 300, 400, changed=0.15, lost=shows / 0.6)
    found = paired.compare(drawn, Comparison(correction="none", margin=0.0))["decision"] == Outcome.WORSE
    assert 0.68 < found.mean() < 0.92


def test_a_tie_is_said_only_of_what_lies_within_the_margin():
    same = paired.compare(pairs(3, 3, same=1000)).iloc[0]
    assert same["decision"] == Outcome.TIED and -0.02 < same["low"] < same["high"] < 0.02
    few = paired.compare(pairs(0, 0, same=30)).iloc[0]
    assert few["decision"] == Outcome.CANNOT_TELL and few["low"] < -0.02 < 0.02 < few["high"] and few["p"] == 1
    small = paired.compare(pairs(2, 40, same=9000)).iloc[0]  # surely there, and smaller than what counts
    assert small["decision"] == Outcome.TIED and small["p"] < 1e-6
    assert paired.compare(pairs(2, 40, same=9000), Comparison(margin=0.001)).iloc[0]["decision"] == Outcome.WORSE
    assert paired.compare(pairs(40, 2, same=400)).iloc[0]["decision"] == Outcome.BETTER


def test_items_that_share_a_passage_are_not_independent():
    """Forty changed answers of four passages are four observations."""
    alone = paired.compare(pairs(10, 30, same=160)).iloc[0]
    clusters = np.repeat(np.arange(20), 10)
    together = paired.compare(pairs(10, 30, same=160, clusters=clusters)).iloc[0]
    assert together["test"] == paired.CLUSTERED and together["clusters"] == 20
    assert alone["p"] < 0.01 < 0.05 < together["p"]
    each = paired.compare(pairs(10, 30, same=160, clusters=np.arange(200))).iloc[0]
    assert each["test"] == paired.EXACT and each["clusters"] == 0


def test_clustered_errors_hold_their_rate_where_naive_ones_do_not():
    rng = np.random.default_rng(2)
    frames = []
    for number in range(150):
        passage = rng.normal(0, 0.3, 24).repeat(8)  # luck that a passage's items share, and no change on average
        difference = passage + rng.normal(0, 0.3, 192)
        frame = pd.DataFrame({"metric": f"m{number}", "item": range(192), "before": 0.0, "after": difference})
        frames.append(frame.assign(cluster=np.repeat(np.arange(24), 8)))
    drawn, how = pd.concat(frames), Comparison(correction="none")
    clustered = (paired.compare(drawn, how)["p"] < 0.05).mean()
    naive = (paired.compare(drawn.drop(columns="cluster"), how)["p"] < 0.05).mean()
    assert clustered < 0.11 < 0.3 < naive


def test_graded_scores_take_students_test():
    rng = np.random.default_rng(3)
    before = rng.normal(5, 2, 60)
    after = before - 0.5 + rng.normal(0, 1, 60)
    frame = pd.DataFrame({"metric": "m", "item": range(60), "before": before, "after": after})
    row = paired.compare(frame).iloc[0]
    difference = after - before
    error = difference.std(ddof=1) / math.sqrt(60)
    assert row["test"] == paired.STUDENT and row["change"] == pytest.approx(difference.mean())
    assert row["high"] - row["low"] == pytest.approx(2 * 2.001 * error, rel=1e-3)
    assert row["shows"] == pytest.approx(paired.detectable(error, degrees=59))
    constant = paired.compare(frame.assign(after=frame["before"])).iloc[0]
    assert constant["decision"] == Outcome.CANNOT_TELL and constant["low"] < 0 < constant["high"]


def test_corrections_keep_their_promises_over_a_dashboard():
    """Thirty-two metrics, of which eight are truly worse: false ones among the named, and any false one at all."""
    rng = np.random.default_rng(4)
    shares, any_false, naive = [], [], []
    for _ in range(10):
        drawn = pd.concat([simulated(rng, 8, 200, lost=0.2), simulated(rng, 24, 200, first=8)])
        for correction, kept in (("fdr_bh", shares), ("holm", any_false), ("none", naive)):
            table = paired.compare(drawn, Comparison(correction=correction, margin=0.0))
            named = table["decision"].isin([Outcome.WORSE, Outcome.BETTER]).to_numpy()
            kept.append(named[8:].sum() / max(1, named.sum()) if correction == "fdr_bh" else named[8:].any())
            assert correction != "fdr_bh" or named[:8].sum() >= 4
    assert np.mean(shares) < 0.1 and np.mean(any_false) < 0.2 and np.mean(naive) > 0.4


def test_the_same_items_show_more_when_there_are_fewer_metrics():
    one = paired.compare(pairs(10, 20, same=200)).iloc[0]["shows"]
    many = pd.concat([pairs(10, 20, same=200, metric=f"m{number}") for number in range(30)])
    assert paired.compare(many)["shows"].min() > 1.2 * one


def test_items_of_one_side_are_counted_and_left_out():
    before = pd.DataFrame({"metric": "m", "item": ["a", "b", "c", "d"], "score": [1, 0, 1, np.nan]})
    after = pd.DataFrame({"metric": "m", "item": ["d", "c", "b", "e"], "score": [1, 1, 1, 1]})
    row = paired.compare(paired.matched(before, after)).iloc[0]
    assert (row["items"], row["unpaired"], row["up"], row["down"]) == (2, 3, 1, 0)
    one = paired.compare(paired.matched(before.iloc[:2], after.iloc[2:])).iloc[0]
    assert one["items"] == 1 and one["decision"] == Outcome.CANNOT_TELL and math.isnan(one["p"])
    with pytest.raises(UserError, match="no item in common"):
        paired.matched(before.iloc[:1], after)
    with pytest.raises(UserError, match="second model: item 'd' of 'm' occurs twice"):
        paired.matched(before, pd.concat([after, after]))


def test_clusters_of_either_side_are_kept():
    side = pd.DataFrame({"metric": "m", "item": [1, 2, 3, 4], "score": [0, 1, 1, 0]})
    pairs = paired.matched(side, side.assign(cluster=["x", "x", "y", "y"]))
    assert list(pairs["cluster"]) == ["x", "x", "y", "y"] and paired.compare(pairs)["clusters"].iloc[0] == 2


def test_what_became_worse_is_an_alarm():
    both = pd.concat([pairs(2, 40, same=400, metric="fell"), pairs(40, 2, same=400, metric="rose")])
    alarms = paired.alarms(paired.compare(both), at=20, since=10)
    assert list(alarms["task"]) == ["fell"] and alarms["high"].iloc[0] < 0
    assert (alarms["alarm"].iloc[0], alarms["at"].iloc[0], alarms["since"].iloc[0]) == ("regression", 20, 10)
