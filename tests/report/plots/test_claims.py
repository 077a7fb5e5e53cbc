"""The picture of the scoreboard: places, colours by verdict, what is cut at its edges."""

import matplotlib.colors as colours
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection

from proxylib.report import plots
from proxylib.report.plots.claims import SPAN
from proxylib.report.plots.style import LOOKS

NAN = float("nan")
FRAME = pd.DataFrame(
    [
        ("One", "first", "holds", 0.9, 0.5, 1.3, 0.8, 1.0, 1.0),
        ("One", "second", "undecided", 0.2, -3.0, 4.0, NAN, NAN, NAN),
        ("Empty", "", None, NAN, NAN, NAN, NAN, NAN, NAN),
        ("Two", "third", "does not hold", -7.0, -9.0, -6.0, NAN, NAN, 1.0),
    ],
    columns=["document", "label", "verdict", "estimate", "low", "high", "low_given", "high_given", "reported"],
)


@pytest.fixture(scope="module")
def drawn():
    figure, (ax,) = plots.canvas(height=plots.claims_height(FRAME))
    return figure, plots.claims_forest(FRAME, ax)


def test_claims_are_rows_and_documents_titles_above_them(drawn):
    _, ax = drawn
    places = dict(zip((label.get_text() for label in ax.get_yticklabels()), ax.get_yticks(), strict=True))
    titles = {text.get_text(): text.xy[1] for text in ax.texts}
    assert list(places) == ["first", "second", "third"] and list(titles) == ["One", "Empty", "Two"]
    order = [titles["One"], places["first"], places["second"], titles["Empty"], titles["Two"], places["third"]]
    assert order == sorted(order) and min(np.diff(order)) >= 0.99


def test_both_intervals_are_drawn_in_the_colour_of_the_verdict_the_given_one_thicker(drawn):
    _, ax = drawn
    thin, thick = [artist for artist in ax.collections if isinstance(artist, LineCollection)]
    assert thick.get_linewidth()[0] > 2 * thin.get_linewidth()[0]
    ends = [segment[:, 0] for segment in thin.get_segments()]
    assert np.allclose(ends, [(0.5, 1.3), SPAN, (SPAN[0], SPAN[0])])
    assert np.allclose(thick.get_segments()[0][:, 0], (0.8, 1.0))
    words = ["holds", "undecided", "does not hold"]
    assert [colours.to_hex(colour) for colour in thin.get_colors()] == [LOOKS[word].colour.lower() for word in words]


def test_what_leaves_the_scale_is_cut_with_an_arrow_and_no_marker_stands_at_a_wrong_place(drawn):
    _, ax = drawn
    points = [artist for artist in ax.collections if isinstance(artist, PathCollection)]
    arrows = sorted(x for artist in points for x, _ in artist.get_offsets() if x in SPAN)
    assert arrows == [SPAN[0], SPAN[0], SPAN[1]]  # both ends of the second, and the third
    assert sorted(x for artist in points for x, _ in artist.get_offsets() if x not in SPAN) == [0.2, 0.9, 1.0, 1.0]


def test_the_legend_names_verdicts_from_firm_to_open_and_the_hollow_mark(drawn):
    assert drawn[1].get_legend_handles_labels()[1] == ["holds", "undecided", "as reported"]


def test_the_picture_is_the_same_twice_and_as_tall_as_its_rows(drawn):
    again, (ax,) = plots.canvas(height=plots.claims_height(FRAME))
    plots.claims_forest(FRAME, ax)
    assert plots.svg(again) == plots.svg(drawn[0])
    assert plots.claims_height(FRAME) < plots.claims_height(pd.concat([FRAME, FRAME]))


def test_a_board_without_a_test_has_its_titles():
    frame = FRAME[FRAME["label"] == ""]
    _, (ax,) = plots.canvas(height=plots.claims_height(frame))
    assert [text.get_text() for text in plots.claims_forest(frame, ax).texts] == ["Empty"]
