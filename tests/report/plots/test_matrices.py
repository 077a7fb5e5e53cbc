"""Heat maps: every value in its cell, readable on its colour."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from proxylib.report import plots

FRAME = pd.DataFrame([[0.52, -0.071], [-0.001, np.nan], [1.0, -1.0]], index=["top_1", "b", "c"], columns=["x", "y_z"])


@pytest.fixture
def ax():
    return plots.canvas(height=4)[1][0]


def test_every_cell_says_its_value_in_two_digits(ax):
    plots.heat_map(FRAME, ax, label="rho")
    texts = {tuple(np.floor(text.get_position()).astype(int)): text for text in ax.texts}
    assert {place: text.get_text() for place, text in texts.items() if text.get_text()} == {
        (0, 0): ".52",
        (1, 0): "-.07",
        (0, 1): ".00",
        (0, 2): "1.00",
        (1, 2): "-1.00",
    }
    assert [text.get_text() for text in ax.get_yticklabels()] == ["top 1", "b", "c"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["x", "y z"]
    assert ax.get_xlabel() == ax.get_ylabel() == ""
    assert sum(mpl.colors.to_rgb(texts[0, 2].get_color())) > sum(mpl.colors.to_rgb(texts[0, 1].get_color()))


def test_chance_is_marked_on_both_sides_of_zero(ax):
    plots.heat_map(FRAME, ax, label="rho", marks={"by chance": 0.4})
    bar = ax.collections[0].colorbar.ax
    assert sorted(line.get_xdata()[0] for line in bar.get_lines() if len(set(line.get_xdata())) == 1) == [-0.4, 0.4]
    assert "by chance" in [text.get_text() for text in bar.texts]
    assert ax.collections[0].get_clim() == (-1, 1), "colours mean the same in every figure"


def test_a_matrix_of_many_writes_every_fourth_name(ax):
    names = [f"a_{number}|b" for number in range(9)]
    plots.similarity(pd.DataFrame(np.eye(9), index=names, columns=names), ax)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a 0 x b", "a 4 x b", "a 8 x b"]
    assert ax.get_yticks().tolist() == [0.5, 4.5, 8.5] and not len(ax.get_xticks())
    assert ax.collections[0].get_array().reshape(9, 9)[3, 3] == 1


def test_shares_are_written_into_their_cells(ax):
    plots.share_map(FRAME.abs(), ax, label="share")
    assert {".52", ".07", "1.00"} <= {text.get_text() for text in ax.texts}
    assert ax.collections[0].get_clim() == (0, 1)
