"""The look of every figure: one table of colours and markers, titles and labels that fit, the same bytes each time."""

import itertools
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from proxylib.report import plots
from proxylib.report.plots import style

#: what a reader without green cones sees, in linear light (Machado, Oliveira and Fernandes 2009, severity 1)
DEUTERANOPIA = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])


def linear(colour):
    """[3] linear light of a colour."""
    values = np.array(mpl.colors.to_rgb(colour))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return linear(colour) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("kind", style.KINDS)
def test_within_a_kind_colour_and_marker_alone_tell_things_apart(kind):
    colours, markers = zip(*style.KINDS[kind].values(), strict=True)
    assert len(set(colours)) == len(set(markers)) == len(colours)
    for one, other in itertools.combinations(colours, 2):
        seen = [np.clip(DEUTERANOPIA @ linear(colour), 0, 1) ** (1 / 2.2) for colour in (one, other)]
        assert np.abs(seen[0] - seen[1]).max() > 0.1, (one, other)


def test_a_name_has_one_look_in_the_whole_book():
    assert sum(map(len, style.KINDS.values())) == len(style.LOOKS)


@pytest.mark.parametrize("colour", sorted({look.colour for look in style.LOOKS.values()}))
def test_colours_stand_out_from_the_ground(colour):
    assert (luminance(style.GROUND) + 0.05) / (luminance(colour) + 0.05) > 2


def test_letters_stand_out_from_the_ground_and_the_ground_is_opaque():
    for colour in (style.INK, style.QUIET):
        assert (luminance(style.GROUND) + 0.05) / (luminance(colour) + 0.05) > 4.5
    figure, _ = plots.canvas()
    assert figure.get_facecolor() == mpl.colors.to_rgba(style.GROUND)
    assert style.GROUND in plots.svg(figure).decode(), "a dark page would show through"


@pytest.mark.parametrize("column", style.RAMPS)
@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_ordered_things_run_from_light_to_dark(column, count):
    found = style.looks(range(count), column)
    lights = [luminance(look.colour) for look in found.values()]
    assert list(found) == list(range(count)) and (np.diff(lights) < 0).all()
    assert (luminance(style.GROUND) + 0.05) / (max(lights) + 0.05) > 2
    assert all(one.marker != other.marker for one, other in itertools.pairwise(found.values()))


def test_a_known_name_keeps_its_look_beside_unknown_ones():
    assert style.looks(["a", "LM judge", "b"])["LM judge"] == style.LOOKS["LM judge"]


def test_groups_are_named_as_the_legend_says():
    found = style.grouped(pd.DataFrame({"signal": ["nll", "accuracy", "nll"]}), "signal", {"nll": "NLL"})
    assert list(found["data"]["signal"]) == ["NLL", "accuracy", "NLL"] and found["hue_order"] == ["NLL", "accuracy"]
    assert found["palette"]["NLL"] == style.LOOKS["nll"].colour and found["markers"]["NLL"] == style.LOOKS["nll"].marker


def test_a_canvas_fits_a_phone_and_leaves_the_caller_s_settings_alone():
    before = mpl.rcParams.copy()
    figure, axes = plots.canvas(rows=3, height=2)
    assert len(axes) == 3 and figure.get_size_inches()[0] <= 5 and figure.get_size_inches()[1] == 6
    assert mpl.rcParams == before
    assert min(style.STYLE[f"{name}.labelsize"] for name in ("axes", "xtick", "ytick")) >= 9
    assert style.STYLE["legend.fontsize"] >= 9


def test_lines_of_a_sentence_are_balanced_and_a_number_keeps_its_percent_sign():
    sentence = "At the end 95 % of the decisive tokens agree and 72 % of the mis-ranked answers are right"
    lines = style.wrapped(sentence, 52).split("\n")
    assert len(lines) == 2 and max(map(len, lines)) <= 52 and abs(len(lines[0]) - len(lines[1])) <= 12
    assert " ".join(lines).replace("\N{NO-BREAK SPACE}", " ") == sentence
    assert not any(line.startswith("%") or line.endswith("-") for line in lines)
    assert style.wrapped("", 52) == "" and style.balanced("one", 3) == "one"


def inside(figure, artist):
    extent = artist.get_window_extent()
    return extent.x0 >= figure.bbox.x0 and extent.x1 <= figure.bbox.x1


@pytest.mark.parametrize("height", [1.2, 4.2])
def test_a_long_label_is_broken_before_it_leaves_the_figure_or_its_axis(height):
    figure, (ax,) = plots.canvas(height=height)
    ax.set(ylabel="mean Spearman correlation with accuracy", xlabel="share of the tokens of an expert's solution " * 2)
    plots.svg(figure)
    figure.draw_without_rendering()
    assert "\n" in ax.get_xlabel() and inside(figure, ax.xaxis.label)
    assert ("\n" in ax.get_ylabel()) == (height < 2)


def test_a_legend_takes_fewer_columns_rather_than_leaving_the_figure():
    figure, (ax,) = plots.canvas(width=4)
    for number in range(6):
        ax.plot([0, 1], label=f"a rather long name, {number}")
    plots.legend_below(figure, ax, columns=3)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 6 and inside(figure, legend)
    assert legend.get_window_extent().y1 <= ax.get_window_extent().y0, "it would hide points"


def test_same_limits_hold_what_every_panel_holds():
    _, axes = plots.canvas(rows=2)
    axes[0].plot([0, 1], [5, 6])
    axes[1].plot([3, 9], [-1, 0])
    plots.same_limits(axes)
    assert axes[0].get_xlim() == axes[1].get_xlim() and axes[0].get_ylim() == axes[1].get_ylim()
    assert axes[0].get_xlim()[0] <= 0 and axes[0].get_xlim()[1] >= 9 and axes[0].get_ylim()[0] <= -1


def test_ratios_put_ticks_at_the_values():
    _, (ax,) = plots.canvas()
    plots.ratios(ax.xaxis, [512, 2048, 31_000, 512])
    assert ax.get_xscale() == "log" and ax.get_yscale() == "linear"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["512", "2,048", "31 k"]
    plots.ratios(ax.yaxis, base=2)
    ax.set_ylim(0.4, 3)
    ax.figure.draw_without_rendering()
    assert {"0.5", "1", "2"} <= {text.get_text() for text in ax.get_yticklabels()}


DRAW = """
import hashlib
import pandas as pd
from proxylib.report import plots

figure, (ax,) = plots.canvas()
rows = pd.DataFrame({"row": ["a", "b"], "judge": ["LM judge"] * 2, "estimate": [1, 2], "low": [0, 1], "high": [2, 3]})
plots.forest(rows, ax, row="row", by="judge", label="x")
plots.legend_below(plots.finding(figure, "A finding"), ax)
digest = hashlib.sha256(plots.svg(figure)).hexdigest()
"""


def test_the_same_figure_has_the_same_bytes_in_another_process_and_drawing_needs_no_torch():
    program = DRAW + "import sys; print(digest, 'torch' in sys.modules)"
    other = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    here = {}
    exec(DRAW, here)
    assert other.split() == [here["digest"], "False"]
