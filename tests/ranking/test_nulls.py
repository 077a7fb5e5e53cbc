"""What chance gives: nulls against the protocol run again."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from ranking.panels import BOOTSTRAP, SVM, mean_rho, ones, panel
from scipy import stats as reference

from proxylib.errors import UserError
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


def test_what_is_emptied_keeps_everything_but_the_signal():
    made = panel(6)
    empty = {kind: nulls.emptied(made, kind, np.random.default_rng(1)) for kind in nulls.KINDS}
    shuffled = empty[nulls.SHUFFLED]
    assert (shuffled.features == made.features).all() and (shuffled.accuracy != made.accuracy).any()
    assert sorted(map(tuple, shuffled.accuracy)) == sorted(map(tuple, made.accuracy))  # rows whole: tasks stay together
    for kind in (nulls.OF_MODEL, nulls.OF_TASK):
        assert (empty[kind].accuracy == made.accuracy).all() and empty[kind].features.shape == made.features.shape
        assert len(np.unique(empty[kind].features)) == made.features[:, : 1 if kind == nulls.OF_MODEL else None].size
    of_model = empty[nulls.OF_MODEL].features
    assert (of_model == of_model[:, :1]).all()


@pytest.fixture(scope="module")
def found():
    """Two rankers on a panel with a strong signal, and one of them on other features of the same shape."""
    made, other = panel(7, families=6), panel(8, families=6)
    other = dataclasses.replace(other, accuracy=made.accuracy)
    methods = {"one": ([made], rankers.Univariate()), "svm": ([made], SVM), "svm, other": ([other], SVM)}
    return methods, nulls.fitted_nulls(methods, BOOTSTRAP, 3)


def test_fits_without_a_signal_are_the_protocols_on_emptied_panels(found):
    methods, empty = found
    assert len(empty.table) == 3 * 3 * 3 and set(empty.table["repeats"]) == {3}
    for method, kind in itertools.product(methods, nulls.KINDS):
        ([made], ranker), number = methods[method], nulls.KINDS.index(kind)
        panels = [nulls.emptied(made, kind, np.random.default_rng([BOOTSTRAP.seed, number, r, 0])) for r in range(3)]
        rhos = [summaries.rho(protocols.leave_family_out(p, ranker), p, ones(p))[0] for p in panels]
        row = empty.table.query("method == @method and kind == @kind and protocol == 'leave-family-out'").iloc[0]
        assert row["mean"] == pytest.approx(np.mean(rhos))
        high = np.mean(rhos) + reference.t.ppf(0.95, 2) * np.std(rhos, ddof=1) * np.sqrt(4 / 3)
        assert row["high"] == pytest.approx(min(1, high))


def test_the_null_that_decides_has_the_highest_mean_and_the_bar_is_the_highest(found):
    _, empty = found
    bars = nulls.bars(empty.table).set_index(["method", "protocol"])
    assert len(bars) == 9
    for keys, part in empty.table.groupby(["method", "protocol"]):
        assert bars.loc[keys, "null_mean"] == part["mean"].max() == part.loc[part["decides"], "mean"].item()
        assert bars.loc[keys, "null_high"] == part["high"].max()
        assert empty.drawn[keys][:, 0] == pytest.approx([part["mean"].max()])
    # the same ranker on as many random numbers is the same fit; on shuffled scores it is not
    svm, other = (empty.table[empty.table["method"] == name].reset_index(drop=True) for name in ("svm", "svm, other"))
    alike = (svm["mean"] == other["mean"]).groupby(svm["kind"]).all()
    assert alike.to_dict() == {nulls.SHUFFLED: False, nulls.OF_MODEL: True, nulls.OF_TASK: True}


def test_enough_random_numbers_of_a_model_remember_it_on_other_tasks_and_nothing_about_a_family():
    made = panel(9, families=6, sizes=5, features=40)
    table = nulls.fitted_nulls({"svm": ([made], SVM)}, BOOTSTRAP, 3).table.set_index(["protocol", "kind"])["mean"]
    assert table["leave-tasks-out", nulls.OF_MODEL] > 0.35
    assert abs(table["leave-family-out", nulls.OF_MODEL]) < 0.25 and abs(table["leave-tasks-out", nulls.OF_TASK]) < 0.25


def test_a_method_minus_its_null_is_paired_on_the_draws_of_families(found):
    methods, empty = found
    ways = (protocols.leave_tasks_out, protocols.leave_family_out, protocols.leave_both_out)
    predictions = {
        name: [pd.concat([way(made, ranker) for way in ways], ignore_index=True)] for name, ([made], ranker) in methods.items()
    }
    made = methods["one"][0][0]
    gaps = nulls.minus_null([made], predictions, empty, BOOTSTRAP)
    assert len(gaps) == 9 and set(gaps["quantity"]) == {nulls.MINUS_NULL}
    families = summaries.families_drawn(made, BOOTSTRAP)
    for row in gaps.itertuples():
        part = predictions[row.method][0].query("protocol == @row.protocol")
        real = summaries.rho(part, made, families.weights) - empty.drawn[row.method, row.protocol][0]
        assert (row.estimate, row.low, row.high) == pytest.approx(tuple(families.drawn(real).interval()))
    strong = gaps.set_index(["method", "protocol"]).loc[("svm", "leave-family-out")]
    assert strong["low"] > 0  # the signal is there


def test_one_repeat_has_no_spread():
    with pytest.raises(UserError, match="1 repeat, at least 2 are needed"):
        nulls.fitted_nulls({"one": ([panel()], rankers.Univariate())}, BOOTSTRAP, 1)
