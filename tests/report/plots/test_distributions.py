"""Histograms and columns of points: nothing is lost, marks and quartiles stand where they belong."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from proxylib.report import plots
from proxylib.report.plots import style


@pytest.fixture
def ax():
    return plots.canvas()[1][0]


def test_a_histogram_counts_every_draw_and_marks_what_was_observed(ax):
    values = np.random.default_rng(0).normal(size=200)
    plots.histogram_with_marks(values, ax, marks={"best": 2.5, "named": 0.5}, label="largest of eighty")
    assert sum(patch.get_height() for patch in ax.patches) == 200
    assert [line.get_xdata()[0] for line in ax.get_lines()] == [2.5, 0.5]
    assert len({line.get_linestyle() for line in ax.get_lines()}) == 2
    assert ax.get_legend_handles_labels()[1] == ["best: 2.50", "named: 0.50"]


def test_a_column_per_task_with_all_points_its_quartiles_and_its_floor(ax):
    rows = pd.DataFrame(
        {
            "task": ["sorting"] * 5 + ["walk"] * 5,
            "family": ["llama-bpe", "gpt2-bpe", "llama-bpe", "gpt2-bpe", "llama-bpe"] * 2,
            "width": [32, 32, 64, 64, 64] * 2,
            "estimate": [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6, 0.7, 0.8, 0.9],
        }
    )
    eligible = pd.DataFrame({"task": ["walk", "other", "sorting"], "floor": [0.25, 0.9, 0.05]})
    plots.accuracies_by_task(rows, eligible, ax)
    (points,) = (c for c in ax.collections if isinstance(c, PathCollection) and len(c.get_offsets()))
    places = points.get_offsets()
    assert sorted(places[:, 1]) == sorted(rows["estimate"])
    assert set(np.round(places[:, 0])) == {0, 1} and len(set(places[:, 0])) == 4
    assert [text.get_text() for text in ax.get_xticklabels()] == ["sorting", "walk"]
    assert [round(patch.get_height(), 3) for patch in ax.patches if hasattr(patch, "get_height")] == [0.05, 0.25]
    heights = {round(float(value), 3) for line in ax.get_lines() for value in line.get_ydata()}
    assert {0.3, 0.7, 0.2, 0.4, 0.6, 0.8} <= heights, "medians and quartiles"
    assert ax.get_legend_handles_labels()[1] == ["gpt2-bpe", "llama-bpe", "width 32", "width 64"]
    assert ax.get_ylim() == (0, 1)


@pytest.mark.parametrize("left_out", [(), (1, 3)])
def test_levels_that_count_are_filled_and_the_others_hollow_and_what_would_change_is_ringed(ax, left_out):
    rows = pd.DataFrame(
        {
            "task": ["sorting"] * 3 + ["walk"] * 2,
            "level": [3, 4, 5, 2, 9],
            "floor": [0.1, 0.2, 0.3, 0.4, 0.5],
            "mean": [0.9, 0.8, 0.35, 0.7, 0.55],
            "otherwise": [False, False, True, True, False],
        }
    )
    rows["counted"] = ~rows.index.isin(left_out)
    plots.levels_by_task(rows, ax)
    drawn = {c.get_label(): c for c in ax.collections if isinstance(c, PathCollection)}
    heights = {label: sorted(points.get_offsets()[:, 1]) for label, points in drawn.items()}
    ring = "these models would decide otherwise"
    assert heights.pop(ring) == [0.35, 0.7] and not len(drawn[ring].get_facecolor())
    assert heights.pop("enters accuracies") == sorted(rows["mean"][rows["counted"]])
    assert heights == ({"left out": [0.7, 0.8]} if left_out else {})
    if left_out:
        fill = mpl.colors.to_rgba_array(style.GROUND)
        assert np.allclose(drawn["left out"].get_facecolor(), fill) and not np.allclose(
            drawn["enters accuracies"].get_facecolor(), fill
        )
    places = [patch.get_x() + patch.get_width() / 2 for patch in ax.patches]
    assert [patch.get_height() for patch in ax.patches] == list(rows["floor"]) and places == sorted(places)
    assert list(np.round(places)) == [0, 0, 0, 1, 1] and np.mean(places[:3]) == pytest.approx(0)
    assert [len(line.get_xdata()) for line in ax.get_lines()] == [3, 2], "no line runs from one task to the next"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["sorting", "walk"]
