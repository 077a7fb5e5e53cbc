"""What is not there, and what no longer moves, is said; whatever has a reason of its own is not."""

import numpy as np
import pandas as pd

from proxylib.alarms import missing, table


def history(places, **tasks):
    parts = [pd.DataFrame({"task": task, "at": np.asarray(places, float), "value": values}) for task, values in tasks.items()]
    return pd.concat(parts, ignore_index=True)


def rising(seed, length=20):
    return 0.5 + np.cumsum(np.random.default_rng(seed).uniform(0.001, 0.01, length))


def suite(length=20):
    return history(range(1, length + 1), **{name: rising(seed, length) for seed, name in enumerate("abcd")})


def said(alarms):
    return alarms[["alarm", "task", "at", "since"]].values.tolist()


def test_an_evaluation_that_failed_is_missing_and_one_alarm_as_long_as_it_fails():
    rows = suite()
    rows.loc[(rows["task"] == "b") & rows["at"].isin([7, 8, 15]), "value"] = np.nan
    assert said(missing.absent(rows)) == [["missing", "b", 7.0, 6.0], ["missing", "b", 15.0, 14.0]]


def test_a_metric_that_stops_is_missed_where_the_others_go_on():
    rows = suite()
    assert missing.absent(rows).empty
    stopped = rows[(rows["task"] != "c") | (rows["at"] <= 12)]
    assert said(missing.absent(stopped)) == [["missing", "c", 13.0, 12.0]]


def test_one_metric_more_at_one_checkpoint_leaves_the_others_alone():
    rows = suite()
    extra = pd.DataFrame({"task": ["a"], "at": [10.5], "value": [0.6]})
    assert missing.absent(pd.concat([rows, extra])).empty


def test_a_suite_that_stops_while_losses_go_on_is_overdue_and_its_usual_pause_is_none():
    places = np.arange(10, 1010, 10)
    loss = history(places, loss=1 / np.sqrt(places))
    scores = history(places[9::10], a=rising(0, 10), b=rising(1, 10))
    assert missing.absent(pd.concat([loss, scores])).empty
    stopped = scores[scores["at"] <= 600]
    assert said(missing.absent(pd.concat([loss, stopped]))) == [["missing", name, 810.0, 600.0] for name in "ab"]


def test_spacing_by_ratios_and_losses_logged_more_often_are_no_pause():
    places = 2.0 ** np.arange(12)
    assert missing.absent(history(places, a=rising(0, 12), b=rising(1, 12))).empty
    often = np.concatenate([np.arange(100, 1001, 100), np.arange(1010, 2001, 10)])
    loss = history(often, loss=1 / np.sqrt(often))
    scores = history(np.arange(200, 2001, 200), a=rising(0, 10))
    assert missing.absent(pd.concat([loss, scores])).empty


def test_a_loss_that_repeats_to_the_last_digit_is_stale_and_only_what_came_before_decides():
    values = rising(0)[::-1].copy()
    values[12:] = values[12]
    rows = history(range(1, 21), loss=values)
    alarms = missing.stale(rows, frozenset(["loss"]))
    assert said(alarms) == [["stale", "loss", alarms["at"][0], 13.0]] and 14 <= alarms["at"][0] <= 18
    shorter = rows[rows["at"] <= alarms["at"][0]]
    pd.testing.assert_frame_equal(missing.stale(shorter, frozenset(["loss"])), alarms)


def test_a_checkpoint_that_was_evaluated_twice_repeats_every_metric():
    rows = history(range(1, 21), **{f"task {k}": rising(k) for k in range(12)})
    rows.loc[rows["at"] == 11, "value"] = rows.loc[rows["at"] == 10, "value"].to_numpy()
    assert said(missing.stale(rows)) == [["stale", table.EVERY, 11.0, 10.0]]


def test_scores_of_few_items_at_the_end_of_their_scale_or_at_chance_are_not_stale():
    full = np.concatenate([np.linspace(0, 1, 10), np.ones(40)])
    assert missing.stale(history(range(1, 51), a=full)).empty
    few = np.random.default_rng(0).binomial(20, 0.5, 200) / 20
    assert missing.stale(history(range(1, 201), a=few)).empty


def test_of_runs_whose_scores_repeat_by_chance_few_raise_an_alarm():
    rng = np.random.default_rng(2)
    alarmed = 0
    for _ in range(40):
        rows = history(range(1, 101), **{str(k): 0.4 + rng.binomial(20, 0.3, 100).cumsum() % 7 / 20 for k in range(3)})
        alarmed += len(missing.stale(rows, how=missing.Stale(error=0.2))) > 0
    assert alarmed <= 40 * 0.2 + 2 * np.sqrt(40 * 0.2 * 0.8)
    assert missing.stale(history([], a=[])).empty and missing.absent(history([], a=[])).empty
