"""What would tell two models apart: by simulation, from the recorded noise of a training, and never for a copy."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from studies.your_models.test_worth import results as without_noise
from studies.your_models.token_rows import BOOTSTRAP, rows

from proxylib.runs.store import Key, Store
from proxylib.stats import Interval
from proxylib.studies.your_models import apart, compare


def drawn(values):
    """Model -> its mean over problems and every draw of them, from [problems] values each."""
    resampling = BOOTSTRAP.over(range(len(next(iter(values.values())))))
    ones = np.ones(resampling.weights.shape[1])
    return {model: resampling.drawn(resampling.ratio(column, ones)) for model, column in values.items()}


def test_pairs_stand_in_the_order_with_their_paired_difference():
    rng = np.random.default_rng(0)
    luck = rng.normal(0, 1, 60)  # common to all models: it leaves every difference
    values = {"a": luck, "b": luck - 0.5 + rng.normal(0, 0.1, 60), "c": luck - 0.52 + rng.normal(0, 0.1, 60)}
    table = apart.pairs(drawn(values), ["a", "b", "c"], +1, 60).set_index(["better", "worse"])
    assert list(table.index) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert table["told"].tolist() == [True, True, False] and table["problems"].isna().tolist() == [True, True, False]
    assert table.loc[("a", "b"), "gap"] == pytest.approx(np.mean(luck - values["b"]))
    less = apart.pairs(drawn({model: -column for model, column in values.items()}), ["a", "b", "c"], -1, 60)
    assert less["gap"].to_numpy() == pytest.approx(table["gap"].to_numpy()) and (less["low"] < less["high"]).all()


def test_as_many_problems_as_are_asked_for_tell_as_often_as_is_said():
    """Models that differ by .15 with a spread of 1: the number for 100 problems, tried on so many."""
    rng, told = np.random.default_rng(1), []
    first = rng.normal(0, 1, 100)
    first = (first - first.mean()) / first.std() + 0.15
    (row,) = apart.pairs(drawn({"a": first, "b": np.zeros(100)}), ["a", "b"], +1, 100).to_dict("records")
    assert not row["told"] and row["problems"] == pytest.approx(((norm.ppf(0.975) + norm.ppf(0.8)) / 0.15) ** 2, rel=0.15)
    for _ in range(2000):
        sample = rng.normal(0.15, 1, int(row["problems"]))
        told.append(sample.mean() > norm.ppf(0.975) / np.sqrt(len(sample)))
    assert np.mean(told) == pytest.approx(apart.POWER, abs=0.07)


def test_no_number_tells_a_copy_and_more_are_asked_for_than_there_are():
    one, other = rows(0.5, seed=1), rows(0.5, seed=2)
    pairs = compare.compare({"a": one, "b": one, "c": other}, pd.Series(dtype=str), BOOTSTRAP).pairs
    copy = pairs[(pairs["better"] == "a") & (pairs["worse"] == "b")].iloc[0]
    assert not copy["told"] and copy["problems"] == np.inf and copy["gap"] == copy["low"] == copy["high"] == 0
    rest = pairs[~pairs["told"]]
    assert (rest["problems"] > 26).all() and len(pairs) == 3


def test_trainings_follow_the_gap_and_the_noise_of_one():
    gaps = pd.Series([0.1, 0.05, 0.0], index=[4, 5, 6])
    counts = apart.trainings(gaps, 0.04, 0.95)
    assert counts.tolist() == [np.ceil(2 * (2.8016 * 0.4) ** 2), np.ceil(2 * (2.8016 * 0.8) ** 2), np.inf]
    assert list(counts.index) == [4, 5, 6] and apart.trainings(pd.Series([9.0]), 0.04, 0.95).tolist() == [1]
    rng = np.random.default_rng(2)  # two models of one recipe seldom differ by more
    assert np.mean(np.abs(np.diff(rng.normal(0, 0.04, (20_000, 2)))) > apart.least_gap(0.04, 0.95)) == pytest.approx(
        0.05, abs=0.01
    )


def test_the_noise_of_a_training_is_the_recorded_one_or_none(tmp_path):
    results = without_noise(tmp_path)
    assert apart.seeds(results) is None
    moves = pd.DataFrame(
        [(apart.NAMED, apart.SEEDS, 0.03, 0.02, 0.04), ("accuracy", apart.SEEDS, 9.0, 9.0, 9.0)],
        columns=["measure", "quantity", "estimate", "low", "high"],
    ).assign(models=12)
    store = Store("reference", tmp_path / "runs", results)
    store.record(store.produce(Key("training_noise", 1, {}, {}), lambda workspace: workspace.write_table("moves", moves)))
    value = apart.seeds(results)
    assert value.deviation == Interval(0.03, 0.02, 0.04) and value.models == 12 and value.run


def test_the_recorded_reference_run_has_it():
    value = apart.seeds()
    assert value is not None and 0 < value.deviation.low < value.deviation.estimate < value.deviation.high < 0.5
