"""Scatters: a point per row, fitted lines over the range of their own points."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection

from proxylib.report import plots
from proxylib.report.plots import style


@pytest.fixture
def ax():
    return plots.canvas()[1][0]


POINTS = pd.DataFrame(
    {
        "loss": [0.2, 0.6, 1.0, 2.0],
        "judge": ["rubric, strict"] * 2 + ["LM judge"] * 2,
        "base": ["31 k", "74 k"] * 2,
        "rate": [40.0, 20, 10, 5],
    }
).assign(low=lambda rows: rows["rate"] - 3, high=lambda rows: rows["rate"] + 4)


def fitted(ax):
    return [line for line in ax.get_lines() if len(line.get_xdata())]


def test_each_group_has_its_line_over_its_own_points(ax):
    lines = {"rubric, strict": (50.0, -50.0), "LM judge": (15.0, -5.0)}
    plots.scatter_with_lines(POINTS, ax, x="loss", by="judge", lines=lines, label="training loss")
    first, second = fitted(ax)
    np.testing.assert_allclose(first.get_xydata(), [[0.2, 40], [0.6, 20]])
    np.testing.assert_allclose(second.get_xydata(), [[1, 10], [2, 5]])
    assert first.get_color() == style.LOOKS["rubric, strict"].colour
    (bars,) = (c for c in ax.collections if isinstance(c, LineCollection))
    np.testing.assert_allclose(np.array(bars.get_segments())[:, :, 1], POINTS[["low", "high"]])
    assert ax.get_xlabel() == "training loss" and ax.get_ylabel() == "pass rate, %"


def test_one_line_through_all_points_is_in_ink(ax):
    plots.scatter_with_lines(POINTS, ax, x="loss", by="base", lines={"all": (42.0, -20.0)}, label="")
    (line,) = fitted(ax)
    np.testing.assert_allclose(line.get_xdata(), [0.2, 2.0])
    assert line.get_color() == style.INK
    assert ax.get_legend_handles_labels()[1] == ["31 k", "74 k"]


def test_ranks_stand_around_a_diagonal(ax):
    rows = pd.DataFrame({"predicted": [1, 2, 3], "actual": [2, 1, 3], "family": ["llama-bpe", "gpt2-bpe", "llama-bpe"]})
    plots.rank_scatter(rows, ax)
    (points,) = (c for c in ax.collections if isinstance(c, PathCollection) and len(c.get_offsets()))
    assert sorted(map(tuple, points.get_offsets())) == [(1, 2), (2, 1), (3, 3)]
    assert ax.get_legend_handles_labels()[1] == ["gpt2-bpe", "llama-bpe"]
    assert len(ax.get_lines()) >= 1


def test_a_group_without_a_defined_value_draws_nothing(ax):
    points = pd.DataFrame({"loss": [1.0, 2], "judge": "LM judge", "rate": np.nan, "low": np.nan, "high": np.nan})
    plots.scatter_with_lines(points, ax, x="loss", by="judge", lines={"LM judge": (np.nan, np.nan)}, label="loss")
    assert ax.get_legend() is None


def test_what_is_in_doubt_stands_beside_what_is_known(ax):
    frame = pd.DataFrame({"place": [1.0, 2, 2], "rate": [10.0, 20, 20], "low": 5.0, "high": 25.0})
    frame["kind"] = ["evaluated", "not evaluated", "to buy next"]
    lines = pd.DataFrame({"place": [2.0, 1], "estimate": [0.2, 0.1], "low": 0.05, "high": 0.25})
    plots.surface_in_doubt(frame, lines, ax, label="loss")
    assert ax.get_legend_handles_labels()[1] == ["evaluated", "not evaluated", "to buy next"]
    (line,) = fitted(ax)
    np.testing.assert_allclose(line.get_xydata(), [[1, 10], [2, 20]])
    plots.surface_in_doubt(frame, lines.assign(estimate=np.nan), ax, label="loss")
    assert len(fitted(ax)) == 1


def test_promises_stand_around_a_diagonal(ax):
    plots.promises(
        pd.DataFrame({"promised": [1.0, 2.0], "regret": [1.5, 1.0], "by": ["published grids", "the lab's grid"]}), ax
    )
    (points,) = (c for c in ax.collections if isinstance(c, PathCollection) and len(c.get_offsets()))
    assert sorted(map(tuple, points.get_offsets())) == [(1, 1.5), (2, 1)]
    assert len(ax.get_lines()) >= 1


def test_a_plane_is_parted_where_it_is_told(ax):
    frame = pd.DataFrame({"across": [0.1, 0.9], "up": [0.2, 0.8], "kind": ["noise", "length"]})
    plots.quadrants(frame, ax, x="across", y="up", by="kind", at=(0.5, 0.4), labels=("a", "b"))
    upright, level = (line for line in ax.get_lines() if line.get_linestyle() == ":")
    assert set(upright.get_xdata()) == {0.5} and set(level.get_ydata()) == {0.4}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b") and ax.get_legend_handles_labels()[1] == ["noise", "length"]


def test_models_that_learnt_from_none_are_hollow_beside_the_others(ax):
    frame = pd.DataFrame({"loss": [2.0, 1.0], "score": [0.1, 0.3], "examples": [4, 8]})
    plots.scores_by_loss(
        frame, ax, label="loss", score="s", beside=pd.DataFrame({"loss": [3.0], "score": [0.05]}), named="none"
    )
    places = sorted(tuple(map(float, point)) for drawn in ax.collections for point in drawn.get_offsets())
    assert places == [(1.0, 0.3), (2.0, 0.1), (3.0, 0.05)]
    assert ax.get_legend_handles_labels()[1] == ["4", "8", "none"] and (ax.get_xlabel(), ax.get_ylabel()) == ("loss", "s")
