"""Forecasts of watched runs: the window alone is seen, choices are held in, a known signal is recognised."""

from dataclasses import replace

import numpy as np
import pytest
from studies.forecasting.lab_trainings import GOOD, STEPS, several, trained

from proxylib.measure import proxies
from proxylib.studies.forecasting import lab_methods
from proxylib.studies.forecasting.lab_runs import SIGNALS


@pytest.fixture(scope="module")
def runs():
    return several()


@pytest.fixture(scope="module")
def seen(runs):
    return lab_methods.forecasts(runs, 18)


def root(values, seen):
    return float(np.sqrt(((values - seen.target)[seen.off] ** 2).mean()))


def test_a_proxy_that_is_a_power_law_foretells_an_accuracy_that_is_a_line_of_it(seen):
    assert seen.off.all() and not seen.failed.any()
    line = lab_methods.MAPS.index("line")
    assert np.abs(seen.by_signal[:, :, GOOD, line] - seen.target).max() < 0.02
    by_method = lab_methods.methods(seen)
    assert root(by_method[lab_methods.EIGHTY, "own"][0], seen) < 0.02 < root(by_method[lab_methods.LAST_SCORE, "none"][0], seen)
    assert (lab_methods.chosen(seen, proxies.NAMES, lab_methods.OWN)[2] == GOOD * 2).all()


def test_nothing_after_the_window_is_seen(runs, seen):
    window = runs[0].window(18)
    late = np.arange(len(STEPS)) > window[-1]
    rng = np.random.default_rng(3)
    spoilt = []
    for run in runs:
        right, signals = run.right.copy(), run.signals.copy()
        right[:, late], signals[:, :, late] = 0, rng.random(signals[:, :, late].shape)
        spoilt.append(replace(run, right=right, signals=signals))
    again = lab_methods.forecasts(spoilt, 18)
    own = [lab_methods.MAPS.index(name) for name in lab_methods.OWN]
    assert np.array_equal(again.by_signal[..., own], seen.by_signal[..., own]) and np.array_equal(again.off, seen.off)
    for name in (lab_methods.LAST_SCORE, lab_methods.POWER, lab_methods.LOG_POWER):
        assert np.array_equal(again.alone[name], seen.alone[name])


def test_a_borrowed_map_reads_the_other_runs_alone(runs, seen):
    spoilt = replace(runs[0], right=np.zeros_like(runs[0].right))
    again = lab_methods.forecasts([spoilt, *runs[1:]], 18)
    borrowed = [lab_methods.MAPS.index(name) for name in lab_methods.BORROWED]
    assert np.array_equal(again.by_signal[0][..., borrowed], seen.by_signal[0][..., borrowed])
    assert not np.array_equal(again.by_signal[1][..., borrowed], seen.by_signal[1][..., borrowed])


def test_what_is_held_in_shares_neither_run_nor_task_with_the_pair():
    rng = np.random.default_rng(0)
    squares, off = rng.random((4, 3, 7)), np.ones((4, 3), bool)
    before = lab_methods.held_in(squares, off)
    other = squares.copy()
    other[2], other[:, 1] = rng.random((3, 7)), rng.random((4, 7))
    assert lab_methods.held_in(other, off)[2, 1] == before[2, 1]
    side = np.delete(np.delete(squares, 2, 0), 1, 1).reshape(-1, 7)
    assert before[2, 1] == side.mean(0).argmin()
    off[:] = False
    off[0, 0] = True
    assert lab_methods.held_in(squares, off)[2, 1] == squares[0, 0].argmin()
    assert (lab_methods.held_in(squares[:1, :1], off[:1, :1]) == 0).all()


def test_scores_that_never_moved_leave_the_last_one_and_are_counted():
    run = trained()
    still = replace(run, right=np.tile(run.right[:, :1], (1, len(STEPS))))
    seen = lab_methods.forecasts([still, run], 18)
    own = [lab_methods.MAPS.index(name) for name in lab_methods.OWN]
    assert seen.failed[0][..., own].all() and not seen.failed[1][..., own].any()
    assert np.array_equal(seen.by_signal[0][..., own[0]], np.tile(seen.last[0][:, None], (1, len(SIGNALS))))
    assert np.isfinite(seen.by_signal).all() and all(np.isfinite(values).all() for values in seen.alone.values())


def test_a_window_of_too_few_checkpoints_forecasts_nothing():
    seen = lab_methods.forecasts([trained(steps=np.array([1, 4, 16, 64]))], 18)
    assert seen.failed.all() and np.array_equal(seen.alone[lab_methods.POWER], seen.last)


def test_the_best_of_eighty_beats_strangers_proxies_where_one_knows_and_not_where_none_does(runs, seen):
    null = lab_methods.strangers(runs, 18, seen.off, 5, 1)
    assert lab_methods.oracle(seen, seen.off) < 0.5 * null.min()
    lost = several(good=False)
    none = lab_methods.forecasts(lost, 18)
    null = lab_methods.strangers(lost, 18, none.off, 10, 1)
    assert null.min() * 0.7 < lab_methods.oracle(none, none.off) < null.max() * 1.5
