"""Quantities of claims over runs: known ratios come out, few runs decide nothing, the scoreboard gets what there is."""

import numpy as np
import pandas as pd
import pytest
from studies.forecasting.lab_trainings import BOOTSTRAP, several

from proxylib.studies.forecasting import lab_claims, lab_methods
from proxylib.studies.forecasting.lab_runs import SIGNALS


@pytest.fixture(scope="module")
def runs():
    return several()


@pytest.fixture(scope="module")
def seen(runs):
    return lab_methods.forecasts(runs, 18)


def drawn(seen, runs=None):
    pairs = seen.off.copy()
    pairs[runs:] = runs is None
    return lab_claims.Draws(pairs, BOOTSTRAP)


def test_errors_are_over_the_pairs_that_count_and_runs_are_drawn_whole():
    pairs = np.array([[True, False], [True, True], [False, False], [True, True]])
    errors = np.array([[3.0, 99], [4, 0], [99, 99], [1, 2]])
    drawn = lab_claims.Draws(pairs, BOOTSTRAP)
    roots = drawn.root(errors)
    assert roots[0] == pytest.approx(np.sqrt(30 / 5)) and drawn.runs.tolist() == [0, 1, 3]
    assert set(np.round(roots[1:] ** 2, 6)) <= {
        round((9 * a + 16 * b + 5 * c) / (a + 2 * b + 2 * c), 6) for a in range(4) for b in range(4 - a) for c in [3 - a - b]
    }


def test_a_proxy_that_knows_errs_less_and_fewer_than_three_runs_decide_nothing(seen):
    lucky = lab_methods.forecasts(several(problems=600, lucky=True), 18)
    ratio = lab_claims.ratio_to_better(lucky, drawn(lucky))
    assert 0 < ratio.low < ratio.estimate < ratio.high < 0.9
    assert lab_claims.over_last(seen, drawn(seen)).high < 0
    few = lab_claims.ratio_to_better(seen, drawn(seen, 2))
    assert np.isfinite(few.estimate) and np.isnan([few.low, few.high]).all()
    none = lab_claims.Draws(np.zeros_like(seen.off), BOOTSTRAP)
    assert np.isnan(lab_claims.ratio_to_better(seen, none)).all()


def test_the_better_of_the_two_alternatives_is_chosen_anew_in_every_draw(seen):
    by_method = lab_methods.methods(seen)
    draws = drawn(seen)
    prose, power = (
        draws.root(by_method[key][0] - seen.target)
        for key in ((lab_claims.PROSE_METHOD, "own"), ("power law in steps", "none"))
    )
    proxy = draws.root(by_method[lab_methods.EIGHTY, "own"][0] - seen.target)
    assert lab_claims.ratio_to_better(seen, draws).estimate == pytest.approx(proxy[0] / min(prose[0], power[0]))
    assert lab_claims.ratio_to_better(seen, draws) == draws.interval(proxy / np.minimum(prose, power), logs=True)


def test_a_loss_that_is_a_power_law_extends_and_says_nothing_of_tasks_that_it_does_not_know(runs, seen):
    parts = lab_claims.loss_and_tasks(runs, seen, drawn(seen))
    assert parts["loss"].estimate < 0.02
    assert parts["difference"].estimate == pytest.approx(parts["loss"].estimate - parts["accuracy"].estimate)


def test_early_ranks_are_high_where_the_early_order_is_the_late_one_and_nothing_told_counts_as_none(runs):
    frame = lab_claims.early_ranks(runs, 0.95).set_index("signal")
    assert frame.loc["accuracy", "estimate"] > 0.3 and frame.loc["accuracy", "n"] == 5
    still = several(good=False)
    frame = lab_claims.early_ranks([run.__class__(**{**run.__dict__, "right": 0 * run.right}) for run in still], 0.95)
    assert (frame["estimate"] == 0).all()
    assert lab_claims.early_ranks(runs[:3], 0.95).empty


def test_luck_is_that_of_as_many_problems_again(runs):
    every = np.ones((5, 3), bool)
    p = np.stack([run.target for run in runs])
    assert lab_claims.luck(runs, every) == pytest.approx(np.sqrt((p * (1 - p) / 4000).mean()))
    assert np.isnan(lab_claims.luck(runs, ~every))


def test_when_signals_move_is_a_geometric_mean_over_tasks_then_runs():
    moved = pd.DataFrame(
        {"run": ["r", "r", "s", "t"], "task": ["a", "b", "a", "a"], "signal": "x", "share": [0.1, 0.4, 0.2, 0.2]}
    )
    row = lab_claims.first_moved(moved, 0.95).iloc[0]
    assert row["estimate"] == pytest.approx(0.2) and row["n"] == 3 and row["low"] == pytest.approx(row["high"])


def test_the_scoreboard_gets_rows_that_have_an_estimate():
    rows = [
        ("pretraining", "half-error", 0.7, 0.5, 0.9, 1.0, 6),
        ("post-training", "half-error", np.nan, np.nan, np.nan, 1.0, 0),
    ]
    frame = lab_claims.estimates(pd.DataFrame(rows, columns=["phase", *lab_claims.CLAIM_COLUMNS]), 0.95)
    assert frame["claim"].tolist() == ["forecast-half-error"] and frame.iloc[0][["null", "n", "n_unit"]].tolist() == [
        1.0,
        6,
        "training runs",
    ]
    assert SIGNALS[-1] == "prose_nll"


def test_runs_that_all_agree_are_no_certainty():
    every, none = (lab_claims.mean_of_runs([share] * 6, 0.95) for share in (1.0, 0.0))
    assert every.estimate == 1 and 0.5 < every.low < 0.7 and none.high == pytest.approx(1 - every.low)
    assert lab_claims.mean_of_runs([0.2, 0.4, 0.6], 0.95).estimate == pytest.approx(0.4)
    assert np.isnan(lab_claims.mean_of_runs([1.0, 1.0], 0.95).low)


def test_contrasts_are_ratios_of_the_errors_that_they_name(seen):
    whole = lab_claims.Draws(np.ones_like(seen.off), BOOTSTRAP)
    frame = lab_claims.contrasts(seen, drawn(seen), whole).set_index("what")
    by_method = lab_methods.methods(seen)
    keys = (lab_methods.EIGHTY, "borrowed"), ("where other runs end", "none")
    errors = [whole.root(by_method[key][0] - seen.target)[0] for key in keys]
    assert frame.loc["over where other runs end", "estimate"] == pytest.approx(errors[0] / errors[1])
    assert frame.loc["minus the last accuracy", "high"] < 0 and (frame["n"] == 15).all()
