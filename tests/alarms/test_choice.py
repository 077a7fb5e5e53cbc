"""Choosing a checkpoint: the set holds the best as often as it says, luck is counted, nothing is told apart without reason."""

import numpy as np
import pandas as pd
import pytest

from proxylib.alarms import choice
from proxylib.alarms.choice import ChoiceSettings, choose, choose_by_items
from proxylib.errors import UserError

SETTINGS = ChoiceSettings(last=8, draws=300)


def outcomes_of(truth, items, rng, shared=0.8, task="a"):
    """0 and 1 per checkpoint and item; a share of the items is answered by all checkpoints alike."""
    luck = rng.random(items)
    alone = rng.random((len(truth), items))
    u = np.where(rng.random(items) < shared, luck, alone)
    right = (u < np.asarray(truth)[:, None]).astype(float)
    at = np.repeat(np.arange(len(truth)), items)
    return pd.DataFrame({"at": at, "task": task, "item": np.tile(np.arange(items), len(truth)), "score": right.ravel()})


def scores_of(outcomes):
    grouped = outcomes.groupby(["at", "task"])["score"]
    return grouped.mean().reset_index().assign(items=grouped.size().to_numpy())


SHARED = 0.02**2 * (0.7 + 0.3 * np.eye(8))  # covariance of eight checkpoints' scores on 600 items, most of which they agree on


def chosen_of(truth, rng):
    estimates = rng.multivariate_normal(truth, SHARED)
    return choice.chosen(np.arange(8), estimates, SHARED, SETTINGS, {})


@pytest.mark.parametrize("truth", [[0.5] * 8, [0.5] * 4 + [0.56] * 3 + [0.5]], ids=["all alike", "three ahead"])
def test_the_set_holds_the_best_and_the_last_is_not_left_without_reason(truth):
    rng, times = np.random.default_rng(1), 150
    choices = [chosen_of(truth, rng) for _ in range(times)]
    slack = 2.5 * np.sqrt(times * 0.95 * 0.05)
    assert sum(int(np.argmax(truth)) in chosen.tied for chosen in choices) >= 0.95 * times - slack
    left = sum(not chosen.take_last for chosen in choices)
    if truth[-1] == max(truth):
        assert left <= 0.05 * times + slack
    else:
        assert left > 0.5 * times, "a last checkpoint that is six points behind is told"


def test_the_winners_curse_is_what_the_chosen_one_loses_on_other_items():
    rng = np.random.default_rng(2)
    choices = [chosen_of([0.5] * 8, rng) for _ in range(120)]
    lost = np.mean([chosen.table["score"].max() - 0.5 for chosen in choices])
    assert np.mean([chosen.curse for chosen in choices]) == pytest.approx(lost, rel=0.15)
    assert lost > 0.01


def test_the_same_items_tell_more_than_as_many_others():
    rng = np.random.default_rng(3)
    rows = outcomes_of([0.5] * 7 + [0.44], 500, rng, shared=0.9)
    paired, alone = choose_by_items(rows, SETTINGS), choose(scores_of(rows), SETTINGS)
    assert not paired.take_last and alone.take_last
    known = choose(scores_of(rows), SETTINGS.model_copy(update={"correlation": 0.9}))
    assert not known.take_last, "that items are shared can be said where outcomes are not at hand"


def test_errors_are_those_of_shares_of_items():
    rows = outcomes_of([0.3, 0.5, 0.7], 400, np.random.default_rng(4))
    by_items, by_scores = choose_by_items(rows, SETTINGS).table, choose(scores_of(rows), SETTINGS).table
    share = by_items["score"].to_numpy()
    assert by_items["stderr"].to_numpy() == pytest.approx(np.sqrt(share * (1 - share) / 399))
    assert by_scores["stderr"].to_numpy() == pytest.approx(np.sqrt(share * (1 - share) / 400), rel=0.01)


