"""Decision accuracy against a brute-force oracle."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from proxylib.errors import UserError
from proxylib.ranking import decision
from proxylib.ranking.decision import decision_accuracy


def brute_force(predicted, target, weights):
    """Write out every copy of every candidate and compare all copies of different candidates."""
    copies = [i for i, weight in enumerate(weights) for _ in range(weight)]
    credit = []
    for i, j in itertools.combinations(copies, 2):
        if i == j or target[i] == target[j]:
            continue
        if predicted[i] == predicted[j]:
            credit.append(0.5)
        else:
            credit.append(float((predicted[i] > predicted[j]) == (target[i] > target[j])))
    return sum(credit) / len(credit) if credit else math.nan


# few distinct values, so that ties are common
candidates = st.integers(2, 7).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
        st.lists(st.integers(0, 3), min_size=n, max_size=n),
    )
)


@given(candidates)
@trials(max_examples=300, deadline=None)
def test_decision_accuracy_equals_brute_force(case):
    predicted, target, weights = case
    assert decision_accuracy(predicted, target, weights) == pytest.approx(brute_force(*case), nan_ok=True)
    ones = [1] * len(target)
    assert decision_accuracy(predicted, target) == pytest.approx(brute_force(predicted, target, ones), nan_ok=True)


@given(candidates)
@trials(max_examples=100, deadline=None)
def test_rows_of_weights_are_separate_draws(case):
    predicted, target, weights = case
    rows = np.array([weights, [1] * len(weights), weights[::-1]])
    together = decision_accuracy(predicted, target, rows)
    assert together.shape == (3,)
    alone = [decision_accuracy(predicted, target, row) for row in rows]
    np.testing.assert_allclose(together, alone, equal_nan=True)


@given(candidates)
@trials(max_examples=100, deadline=None)
def test_reversing_the_prediction_reverses_the_answer(case):
    predicted, target, weights = case
    forward = decision_accuracy(predicted, target, weights)
    backward = decision_accuracy(-np.array(predicted), target, weights)
    assert (math.isnan(forward) and math.isnan(backward)) or forward + backward == pytest.approx(1)


@given(candidates)
@trials(max_examples=100, deadline=None)
def test_only_the_order_matters(case):
    predicted, target, weights = case
    stretched = decision_accuracy(np.exp(predicted), 3 * np.array(target) ** 3 - 7, weights)
    assert stretched == pytest.approx(decision_accuracy(predicted, target, weights), nan_ok=True)


def test_closed_forms():
    target = [1.0, 2.0, 3.0, 4.0]
    assert decision_accuracy(target, target) == 1
    assert decision_accuracy(target[::-1], target) == 0
    assert decision_accuracy([5, 5, 5, 5], target) == 0.5
    assert decision_accuracy([1, 2, 4, 3], target) == pytest.approx(5 / 6)
    assert decision_accuracy([1, 2, 3, 3], target) == pytest.approx(5.5 / 6)
    assert decision_accuracy([9, 1, 2], [1, 1, 2]) == 0.5  # the pair tied in the target is left out
    assert math.isnan(decision_accuracy([1, 2], [3, 3]))


def test_a_candidate_never_meets_itself():
    predicted, target = [2.0, 1.0], [1.0, 2.0]
    assert decision_accuracy(predicted, target, [5, 1]) == 0  # nine copies of two candidates: one kind of pair, wrong
    assert math.isnan(decision_accuracy(predicted, target, [6, 0]))
    right, counted = decision.pair_credits(np.array(predicted), np.array(target))
    assert np.diag(counted).sum() == np.diag(right).sum() == 0


@pytest.mark.parametrize(
    ("predicted", "target", "says"),
    [
        ([1.0], [1.0], "at least 2"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "give one each"),
        ([1.0, np.nan], [1.0, 2.0], "not finite"),
        ([1.0, 2.0], [np.inf, 2.0], "not finite"),
    ],
)
def test_bad_scores_are_refused(predicted, target, says):
    with pytest.raises(UserError, match=says):
        decision_accuracy(predicted, target)
