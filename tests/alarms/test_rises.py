"""Rises of a loss: the rate of false alarms that is said, power, and that no later checkpoint is needed."""

import numpy as np
import pandas as pd
import pytest

from proxylib.alarms import rises
from proxylib.alarms.rises import RiseSettings
from proxylib.alarms.table import COLUMNS

SETTINGS = RiseSettings(draws=500)


def risen(losses):
    return rises.risen("overfit", losses, SETTINGS)


AT = np.arange(1, 25) * 100


def frame(**tasks):
    return pd.DataFrame(tasks, AT).rename_axis("at").reset_index().melt("at", var_name="task")


def falling(rng, noise=0.01):
    return 2 + 5 * AT**-0.5 + noise * rng.normal(size=len(AT))


def valley(rng, turn=12, slope=0.02):
    return falling(rng) + slope * np.maximum(0, np.arange(len(AT)) - turn)


def test_noise_is_read_off_a_bent_course():
    rng = np.random.default_rng(0)
    values = np.exp(-np.arange(200) / 20) + 0.1 * rng.normal(size=(50, 200))
    scale = rises.noise(values)
    assert np.isnan(scale[:, :4]).all()
    assert np.median(scale[:, -1]) == pytest.approx(0.1, rel=0.15)


def test_level_losses_set_off_as_many_alarms_as_is_said_and_falling_ones_fewer():
    rng = np.random.default_rng(1)
    level = rng.normal(size=(2000, 24))
    bar = np.quantile(rises.null(24, 2000, 0), 0.95)
    share = (rises.statistics(level)[0].max(axis=-1) > bar).mean()
    assert 0.03 < share < 0.07
    fallen = (rises.statistics(level - 0.5 * np.arange(24))[0].max(axis=-1) > bar).mean()
    assert fallen < share / 2


def test_alarms_over_many_tasks_are_no_more_frequent():
    rng = np.random.default_rng(2)
    alarms = [len(risen(frame(**{f"d{n}": 2 + 0.01 * rng.normal(size=24) for n in range(6)}))) > 0 for _ in range(60)]
    assert np.mean(alarms) < 0.15  # 0.05 expected; six tasks uncorrected would give 0.26


def test_a_turn_is_seen_after_the_turn_and_within_few_checkpoints():
    rng = np.random.default_rng(3)
    rows = pd.concat([risen(frame(a=valley(rng), b=falling(rng))) for _ in range(20)])
    assert set(rows["task"]) == {"a"} and len(rows) == 20
    assert (rows["at"] > 1300).all() and rows["at"].median() <= 2000
    assert (rows["since"].between(900, 1500)).all() and (rows["since"] < rows["at"]).all()
    assert (rows["low"] < rows["change"]).all() and (rows["change"] < rows["high"]).all() and (rows["low"] > 0).all()


def test_an_alarm_needs_nothing_that_comes_later():
    """The number of checkpoints enters the threshold; their values do not."""
    values = valley(np.random.default_rng(4))
    whole = risen(frame(a=values))["at"].item()
    place = list(AT).index(whole)
    other = np.concatenate([values[: place + 1], values[place] - np.arange(1, len(AT) - place)])
    assert risen(frame(a=other))["at"].item() == whole


def test_the_correction_over_tasks_is_that_of_holm():
    from statsmodels.stats.multitest import multipletests

    chance = np.random.default_rng(6).uniform(0, 0.1, size=(3, 7))
    for row, corrected in zip(chance, rises._holm(chance), strict=True):
        np.testing.assert_allclose(corrected, multipletests(row, method="holm")[1])


def test_few_checkpoints_say_nothing():
    few = frame(a=valley(np.random.default_rng(5), turn=2, slope=1)).query("at <= 900")
    assert risen(few).empty and list(risen(few).columns) == list(COLUMNS)
