"""Baselines that look at accuracies: at those that they may see, and never at others."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from ranking.panels import BOOTSTRAP, changed, ones, panel, scramble

from proxylib.errors import UserError
from proxylib.ranking import baselines, protocols, summaries


def agreeing(noise=0.0, seed=0):
    """A panel whose tasks all follow one skill."""
    rng = np.random.default_rng(seed)
    skill = np.linspace(-2, 2, 12)[:, None] * np.array([1.0, 2.0, 0.5, 1.5]) + noise * rng.standard_normal((12, 4))
    return dataclasses.replace(panel(seed), accuracy=0.1 + 0.9 / (1 + np.exp(-skill)))


@pytest.mark.parametrize("baseline", [baselines.held_in_score, baselines.principal_component])
def test_held_in_accuracies_are_perfect_where_tasks_agree_and_useless_where_they_do_not(baseline):
    made = agreeing()
    assert summaries.rho(baseline(made), made, ones(made)) == pytest.approx(1)
    apart = dataclasses.replace(made, accuracy=np.random.default_rng(4).uniform(size=(12, 4)))
    assert abs(summaries.rho(baseline(apart), apart, ones(apart))) < 0.5


@pytest.mark.parametrize("baseline", [baselines.held_in_score, baselines.principal_component])
def test_held_in_baselines_never_see_a_held_out_accuracy(baseline):
    made = panel()
    garbage = changed(made, accuracy=lambda a: scramble(a, slice(None), [0, 1]))
    before, after = baseline(made), baseline(garbage)
    fold = before["fold"] == 0
    pd.testing.assert_frame_equal(before[fold], after[fold])
    assert not np.allclose(before["score"], after["score"])
    assert list(before.columns) == protocols.COLUMNS and len(before) == 6 * 2 * 12


def test_the_held_in_score_weighs_tasks_by_standardised_accuracy():
    made = panel(features=3)
    frame = baselines.held_in_score(made, k=1)
    held_in = made.accuracy[:, 1:]
    expected = ((held_in - held_in.mean(0)) / held_in.std(0)).mean(1)
    found = frame[frame["fold"] == 0].set_index("model")["score"].loc[made.models]
    assert np.corrcoef(found, expected)[0, 1] == pytest.approx(1)


def test_the_component_of_held_in_accuracies_is_the_leading_one():
    made = panel(features=3)
    frame = baselines.principal_component(made, k=1)
    z = (made.accuracy[:, 1:] - made.accuracy[:, 1:].mean(0)) / made.accuracy[:, 1:].std(0)
    leading = np.linalg.eigh(np.cov(z.T))[1][:, -1]
    found = frame[frame["fold"] == 0].set_index("model")["score"].loc[made.models]
    assert np.corrcoef(found, z @ leading * np.sign(leading.sum()))[0, 1] == pytest.approx(1)


def test_observational_scaling_recovers_a_logistic_skill_and_never_sees_the_family():
    made = agreeing()
    frame = baselines.observational_scaling(made, components=1)
    assert summaries.rho(frame, made, ones(made)) > 0.98
    # the task's own accuracies of the family are unseen; its other tasks' are what it is predicted from
    garbage = changed(made, accuracy=lambda a: scramble(a, slice(3), 0))
    after = baselines.observational_scaling(garbage, components=1)
    unseen = (frame["family"] == "family 0") & (frame["task"] == "task 0")
    assert frame.loc[unseen, "score"].to_numpy() == pytest.approx(after.loc[unseen, "score"].to_numpy())
    assert not np.allclose(frame["score"], after["score"])


def test_the_curve_has_a_floor_of_at_most_a_fifth():
    x = np.linspace(-6, 3, 30)[:, None]
    kept = np.arange(30) % 3 > 0
    planted = lambda floor: floor + (1 - floor) / (1 + np.exp(-(0.5 + 1.5 * x[:, 0])))
    assert baselines._logistic_prediction(x, planted(0.15), kept) == pytest.approx(planted(0.15), abs=1e-4)
    assert baselines._logistic_prediction(x, planted(0.4), kept)[0] < 0.3


def test_a_curve_that_cannot_be_fitted_leaves_nan_throughout(monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("no convergence")

    made = agreeing()
    monkeypatch.setattr(baselines, "curve_fit", fails)
    frame = baselines.observational_scaling(made)
    assert frame["score"].isna().all()
    assert np.isnan(summaries.rho(frame, made, ones(made))).all()
    assert np.isnan(summaries.pair_agreement(frame, made, ones(made))).all()
    assert summaries.summary([made], {"curve": [frame]}, BOOTSTRAP)[["estimate", "low", "high"]].isna().all(axis=None)


def test_observational_scaling_wants_shares():
    with pytest.raises(UserError, match="shares between 0 and 1"):
        baselines.observational_scaling(changed(panel(), accuracy=lambda a: np.multiply(a, 100, out=a)))
