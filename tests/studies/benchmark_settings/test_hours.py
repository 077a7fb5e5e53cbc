"""Arithmetic of a suite, on cases that can be worked out in the head."""

import pytest

from proxylib.studies.benchmark_settings import hours


def test_tokens_are_counted_once_a_problem_or_once_a_choice():
    assert hours.tokens(hours.Load(10, 100, 4, 5, 0), shared=True) == (10 * 120, 0)
    assert hours.tokens(hours.Load(10, 100, 4, 5, 0), shared=False) == (10 * 420, 0)
    assert hours.tokens(hours.Load(10, 100, 0, 0, 7), shared=False) == (1000, 70)


def test_hours_are_flops_over_what_gpus_reach():
    read = 0.4 * 989e12 * 3600 / 2e9  # what one H100 reads in an hour of a model of a billion parameters
    assert hours.hours(read, 0, 0.01, parameters=1e9, gpus=1) == pytest.approx(1)
    assert hours.hours(0, read, 0.4, parameters=1e9, gpus=2) == pytest.approx(0.5)
    assert hours.hours(read, read, 0.04, parameters=1e9, gpus=1) == pytest.approx(11)  # writing at a tenth takes ten times


def test_the_slow_end_is_the_slower_and_every_benchmark_takes_time():
    table = hours.table()
    assert (table["to"] > table["from"]).all() and (table["from"] > 0).all() and len(table) == 9
    assert (table["read, anew"] >= table["read, shared"]).all()


def test_a_standard_error_is_that_of_a_share():
    assert hours.standard_error(0.5, 10_000) == pytest.approx(0.5)
