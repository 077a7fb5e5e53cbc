"""Losses that jump are found when they jump; those that wobble, fall or bend are left alone."""

import numpy as np
import pandas as pd

from proxylib.alarms import spikes, table


def losses(values, task="loss"):
    return pd.DataFrame({"task": task, "at": 100.0 * np.arange(1, len(values) + 1), "value": values})


def curve(length, noise=0.01, seed=0):
    steps = np.arange(1, length + 1)
    return 2 + 3 / steps**0.5 + noise * np.random.default_rng(seed).normal(size=length)


def test_a_spike_is_one_alarm_where_it_begins_and_a_shift_is_one_too():
    values = curve(100)
    values[60:63] += 1.0
    alarms = spikes.find(losses(values))
    assert alarms[["alarm", "task", "at", "since"]].values.tolist() == [["spike", "loss", 6100.0, 6100.0]]
    assert alarms["low"][0] < 1.0 < alarms["high"][0] and alarms["p"][0] < 0.001
    shifted = curve(100) + 0.5 * (np.arange(100) >= 40)
    assert spikes.find(losses(shifted))["at"].tolist() == [4100.0]


def test_only_what_came_before_decides():
    values = curve(100)
    values[60] += 1.0
    whole = spikes.find(losses(values))
    for stop in range(61, 100, 13):
        pd.testing.assert_frame_equal(spikes.find(losses(values[:stop])), whole)
    assert spikes.find(losses(values[:60])).empty


def test_of_losses_without_a_spike_few_raise_an_alarm():
    """More alarms are asked for than by default, so that few runs tell."""
    rng, how = np.random.default_rng(1), spikes.Spikes(error=0.2)
    for shape in ("level", "falling", "walk"):
        alarmed = 0
        for _ in range(60):
            noise = rng.normal(size=(2, 80))
            values = {"level": noise, "falling": noise + 300 / np.arange(1, 81) ** 0.5, "walk": noise.cumsum(axis=1)}[shape]
            alarmed += len(spikes.find(pd.concat([losses(values[0], "a"), losses(values[1], "b")]), how)) > 0
        assert alarmed <= 60 * 0.2 + 2 * np.sqrt(60 * 0.2 * 0.8), shape


def test_a_short_or_constant_loss_says_nothing_and_gaps_are_left_out():
    assert spikes.find(losses([1.0] * 8)).empty and spikes.find(losses([])).empty
    assert spikes.find(losses([1.0] * 30 + [9.0])).empty  # nothing says how far it moves
    values = curve(100)
    values[[20, 30]] = np.nan
    values[60] += 1.0
    assert spikes.find(losses(values))["at"].tolist() == [6100.0]
    assert tuple(spikes.find(losses([])).columns) == table.COLUMNS
