"""Tables on your own models: neighbours, forecasts, and a text for the terminal that leaves nothing out."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from proxylib import stats
from proxylib.studies.your_models import apart, compare, report
from proxylib.studies.your_models.compare import Comparison, Fitted
from proxylib.studies.your_models.rank import Ranked


@pytest.fixture
def ranked():
    ends = {f"{column}{end}": value for column in compare.SHOWN for end, value in (("", 0.5), (" low", 0.4), (" high", 0.6))}
    order = pd.DataFrame({"model": ["b", "a", "c"], "rank": [1, 2, 3], **ends})
    support = pd.DataFrame([("b", "a", 0.97), ("b", "c", 1.0), ("a", "c", 0.5)], columns=["better", "worse", "support"])
    known = pd.DataFrame({"rank": [1, 2, 3], "model": list("abc"), "score": [0.71234, np.nan, 0.2], "fitted": 0.0})
    errors = pd.DataFrame(
        [("fitted ranker", 0.2, 0.03, 0.4), (compare.WINNER, 0.67, 0.53, 0.83)], columns=["signal", "estimate", "low", "high"]
    )
    accounts = pd.DataFrame([{"model": model} | dict.fromkeys(report.ACCOUNT, 7) for model in "abc"])
    comparison = Comparison(pd.DataFrame(), order, support, pd.DataFrame(), 20, 3, 12)
    return Ranked(Path("there"), comparison, Fitted(known, errors), accounts)


def test_neighbours_stand_with_their_support(ranked):
    table = report.support_table(ranked.comparison)
    assert table.to_numpy().tolist() == [["b", "a", "97 %"], ["a", "c", "50 %"]]


def test_the_order_shows_three_signals_with_intervals(ranked):
    table = report.order_table(ranked.comparison)
    names = [name for column, name in report.NAMES.items() if column in compare.SHOWN]
    assert table.columns.tolist() == ["rank", "model", *names]  # prose was not asked for
    assert table["model"].tolist() == ["b", "a", "c"] and set(table["bits per byte"]) == {"0.50 [0.40, 0.60]"}


def test_a_model_without_a_score_is_a_forecast_and_errors_are_percent(ranked):
    assert report.fitted_table(ranked.fitted)["known score"].tolist() == ["0.712", "forecast", "0.2"]
    table = report.errors_table(ranked.fitted)
    assert table["signal"].tolist() == ["fitted ranker", "top-1, inverse frequency"]
    assert table["wrong pairs, %"].tolist() == ["20 [3, 40]", "67 [53, 83]"]


def test_the_terminal_gets_every_table_and_what_was_left_out(ranked):
    text = report.summary(ranked)
    assert (
        "20 traces under every model, of 12 problems; 3 left out, of which not every model scores 8 tokens" in text
        and report.CAVEAT in text
        and text.endswith("there")
    )
    for name in ("tokens in front of the window", "top-1, inverse frequency", "support", "forecast", "wrong pairs, %"):
        assert name in text
    assert report.FEW not in text
    assert report.FEW in report.summary(Ranked(ranked.folder, ranked.comparison._replace(problems=9), None, ranked.accounts))
    alone = report.summary(Ranked(ranked.folder, ranked.comparison._replace(left_out=0), None, ranked.accounts))
    assert "left out" not in alone and "forecast" not in alone


@pytest.fixture
def pairs():
    """One pair told apart, one that twelve times the problems would tell, one that nothing would."""
    return pd.DataFrame(
        [
            ("b", "c", 0.21, 0.15, 0.27, True, np.nan),
            ("a", "c", 0.0, -0.02, 0.02, False, np.inf),
            ("b", "a", 0.031, -0.02, 0.08, False, 144.0),
        ],
        columns=["better", "worse", "gap", "low", "high", "told", "problems"],
    )


GUIDE = apart.Seeds(stats.Interval(0.02, 0.01, 0.03), 12, "run-1")


def test_what_would_tell_two_models_stands_beside_them_those_that_need_least_first(ranked, pairs):
    comparison = ranked.comparison._replace(pairs=pairs)
    table = report.undecided_table(comparison, GUIDE, 0.95)
    assert table.iloc[:, :2].to_numpy().tolist() == [["b", "a"], ["a", "c"]]
    assert table["by points"].tolist() == ["3 [-2, 8]", "0.0 [-2.0, 2.0]"]
    assert table["problems that would tell"].tolist() == ["140", "over 1,000,000"]
    assert table["trainings of each (a guide)"].tolist() == ["7", "over 1,000,000"]  # 2 (2.80 x 0.02 / 0.031)^2 = 6.5
    assert "trainings of each (a guide)" not in report.undecided_table(comparison, None, 0.95)


def test_the_terminal_says_how_many_are_told_apart_and_that_a_corpus_is_more_than_a_model(ranked, pairs):
    said = report.told_apart(ranked.comparison._replace(pairs=pairs), GUIDE, 0.95)
    assert said.startswith("1 of 3 pairs told apart") and "about 0.2 would be" in said
    assert "may differ by anything in their interval" in said and "12 models of the lab" in said
    assert "the luck of its seed is in none of these numbers" in said
    assert "2.0 [1.0, 3.0] points (run run-1)" in said and "differ by 5.5" in said  # 1.96 x sqrt 2 x 2.0
    every = report.told_apart(ranked.comparison._replace(pairs=pairs[:1]), None, 0.95)
    assert every.startswith("1 of 1 pair told apart") and every.endswith("some of them twice.")
    assert "The numbers below" in said and "The numbers below" not in every
    text = report.summary(dataclasses.replace(ranked, comparison=ranked.comparison._replace(pairs=pairs)))
    assert "1 of 3 pairs told apart" in text and "problems that would tell" in text
    assert "told apart" not in report.summary(ranked)  # of what was recorded without
