"""Forests: every estimate at its place with its own interval, the first row on top, reported values hollow."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection

from proxylib.report import plots
from proxylib.report.plots import style
from proxylib.stats import Decision


def frame(**columns):
    """Estimates 0, 1, 2, ... with intervals from .2 below to .3 above."""
    estimate = np.arange(len(next(iter(columns.values()))), dtype=float)
    return pd.DataFrame(columns | {"estimate": estimate, "low": estimate - 0.2, "high": estimate + 0.3})


def ends(ax):
    """[n, 4] low, high, and the place of each level bar (twice)."""
    (bars,) = (artist for artist in ax.collections if isinstance(artist, LineCollection))
    return np.array([[s[0, 0], s[1, 0], s[0, 1], s[1, 1]] for s in bars.get_segments() if len(s)])


def dots(ax, label=""):
    """[n, 2] the points drawn: ours, or those of a label."""
    found = [c for c in ax.collections if isinstance(c, PathCollection) and (c.get_label() == label or not label)]
    return np.concatenate([c.get_offsets() for c in found]) if found else np.empty((0, 2))


def names(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


@pytest.fixture
def ax():
    return plots.canvas()[1][0]


def test_every_point_has_its_interval_in_its_row(ax):
    rows = frame(setting=["a", "a", "b", "b"], judge=["LM judge", "rubric, strict"] * 2)
    plots.forest(rows, ax, row="setting", by="judge", label="error", null=0)
    np.testing.assert_allclose(ends(ax)[:, :2], rows[["low", "high"]])
    np.testing.assert_allclose(dots(ax)[:, 0], rows["estimate"])
    np.testing.assert_allclose(dots(ax)[:, 1], ends(ax)[:, 2])
    assert list(np.round(dots(ax)[:, 1])) == [0, 0, 1, 1] and len(set(dots(ax)[:, 1])) == 4
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first row is on top"
    assert names(ax) == ["a", "b"] and ax.get_xlabel() == "error" and ax.get_ylabel() == ""
    assert any(set(line.get_xdata()) == {0} for line in ax.get_lines())


def test_nothing_to_show_is_said_where_the_figure_would_stand(ax):
    plots.forest(frame(setting=[], judge=[]), ax, row="setting", by="judge", label="error", null=0)
    assert [text.get_text() for text in ax.texts] == ["nothing to show"] and not ax.collections


def test_a_group_keeps_its_colour_and_its_legend_entry(ax):
    rows = frame(setting=["a", "a"], judge=["LM judge", "rubric, strict"])
    plots.forest(rows, ax, row="setting", by="judge", label="")
    (points,) = (c for c in ax.collections if isinstance(c, PathCollection) and len(c.get_offsets()))
    expected = [mpl.colors.to_rgba(style.LOOKS[name].colour) for name in rows["judge"]]
    np.testing.assert_allclose(points.get_facecolors(), expected)
    assert ax.get_legend_handles_labels()[1] == ["LM judge", "rubric, strict"] and ax.get_legend() is None


def test_an_order_leaves_out_what_it_does_not_name_and_labels_rename(ax):
    rows = frame(setting=["a", "b", "c"], judge=["LM judge"] * 3)
    plots.forest(rows, ax, row="setting", by="judge", label="", order=["c", "a"], labels={"c": "C"})
    assert names(ax) == ["C", "a"] and sorted(dots(ax)[:, 0]) == [0, 2]
    assert dots(ax)[:, 1].tolist() == [1, 0]


def test_models_stand_in_the_order_of_their_table(ax):
    table = pd.DataFrame({"model": ["x", "y"], "p": [0.9, 0.1], "p low": [0.8, 0.0], "p high": [1.0, 0.2]})
    plots.models_forest(table, ax, column="p")
    assert names(ax) == ["x", "y"] and ax.get_xlabel() == "p"
    np.testing.assert_allclose(ends(ax)[:, :2], [[0.8, 1.0], [0.0, 0.2]])


def test_the_task_that_is_ordered_best_stands_on_top(ax):
    rows = frame(task=["easy", "easy", "hard", "hard"], against=["mean of all seeds", "other two seeds"] * 2)
    plots.ceiling_by_task(rows, ax, labels={"easy": "Easy"})
    assert names(ax) == ["hard", "Easy"]
    assert ax.get_legend_handles_labels()[1] == ["against mean of all seeds", "against other two seeds"]


def test_planned_contrasts_stand_above_exploratory_ones(ax):
    plots.contrast_forest(frame(label=["late", "early"], primary=[False, True]), ax)
    assert names(ax) == ["early", "late"]
    assert ax.get_legend_handles_labels()[1] == ["planned", "exploratory"]


def test_reported_values_of_methods_are_hollow_and_stand_in_their_row(ax):
    rows = frame(method=["a", "b", "b"], protocol=["leave-tasks-out", "leave-tasks-out", "leave-both-out"])
    plots.methods_forest(rows, ax, order=["b", "a"], reported={"a": 0.5, "not shown": 0.9})
    (hollow,) = (c for c in ax.collections if c.get_label() == "reported")
    assert not len(hollow.get_facecolor()) or hollow.get_facecolor()[0, 3] == 0
    np.testing.assert_allclose([point for point in dots(ax, "reported") if not np.ma.is_masked(point)], [[0.5, 1]])
    assert {"unseen tasks", "both unseen"} <= set(ax.get_legend_handles_labels()[1])


def test_a_band_stands_behind_its_method_and_protocol_from_the_nulls_mean_to_its_bar(ax):
    rows = frame(method=["a", "a", "b"], protocol=["leave-tasks-out", "leave-family-out", "leave-family-out"])
    nulls = pd.DataFrame(
        [("a", "leave-tasks-out", 0.5, 0.6), ("b", "leave-both-out", 0.0, 0.1), ("c", "leave-tasks-out", 0.0, 0.1)],
        columns=["method", "protocol", "null_mean", "null_high"],
    )
    plots.methods_forest(rows, ax, order=["b", "a"], nulls=nulls)
    (bands,) = (c for c in ax.collections if c.get_label() == "the same fit without a signal")
    (band,) = bands.get_segments()
    place = dots(ax)[0, 1]  # the first row of the frame: the method under the protocol of the one null that is shown
    np.testing.assert_allclose(band, [[0.5, place], [0.6, place]])
    assert 0.5 < place < 1
    assert bands.zorder < min(c.zorder for c in ax.collections if c is not bands)  # it hides no estimate


def test_changes_are_told_apart_by_what_they_decide(ax):
    rows = frame(label=["kernel", "rank", "ties"]).assign(decision=[Decision.LOWER, Decision.UNDECIDED, Decision.LOWER])
    plots.changes_forest(rows, ax, label="difference")
    assert names(ax) == ["kernel", "rank", "ties"]
    assert ax.get_legend_handles_labels()[1] == ["lowers it", "not shown to do either"]


def test_pairs_of_people_look_unlike_pairs_with_a_model(ax):
    plots.agreement_forest(frame(pair=["p", "q"], people=[True, False]).assign(known=[np.nan, 0.8]), ax)
    assert ax.get_legend_handles_labels()[1] == ["two people", "with a model as judge", "known"]
    assert names(ax) == ["p", "q"] and ax.get_ylabel() == ""


def test_a_reported_value_stands_once_per_group_above_ours(ax):
    rows = frame(group=["all", "all", "162"], judge=["LM judge", "rubric, strict", "LM judge"])
    plots.beside_reported(rows.assign(reported=[0.7, 0.7, 0.9], **{"from": 0.5, "to": 0.95}), ax)
    theirs = dots(ax, "the post")
    np.testing.assert_allclose(theirs[:, 0], [0.7, 0.9])
    ours = dots(ax)[: len(rows), 1]
    assert theirs[0, 1] < ours[:2].min() and ours[:2].max() < theirs[1, 1] < ours[2]
    bars = [c for c in ax.collections if isinstance(c, LineCollection)]
    assert [len(bar.get_segments()) for bar in bars] == [3, 2]


def test_no_interval_is_no_bar(ax):
    rows = frame(setting=["a", "b"], judge=["LM judge"] * 2).assign(low=[np.nan, 0.5], high=[np.nan, 1.5])
    plots.forest(rows, ax, row="setting", by="judge", label="")
    np.testing.assert_allclose(ends(ax)[:, :2], [[0.5, 1.5]])
    assert dots(ax)[:, 0].tolist() == [0, 1]


def test_both_trainings_of_a_model_stand_in_its_row_with_a_line_between(ax):
    rows = pd.DataFrame({"model": ["best", "worst"], "first": [0.8, 0.3], "second": [0.7, 0.4]})
    plots.trained_twice(rows, ax, label="accuracy", labels={"first training": "seed 2", "second training": "seed 3"})
    np.testing.assert_allclose(ends(ax), [[0.8, 0.7, 0, 0], [0.3, 0.4, 1, 1]])
    np.testing.assert_allclose(sorted(map(tuple, dots(ax))), [(0.3, 1), (0.4, 1), (0.7, 0), (0.8, 0)])
    assert names(ax) == ["best", "worst"] and ax.get_ylim()[0] > ax.get_ylim()[1], "the first row is on top"
    assert ax.get_legend_handles_labels()[1] == ["seed 2", "seed 3"] and ax.get_xlabel() == "accuracy"
