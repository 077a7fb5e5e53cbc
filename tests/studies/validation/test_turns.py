"""Where validation turned: by hindsight, by the alarm, by the rule of thumb; what style and accuracy did since."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.validation.turns import course, gains, rises, turn, turns

STEPS = np.arange(1, 25) * 10
RNG = np.random.default_rng(0)


def rows(corpus="few", turning=True, seed=2):
    """A run whose held-out loss turns in the middle, or does not, with accuracy that falls from there or rises."""
    bend = 0.05 * np.maximum(0, np.arange(24) - 12) if turning else 0.0
    held_out = 1 + 5 * STEPS**-0.8 + bend + 0.003 * RNG.normal(size=24)
    accuracy = 50 - 2.0 * np.abs(np.arange(24) - 12) if turning else np.arange(24.0)
    return pd.DataFrame(
        {"corpus": corpus, "seed": seed, "step": STEPS, "tokens": 1000 * STEPS, "total": held_out, "expert": held_out}
        | {"own text": 3 - STEPS / 100, "style": 2 - STEPS / 200, "accuracy": accuracy}
    )


def test_a_turn_is_found_after_the_minimum_and_what_was_lost_since_is_counted():
    known = turn(rows(), "total")
    assert known["lowest"] == pytest.approx(130, abs=20) and known["rise"] > 0.4
    assert known["alarm"] > known["lowest"] and 0 < known["alarm_late"] <= 8
    assert known["accuracy_end"] < known["accuracy_alarm"] <= known["accuracy_lowest"]
    assert np.isfinite(known["naive"])


def test_a_run_that_only_falls_sets_off_nothing():
    known = turn(rows("once", turning=False), "total")
    assert np.isnan(known["alarm"]) and np.isnan(known["alarm_late"])
    assert known["accuracy_alarm"] == known["accuracy_end"]


def test_every_run_is_asked_twice_and_gains_are_from_a_quarter_on():
    courses = pd.concat([rows(), rows("once", turning=False)], ignore_index=True)
    assert len(turns(courses)) == 4
    gained = gains(courses).set_index("corpus")
    first = STEPS[STEPS >= 60][0]
    assert gained.loc["once", "accuracy"] == 23 - np.flatnonzero(first == STEPS)[0]
    assert gained.loc["few", "style"] == pytest.approx(-(240 - first) / 200)


def test_the_loss_of_a_mix_weighs_sources_and_slips_are_validated_without_slips():
    domains = pd.DataFrame(
        [(5, 500, name, nll) for name, nll in (("expert", 1.0), ("other", 2.0), ("prose", 4.0), ("own text", 0.5))],
        columns=["step", "tokens", "domain", "nll"],
    )
    outcomes = pd.DataFrame({"step": 5, "task": ["a", "a", "b"], "correct": [True, False, True]})
    shares = {"wrong": 0.5, "other-wrong": 0.25, "prose": 0.25}
    run = SimpleNamespace(table={"domains": domains, "outcomes": outcomes}.__getitem__, config={"corpus": {"shares": shares}})
    told = course(run, "slips", 2).iloc[0]
    assert told["total"] == pytest.approx(0.5 + 0.5 + 1.0) and told["style"] == 1.5
    assert told["accuracy"] == 75.0


def test_steps_of_a_moving_mean_that_rise():
    assert rises(np.array([3.0, 2.0, 2.5, 1.0]), 1) == pytest.approx(1 / 3)
    assert rises(np.array([4.0, 2.0, 3.0, 0.0]), 2) == 0.0
    assert np.isnan(rises(np.array([1.0]), 2))