def test_items_that_share_a_passage_count_once():
    rows = outcomes_of([0.5] * 5, 60, np.random.default_rng(5))
    copies = pd.concat([rows.assign(item=rows["item"] + 1000 * copy, cluster=rows["item"]) for copy in range(4)])
    once, four = choose_by_items(rows, SETTINGS), choose_by_items(copies, SETTINGS)
    assert four.table["stderr"].to_numpy() == pytest.approx(once.table["stderr"].to_numpy())
    assert choose_by_items(copies.drop(columns="cluster"), SETTINGS).table["stderr"].max() < once.table["stderr"].min()


def test_what_is_luck_is_shrunk_to_the_line_and_what_is_not_stays():
    estimates = np.array([0.50, 0.53, 0.51, 0.56, 0.54])
    line = np.polyval(np.polyfit(range(5), estimates, 1), range(5))
    assert choice.shrink(estimates, np.eye(5)) == pytest.approx(line)
    assert choice.shrink(estimates, np.zeros((5, 5))) == pytest.approx(estimates)
    assert choice.shrink(estimates, np.full((5, 5), 1.0)) == pytest.approx(estimates), "what all share moves no difference"


def test_weights_turn_tasks_and_leave_some_out():
    frame = pd.DataFrame(
        {
            "at": [1, 2, 3] * 3,
            "task": np.repeat(["right", "loss", "noise"], 3),
            "score": [0.1, 0.2, 0.3, 1.0, 3.0, 5.0, 0.9, 0.1, 0.1],
            "stderr": 0.001,
        }
    )
    assert choose(frame, SETTINGS, {"right": 1, "loss": 0.0}).at == 3
    assert choose(frame, SETTINGS, {"right": 1, "loss": -1}).at == 1
    assert set(choose(frame, SETTINGS, {"right": 1}).noise) == {"right"}
    assert choose(frame, SETTINGS, {"right": 2, "noise": 2}).table["score"].tolist() == pytest.approx([0.5, 0.15, 0.2])


def test_without_items_the_scatter_stands_in_and_is_named():
    frame = pd.DataFrame({"at": range(8), "task": "a", "score": [0.5, 0.6, 0.5, 0.6, 0.5, 0.6, 0.5, 0.6]})
    chosen = choose(frame, SETTINGS)
    assert chosen.noise == {"a": choice.SERIES} and chosen.take_last and len(chosen.tied) == 8
    assert choose(frame.assign(stderr=0.001), SETTINGS).tied == [1, 3, 5, 7]


def test_only_the_last_checkpoints_that_have_every_task_are_chosen_from():
    frame = pd.DataFrame({"at": list(range(10)) * 2, "task": ["a"] * 10 + ["b"] * 10, "score": 0.5, "items": 50})
    frame.loc[frame["at"].eq(9) & frame["task"].eq("b"), "score"] = np.nan
    table = choose(frame, ChoiceSettings(last=4, draws=200)).table
    assert table["at"].tolist() == [5, 6, 7, 8] and table["last"].tolist() == [False] * 3 + [True]


@pytest.mark.parametrize(
    ("change", "weights", "message"),
    [
        (lambda frame: frame[frame["at"] < 2], None, "2 checkpoints have a score"),
        (lambda frame: pd.concat([frame, frame.head(1)]), None, "there twice"),
        (lambda frame: frame, {"b": 1}, "not among the tasks"),
        (lambda frame: frame, {"a": 0}, "all 0"),
    ],
)
def test_what_cannot_be_chosen_from_is_refused(change, weights, message):
    frame = pd.DataFrame({"at": range(5), "task": "a", "score": 0.5, "items": 10})
    with pytest.raises(UserError, match=message):
        choose(change(frame), SETTINGS, weights)


def test_an_item_given_twice_or_none_in_common_is_refused():
    rows = outcomes_of([0.5] * 3, 5, np.random.default_rng(6))
    with pytest.raises(UserError, match="there twice"):
        choose_by_items(pd.concat([rows, rows.head(1)]), SETTINGS)
    apart = rows.assign(item=rows["item"] + 100 * rows["at"])
    with pytest.raises(UserError, match="0 items that all"):
        choose_by_items(apart, SETTINGS)
