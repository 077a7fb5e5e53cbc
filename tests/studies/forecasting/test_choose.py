"""The backtest alone chooses, and what it taught is tried on what it did not see."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.forecasting import choose


def replayed(values, score, last, runs, tasks=None):
    """Rows of tests from [n, m] values."""
    names = ["persistence", *(f"m{number}" for number in range(values.shape[1] - 1))]
    rows = [
        (
            tasks[n] if tasks is not None else "a",
            runs[n],
            n,
            4.0,
            1e9 + n,
            names[m],
            values[n, m],
            score[n],
            last[n],
            0.1,
            False,
            "",
        )
        for n in range(len(score))
        for m in range(values.shape[1])
    ]
    columns = ["task", "run", "tested", "horizon", "x", "method", "estimate", "score", "last", "doubt", "failed", "fallback"]
    return pd.DataFrame(rows, columns=columns)


def test_a_method_that_is_clearly_right_is_chosen_and_its_own_fold_has_no_say_in_what_is_reported():
    score, last = np.full(4, 0.5), np.full(4, 0.3)
    values = np.array([[0.3, 0.5, 0.52], [0.3, 0.5, 0.51], [0.3, 0.5, 0.45], [0.3, 0.5, 0.9]])
    outcome = choose.choose(choose.panel(replayed(values, score, last, ["r0", "r1", "r2", "r3"])))
    assert outcome.chosen == "m0" and outcome.honest == pytest.approx(np.full(4, 0.5))
    values[3, 1] = 0.1  # wrong in one run: no longer chosen, but in the fold that leaves this run out it would have been
    outcome = choose.choose(choose.panel(replayed(values, score, last, ["r0", "r1", "r2", "r3"])))
    assert outcome.chosen == choose.MEAN and outcome.honest[3] == pytest.approx(0.1)


def test_a_method_that_is_less_wrong_on_the_whole_and_not_at_every_pair_is_not_chosen():
    score, last = np.array([0.5, 0.5, 0.5, 0.32]), np.full(4, 0.3)
    outcome = choose.choose(choose.panel(replayed(np.column_stack([last, np.full(4, 0.5)]), score, last, list("abcd"))))
    error = lambda name: np.mean((outcome.values[:, outcome.names.index(name)] - score) ** 2)
    assert error("m0") < error(choose.MEAN) and outcome.chosen == choose.MEAN


def test_what_is_wrong_somewhere_gives_way_to_the_weighted_mean_which_shares_weight():
    rng = np.random.default_rng(2)
    last, move = np.full(24, 0.3), rng.uniform(0.1, 0.2, 24)
    score = last + move
    values = np.column_stack([last, *(score + rng.normal(0, 0.05, (4, 24)))])
    outcome = choose.choose(choose.panel(replayed(values, score, last, [f"r{n}" for n in range(24)])))
    error = lambda name: np.sqrt(np.mean((outcome.values[:, outcome.names.index(name)] - score) ** 2))
    assert outcome.chosen == choose.MEAN and (outcome.learnt.mean[1:] > 0.1).all()
    assert error(choose.MEAN) < 0.8 * min(error(f"m{n}") for n in range(4))
    assert outcome.values[:, -1] == pytest.approx(np.median(values, axis=1))  # the last name is the median's
    assert outcome.names[-1] == choose.MEDIAN


def test_a_pair_counts_once_however_often_it_was_asked():
    values = np.array([[0.3, 0.5]] * 9 + [[0.3, 0.4]])
    score, last = np.array([0.5] * 9 + [0.3]), np.full(10, 0.3)
    given = choose.panel(replayed(values, score, last, ["r0"] * 9 + ["r1"]))
    assert given.weights[:9].sum() == pytest.approx(0.5) and given.unit == "moments"
    assert given.error(given.values) == pytest.approx([np.sqrt(0.5 * 0.2**2), np.sqrt(0.5 * 0.1**2)])


def test_steps_that_overshoot_are_shrunk_by_as_much_and_weights_add_up_to_one_at_most():
    rng = np.random.default_rng(0)
    last, move = rng.uniform(0.2, 0.5, 40), rng.normal(0.1, 0.02, 40)
    score = last + move
    values = np.column_stack([last, last + 2 * move, last + rng.normal(0, 0.1, 40)])
    given = choose.panel(replayed(values, score, last, [f"r{n}" for n in range(40)]))
    learnt = choose.learn(given, np.arange(40))
    assert learnt.shrink[1] == pytest.approx(0.5) and learnt.shrink[2] < 0.5 and learnt.shrink[0] == 0
    assert learnt.mean[1] == pytest.approx(0.5, abs=0.03) and (learnt.mean >= 0).all() and learnt.mean.sum() <= 1 + 1e-12
    outcome = choose.choose(given)
    mean = outcome.values[:, outcome.names.index(choose.MEAN)]
    assert np.abs(mean - score).max() < 0.02


def test_where_nothing_moves_persistence_is_chosen():
    rng = np.random.default_rng(1)
    last = rng.uniform(0.2, 0.5, 12)
    values = np.column_stack([last, last + rng.normal(0, 0.05, 12)])
    outcome = choose.choose(choose.panel(replayed(values, last, last, [f"r{n}" for n in range(12)])))
    assert outcome.chosen == "persistence"
