"""Overfitting: a rise counts where the training loss fell, and the rule of thumb counts rises."""

import numpy as np
import pandas as pd

from proxylib.alarms.overfit import naive, overfit
from proxylib.alarms.rises import RiseSettings
from proxylib.alarms.table import COLUMNS

AT = np.arange(1, 25) * 100.0
NOISE = 0.01 * np.random.default_rng(0).normal(size=24)
VALLEY = 2 + 5 * AT**-0.5 + 0.02 * np.maximum(0, np.arange(24) - 12) + NOISE
LOSSES = pd.DataFrame({"task": "validation", "at": AT, "value": VALLEY})
SETTINGS = RiseSettings(draws=500)


def training(values):
    return pd.DataFrame({"at": AT, "value": values})


def test_a_turn_with_a_falling_training_loss_is_overfitting_and_with_a_rising_one_is_not():
    for given in (None, training(3 - AT / 1000)):
        rows = overfit(LOSSES, given, SETTINGS)
        assert list(rows.columns) == list(COLUMNS) and list(rows["alarm"]) == ["overfit"]
    assert overfit(LOSSES, training(VALLEY - 0.1), SETTINGS).empty


def test_the_rule_of_thumb_counts_rises_in_a_row():
    assert naive(np.array([3, 2, 2.1, 2.0, 2.1, 2.2, 1.0])) == 5
    assert naive(np.array([3, 2, 2.1, 2.0, 2.1, 2.0])) is None
    assert naive(np.array([3, 2, 2.1]), rises=1) == 2
