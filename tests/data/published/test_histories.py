"""The one shape of histories, and what has no place in it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from proxylib.data.published import gadre, gemstones, histories, olmo_ladder, pythia
from proxylib.errors import UserError

SOURCE = Path("some/place")


def rows(**changes):
    frame = pd.DataFrame(
        {
            "run": ["b", "b", "a", "a"],
            "parameters": [3_000_000_000] * 4,
            "tokens": [2_000_000_000_000, 1_000_000_000_000] * 2,
            "task": "one",
            "score": [0.5, 0.4, 0.6, 0.3],
            "chance": 0.25,
            "items": [100, 100, np.nan, np.nan],
            "stderr": [np.nan, 0.01, np.nan, 0.02],
            "loss": [2, 3, 2, 3],
        }
    )
    return frame.assign(**changes)


def test_a_history_is_ordered_and_in_floats():
    frame = histories.tidy(rows(), SOURCE)
    assert tuple(frame) == (*histories.COLUMNS, "loss")
    assert list(frame["run"]) == ["b", "b", "a", "a"] and list(frame["score"]) == [0.4, 0.5, 0.3, 0.6]
    assert {str(frame[name].dtype) for name in ("parameters", "tokens", "flops")} == {"float64"}
    assert frame["flops"].iloc[1] == pytest.approx(3.6e22) and frame["step"].isna().all()


def test_errors_of_shares_follow_from_items_and_published_ones_stay():
    frame = histories.tidy(rows(), SOURCE)
    assert list(frame["stderr"].iloc[:3]) == pytest.approx([0.01, 0.05, 0.02]) and np.isnan(frame["stderr"].iloc[3])


def test_flops_that_are_given_stay():
    assert (histories.tidy(rows(flops=1e20), SOURCE)["flops"] == 1e20).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tokens": [1, 1, 1, 2]}, "one of b at 1 tokens is there twice"),
        ({"score": [0.5, 40.0, 0.6, 0.3]}, "one of b at 1e\\+12 tokens has a number that is missing or no share"),
        ({"score": [0.5, 0.4, np.nan, 0.3]}, "one of a at 2e\\+12"),
        ({"chance": np.nan}, "missing"),
        ({"parameters": np.inf}, "missing"),
    ],
)
def test_odd_rows_are_named(changes, words):
    with pytest.raises(UserError, match=f"some/place: .*{words}"):
        histories.tidy(rows(**changes), SOURCE)


#: loader -> its set; runs, tasks and checkpoints of a run, as published
WHOLE = {
    gadre.gadre: ("gadre_scaling", 104, 46, 1),
    gemstones.gemstones: ("gemstones", 22, 9, 35),
    olmo_ladder.seven_b: ("olmo_ladder", 1, 14, 186),
    pythia.pythia: ("pythia_evals", 11, 9, 27),
}


@pytest.mark.published
@pytest.mark.parametrize("load", WHOLE, ids=lambda load: load.__name__)
def test_published_histories_are_whole(published_set, load):
    name, runs, tasks, checkpoints = WHOLE[load]
    published_set(name)
    frame = load()
    assert (frame["run"].nunique(), frame["task"].nunique(), len(frame)) == (runs, tasks, runs * tasks * checkpoints)
    assert tuple(frame)[: len(histories.COLUMNS)] == histories.COLUMNS
