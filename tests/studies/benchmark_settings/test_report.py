"""Frames of the page."""

import numpy as np
import pandas as pd
import pytest
from studies.benchmark_settings.made import population

from proxylib.stats import Decision
from proxylib.studies.benchmark_settings import hours, moves, report, variance
from proxylib.studies.benchmark_settings.scores import scores


@pytest.fixture(scope="module")
def tables():
    """What a run would hold: scores and settings, as fits.py writes them."""
    whole = scores(population(lambda m, template, *_: (0.9 - 0.1 * m) * (0.1 if template == "labelled" else 1), models=4))
    means = 100 * whole.means()
    who = pd.DataFrame({"model": [f"m{n}" for n in range(4)], "family": "x"})
    melted = pd.concat([who, pd.DataFrame(means)], axis=1).melt(["model", "family"], var_name="place", value_name="score")
    return whole, melted.astype({"place": int}), whole.settings.assign(score=means.mean(0))


def test_a_forest_says_what_the_interval_decides(tables):
    rows = report.changes(moves.effects(tables[0], 0.95))
    by = rows.set_index("label")["decision"]
    assert by["template: labelled"] == Decision.LOWER and by["scorer: lenient"] == Decision.UNDECIDED
    assert "pass@4 for pass@1, temperature 1" in by.index


def test_models_stand_best_first_beside_every_change(tables):
    whole, melted, settings = tables
    ranks = moves.ranks(whole, 1, 0.95)
    wide = report.by_change(melted, settings, ranks)
    assert wide.index[0] == "m0" and list(wide)[0] == "as the lab asks" and len(wide.columns) == 1 + 6
    place = whole.place(template="labelled")
    assert wide.loc["m1", "labelled"] == pytest.approx(whole.means()[1, place])
    assert wide.loc["m1", "answer alone"] == pytest.approx(whole.means()[1, whole.place(ask="answer alone")])
    assert len(report.ranks_table(ranks)) == len(ranks)


def test_settings_that_leave_nothing_are_not_usable(tables):
    whole, melted, settings = tables
    kept = report.usable(melted, settings)
    assert kept["settings"] == (settings["k"].eq(1) & settings["template"].eq("as trained")).sum()
    assert 0 < kept["apart"] < 45 and 0 <= kept["turned"] < 0.3 and 0 <= kept["tied"] < 0.3
    one = [whole.place()]
    assert np.isnan(report.usable(melted, settings.loc[one])["turned"])  # one setting turns nothing


def test_shares_by_model_add_up(tables):
    parts = variance.parts(tables[0], 0.95)
    whole = parts.loc[parts["source"].str.endswith("by model"), "estimate"].sum()
    assert report.by_model(parts) == pytest.approx(whole) and report.variance(parts)["estimate"].sum() == pytest.approx(100)


def test_gains_are_counted_by_what_they_decide():
    rows = pd.DataFrame({"estimate": [2, -2, 0], "low": [1, -3, -1], "high": [3, -1, 1]})
    assert report.gains(rows) == {"helps": 1, "hurts": 1, "neither": 1}


def test_small_tables_say_what_they_are_of(tables):
    assert report.extremes(tables[2])["mean score (%)"].is_monotonic_decreasing
    dearer = pd.DataFrame({"unit": ["seconds", "flops"], "estimate": [4, 1], "low": [3, 0.9], "high": [5, 1.1]})
    assert report.dearer_table(dearer)["unit"].tolist() == ["processor seconds", "FLOPs"]
    assert len(report.hours_table(hours.table())) == 9
    order = pd.DataFrame({"task": ["a", "b"], "spearman": [np.nan, 0.0], "noise": 0.5, "noise_low": 0.1})
    assert len(report.pythia_ranks(order)) == 2 and report.reordered(order) == (1, 1)


def test_a_task_is_changed_where_the_corrected_test_says_so():
    rows = pd.DataFrame({"task": ["a", "b"], "estimate": 2.0, "low": 0.1, "high": 3.9, "p": [0.04, 0.08]})
    assert list(report.pythia_forest(rows)["decision"]) == [Decision.HIGHER, Decision.UNDECIDED]
