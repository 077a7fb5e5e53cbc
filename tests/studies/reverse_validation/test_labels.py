"""Spending labels: every way comes to the true kappa as labels grow, and the two clever ways err less."""

import numpy as np
import pytest
from studies.reverse_validation.made_up import PLAN, bench

from proxylib.studies.reverse_validation import labels, worth

BENCH = bench()
TRUE = worth.sheet(BENCH)[worth.NOTES].to_numpy()
SPENT = labels.spent(BENCH, PLAN.model_copy(update={"labels": (20, 1000), "repeats": 60, "candidates": 20}))


@pytest.mark.parametrize("way", labels.WAYS)
def test_kappa_by_many_labels_is_the_true_one_and_by_few_it_is_not(way):
    many, few = SPENT[way, 1000], SPENT[way, 20]
    assert many.shape == (60, len(TRUE))
    np.testing.assert_allclose(many.mean(0), TRUE, atol=0.03)
    assert np.abs(few - TRUE).mean() > 2 * np.abs(many - TRUE).mean() > 0


def test_matching_errs_less_than_chance():
    errors = {way: np.abs(SPENT[way, 20] - TRUE).mean() for way in labels.WAYS}
    assert errors[labels.MATCHED] < 0.95 * errors[labels.RANDOM]


def test_random_labels_are_the_same_for_all_judges():
    facts = list(BENCH.judges["judge"]).index("rubric, strict")
    turned = list(BENCH.judges["judge"]).index("all turned round")
    first, second = SPENT[labels.RANDOM, 20][:, [facts, turned]].T
    assert set(np.round(first, 9)) <= {0.0, 1.0} and ((second < 0) == (first == 1)).all()


def test_half_on_passes_is_weighted_back():
    codes = np.repeat([0, 1, 3, 4], [700, 50, 50, 200])  # passes a quarter; half of the labels go there
    values = labels._split(codes, 4000, PLAN)
    assert values.mean() == pytest.approx(float(worth.kappa(labels._counted(codes))), abs=0.01)


def test_a_judge_that_always_says_the_same_is_labelled_at_random():
    assert labels._split(np.repeat([0, 3], [6, 4]), 10, PLAN) == pytest.approx(0)
