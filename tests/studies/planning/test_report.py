"""Sentences of a plan."""

import numpy as np
import pandas as pd
import pytest
from studies.planning.tables import grid

from proxylib.studies.planning import candidates, decide, report
from proxylib.studies.planning.settings import Plan, layers


@pytest.fixture
def said(tmp_path):
    def sentences(frame, **options):
        frame.to_csv(tmp_path / "t.csv", index=False)
        given = Plan(table=tmp_path / "t.csv", out=tmp_path / "out", **options)
        known = candidates.load(given)
        return "\n".join(report.sentences(known, decide.reckon(known, given), given))

    return sentences


def test_the_relation_its_intervals_and_what_to_buy_are_said(said):
    text = said(grid())
    assert "scores are lower with 0.1 more loss: -" in text and "R2 " in text
    assert "size and data are not shown to tell a left-out score better or worse than loss" in text
    assert "32B-4673: " in text and "(extrapolated: loss and size)" in text
    assert "next, buy 25 items of the same evaluation on 32B-4673" in text and "then stop: " in text
    assert "expected to be lost: nothing " in text


def test_scores_that_rise_with_a_loss_are_remarked_upon(said):
    turned = grid()
    turned["loss"] = 2 - turned["loss"]
    assert "of a loss one expects the opposite" in said(turned) and "opposite" not in said(grid())


def test_counted_signals_are_said_by_their_doublings(said):
    assert "scores are higher with a doubling of size: " in said(grid(range(0, 15, 2)).drop(columns=["loss", "data"]))


def test_without_a_slope_one_line_says_why_and_there_is_no_order(said):
    text = said(grid((1,)))
    assert text.startswith("no order: cannot tell how scores follow loss from 1 score: at least 3 that differ")
    assert text.endswith("a score of 32B-4673; until then the lowest loss is the better guess: 32B-4673") and "\n" not in text
    frame = grid()
    flat = said(frame.assign(score=np.where(frame["score"].notna(), np.resize([0.5, 0.4, 0.45], 15), np.nan)))
    assert flat.startswith("no order: scores are not shown to be higher or lower with 0.1 more loss: ") and "\n" not in flat
    assert "lowest loss" not in said(grid((1,)).drop(columns=["loss", "data"]))


def test_what_is_expected_says_where_it_rests_on_extrapolations(said):
    assert "(rests on extrapolated loss and size: 32B-4673)" in said(grid()).splitlines()[-1]
    inside = said(grid((0, 4, 6, 8, 13, 14, 1, 3)))
    assert inside.splitlines()[-1].startswith("expected to be lost: ") and "rests on" not in inside


def test_points_of_one_are_one_point():
    assert report.points(3e-16) == "0 points" and report.points(0.01) == "1 point" and report.points(0.031) == "3.1 points"


def test_what_needs_nothing_says_so(said):
    assert "buy nothing: " in said(grid(range(15)).assign(items=10**8))


def test_the_figure_shows_each_candidate_once_and_those_to_buy_again(tmp_path):
    grid().to_csv(tmp_path / "t.csv", index=False)
    given = Plan(table=tmp_path / "t.csv", out=tmp_path / "out")
    known = candidates.load(given)
    planned = decide.plan(known, layers(given), given)
    shown = report.looks(known, planned)
    kinds = shown["kind"].value_counts()
    assert kinds[report.KNOWN] == 5 and kinds[report.OPEN] == 10
    assert set(shown["name"][shown["kind"] == report.NEXT]) == set(planned.steps["name"])
    assert isinstance(shown, pd.DataFrame) and (shown["low"] <= shown["rate"]).all()
    without = report.looks(known, None)
    assert (without["kind"] == report.KNOWN).all() and len(without) == 5
