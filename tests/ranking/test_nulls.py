"""What chance gives: nulls against the protocol run again."""

import dataclasses

import numpy as np
import pytest
from ranking.panels import mean_rho, ones, panel

from proxylib.ranking import nulls, protocols, rankers, summaries


def test_the_null_repeats_the_choice_of_feature_and_sign():
    panels = [panel(seed, rounded=True) for seed in (1, 2)]
    found = nulls.best_of_null(panels, 20, 7)
    orders = nulls._permutations(np.zeros(12), 20, 7)
    for best, order in zip(found, orders, strict=True):
        assert sorted(order) == list(range(12))
        merit = [  # one choice for both seeds, from the same permutation of whole rows
            np.mean([mean_rho(sign * p.features[:, :, f], p.accuracy[order]) for p in panels])
            for f in range(6)
            for sign in (-1, 1)
        ]
        assert best == pytest.approx(max(merit), abs=1e-11)
    assert len(np.unique(found)) > 10


def test_families_are_exchanged_whole_and_only_for_families_of_their_size():
    families = np.array(["a", "b", "a", "b", "c", "c", "d"])
    orders = nulls._permutations(families, 500, 3)
    for order in orders:
        assert sorted(order) == list(range(7)) and order[6] == 6
        for label in "abc":
            assert len(set(families[order[families == label]])) == 1
    # six ways to place three families, two orders inside each: all 48 occur
    assert len({tuple(order) for order in orders}) == 48


def test_the_null_of_whole_families_is_wider_where_both_sides_go_by_family():
    made = panel(3)
    rng = np.random.default_rng(5)
    level = {label: rng.normal() for label in set(made.families)}
    skill = np.array([level[label] for label in made.families])[:, None]
    accuracy = skill + 0.01 * rng.normal(size=made.accuracy.shape)
    features = rng.normal(size=made.features.shape) + 9 * skill[:, :, None] * rng.normal(size=made.features.shape[2])
    clustered = dataclasses.replace(made, accuracy=accuracy, features=features)
    free, whole = (np.quantile(nulls.best_of_null(clustered, 400, 1, way), 0.9) for way in (False, True))
    assert whole > free + 0.05


def test_with_one_feature_the_null_is_an_absolute_correlation():
    made = panel(features=1)
    found = nulls.best_of_null(made, 400, 1)
    assert (found >= 0).all()
    signed = [mean_rho(made.features[:, :, 0], made.accuracy[order]) for order in nulls._permutations(np.zeros(12), 400, 1)]
    assert min(signed) < -0.2 and found == pytest.approx(np.abs(signed), abs=1e-11)


def test_the_null_of_the_choice_is_the_protocol_run_again():
    panels = [panel(seed, rounded=True) for seed in (1, 2)]
    found = nulls.choice_null(panels, 6, 7)
    for value, order in zip(found, nulls._permutations(np.zeros(12), 6, 7), strict=True):
        again = []
        for made in panels:
            permuted = dataclasses.replace(made, accuracy=made.accuracy[order])
            frame = protocols.leave_tasks_out(permuted, rankers.Univariate())
            again.append(summaries.rho(frame, permuted, ones(made))[0])
        assert value == pytest.approx(np.mean(again), abs=1e-10)


def test_the_best_of_eighty_noise_features_is_far_above_what_its_choice_is_worth():
    made = panel(5, families=6, tasks=8, features=80, signal=0.0)
    in_sample = np.abs(nulls.univariate_rho(made)).max()
    held_out = summaries.rho(protocols.leave_tasks_out(made, rankers.Univariate()), made, ones(made))[0]
    null = nulls.best_of_null(made, 300, 1)
    assert in_sample > 0.15 and in_sample > held_out + 0.1
    assert np.quantile(null, 0.01) < in_sample < np.quantile(null, 0.99)
    knows = panel(5, families=6, tasks=8, features=80, signal=1.0)
    assert np.abs(nulls.univariate_rho(knows)).max() > nulls.best_of_null(knows, 300, 1).max()
