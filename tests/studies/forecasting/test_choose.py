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


def test_the_least_wrong_is_chosen_and_its_own_fold_has_no_say_in_what_is_reported():
    score, last = np.array([0.5, 0.5, 0.5]), np.array([0.3, 0.3, 0.3])
    values = np.array([[0.3, 0.5, 0.4], [0.3, 0.9, 0.45], [0.3, 0.9, 0.45]])  # m0 is right in run 0 alone
    outcome = choose.choose(choose.panel(replayed(values, score, last, ["r0", "r1", "r2"])))
    assert outcome.chosen.startswith(("m1", choose.MEAN))
    assert outcome.honest[0] != pytest.approx(0.5, abs=1e-6)  # m0's luck in run 0 is not the choice's


def test_who_wins_only_by_its_own_fold_is_not_what_the_choice_would_have_said_there():
    """m0 is right in run 0 and a little wrong elsewhere, m1 the other way round: over all m0 wins, without run 0 m1 does."""
    score, last = np.full(3, 0.5), np.full(3, 0.1)
    values = np.array([[0.1, 0.5, 0.2], [0.1, 0.4, 0.45], [0.1, 0.4, 0.45]])
    given = choose.panel(replayed(values, score, last, ["r0", "r1", "r2"]))
    outcome = choose.choose(given)
    assert outcome.chosen == "m0" and outcome.honest == pytest.approx([0.2, 0.4, 0.4])


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
