"""Clean power laws and first moves, against curves that are known."""

from dataclasses import replace

import numpy as np
import pytest
from studies.forecasting.lab_trainings import GOOD, STEPS, trained

from proxylib.laws.curves import Power
from proxylib.measure import proxies
from proxylib.studies.forecasting import lab_curves
from proxylib.studies.forecasting.lab_runs import SIGNALS

LOG = np.geomspace(7, 2916, 20)


def of_kind(kind, noise, rows=60, seed=0):
    """Series over `LOG` that move by a tenth, far from where a statistic ends."""
    rng = np.random.default_rng(seed)
    c, middle = np.exp(rng.uniform(np.log(0.1), np.log(1.2), rows))[:, None], rng.uniform(4, 6.5, rows)[:, None]
    values = {"power": -(LOG**-c), "logistic": 1 / (1 + np.exp(-(np.log(LOG) - middle) / 0.5)), "noise": np.zeros((rows, 20))}[
        kind
    ]
    span = np.maximum(np.ptp(values, axis=1, keepdims=True), 1e-9)
    scaled = (values - values.min(1, keepdims=True)) / span if kind != "noise" else values
    return 0.2 + 0.1 * (scaled + rng.normal(0, noise, scaled.shape))


@pytest.mark.parametrize(("kind", "least", "most"), [("power", 0.9, 1.0), ("logistic", 0.0, 0.1), ("noise", 0.0, 0.05)])
def test_power_laws_are_clean_and_other_curves_are_not(kind, least, most):
    values = of_kind(kind, 0.01, rows=3 * len(SIGNALS)).reshape(3, len(SIGNALS), 20)
    values[:, [name.startswith("rank|") for name in SIGNALS]] += 1  # the first rank is 1
    run = trained(tasks=3)
    frame = lab_curves.clean([replace(run, steps=LOG, right=run.right[:, :20], signals=values)])
    assert len(frame) == 3 * len(proxies.NAMES) and least <= frame["clean"].mean() <= most


def test_a_small_bend_that_a_spline_follows_is_no_power_law():
    values = of_kind("power", 0.001, rows=3 * len(SIGNALS)) + 0.1 * 0.05 * np.sin(np.log(LOG))
    values = values.reshape(3, len(SIGNALS), 20)
    values[:, [name.startswith("rank|") for name in SIGNALS]] += 1
    run = trained(tasks=3)
    frame = lab_curves.clean([replace(run, steps=LOG, right=run.right[:, :20], signals=values)])
    assert (frame["law"] < lab_curves.CLOSE).mean() > 0.9 and frame["clean"].mean() < 0.2


def test_errors_left_out_are_those_of_fits_without_the_point():
    values = of_kind("power", 0.02, rows=3)
    errors = lab_curves.left_out_by_power(LOG, values, np.full(3, -np.inf), np.full(3, np.inf))
    kept = np.arange(20) != 5
    for row, error in zip(values, errors, strict=True):
        assert error[4] == pytest.approx(row[5] - float(Power().fit(LOG[kept], row[kept]).predict(LOG[5])), abs=5e-4)
    spline = lab_curves.left_out_by_spline(LOG, np.stack([np.log(LOG), np.log(LOG) ** 2]))
    assert spline.shape == (2, 18) and np.abs(spline[0]).max() < 1e-9


def test_a_signal_has_moved_from_the_first_of_two_checkpoints_on():
    moved = np.array([[0, 1, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]], bool)
    assert lab_curves.first_lasting(moved).tolist() == [3, 5, 5]


def test_a_step_is_seen_where_it_is_and_accuracy_by_the_floor():
    run = trained(tasks=1, problems=100)
    signals = run.signals * 0 + np.random.default_rng(0).normal(0, 0.001, run.signals.shape)
    signals[0, GOOD] += STEPS > 100
    right = np.where(STEPS > 500, 50.0, 2.0)[None]
    frame = lab_curves.earliest([replace(run, signals=signals, right=right)]).set_index("signal")["share"]
    spaced = STEPS[run.spaced]
    assert frame[SIGNALS[GOOD]] == pytest.approx(spaced[spaced > 100][0] / STEPS[-1])
    assert frame[lab_curves.ACCURACY] == pytest.approx(spaced[spaced > 500][0] / STEPS[-1])
    assert (frame.drop([SIGNALS[GOOD], lab_curves.ACCURACY]) > 0.9).mean() > 0.9


def test_a_slope_is_no_wobble():
    steps = np.arange(1, 101)
    values = np.stack([0.01 * steps, 0.01 * steps + np.where(steps % 2, 0.1, -0.1)])
    assert lab_curves.wobble(steps, values) == pytest.approx([0, 0.1], abs=0.01)
