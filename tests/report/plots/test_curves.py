"""Lines: sorted, each with its intervals, in the look of its group, with ticks and levels where they belong."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from proxylib.report import plots
from proxylib.report.plots import style


@pytest.fixture
def ax():
    return plots.canvas()[1][0]


def lines(ax):
    """Label -> line, of those that draw something."""
    return {line.get_label(): line for line in ax.get_lines() if len(line.get_xdata())}


def bars(ax):
    return [c for c in ax.collections if isinstance(c, LineCollection)]


def estimates(x, **columns):
    rows = pd.DataFrame({"x": x, **columns})
    rows["estimate"] = rows["x"] / 10
    return rows.assign(low=rows["estimate"] - 0.1, high=rows["estimate"] + 0.2)


def test_a_line_per_group_sorted_with_its_intervals(ax):
    rows = estimates([3, 1, 2, 2, 1], signal=["nll", "nll", "nll", "accuracy", "accuracy"])
    plots.lines_with_intervals(rows, ax, x="x", by="signal", labels={"nll": "NLL"})
    assert list(lines(ax)) == ["NLL", "accuracy"]
    np.testing.assert_allclose(lines(ax)["NLL"].get_xydata(), [[1, 0.1], [2, 0.2], [3, 0.3]])
    assert lines(ax)["NLL"].get_color() == style.LOOKS["nll"].colour
    assert lines(ax)["NLL"].get_marker() == style.LOOKS["nll"].marker
    segments = np.array(bars(ax)[0].get_segments())
    np.testing.assert_allclose(segments[:, :, 1], rows[rows["signal"] == "nll"][["low", "high"]])
    np.testing.assert_allclose(segments[:, 0, 0], [3, 1, 2])


def test_lines_that_stand_apart_keep_their_data_and_the_middle_stays(ax):
    rows = estimates([1, 2] * 3, signal=["answers"] * 2 + ["proxy"] * 2 + ["nll"] * 2)
    plots.lines_with_intervals(rows, ax, x="x", by="signal", apart=6)
    found = list(lines(ax).values())
    shift = [line.get_transform().transform([1, 0.1])[0] - ax.transData.transform([1, 0.1])[0] for line in found]
    points = ax.figure.dpi / 72
    np.testing.assert_allclose(shift, [-6 * points, 0, 6 * points], atol=1e-9)
    for line, bar in zip(found, bars(ax), strict=True):
        np.testing.assert_allclose(line.get_transform().transform([1, 0]), bar.get_transform().transform([1, 0]))
        assert line.get_xdata().tolist() == [1, 2]


def test_equal_places_are_not_averaged(ax):
    rows = pd.DataFrame({"x": [1, 1], "estimate": [0.0, 1.0], "low": [0, 0], "high": [1, 1], "signal": "nll"})
    plots.lines_with_intervals(rows, ax, x="x", by="signal")
    assert sorted(lines(ax)["nll"].get_ydata()) == [0, 1]


def test_wider_models_are_drawn_thicker_in_the_colour_of_their_family(ax):
    rows = pd.DataFrame(
        {
            "model": ["a", "a", "b", "b", "c", "c"],
            "family": ["gpt2-bpe"] * 4 + ["llama-bpe"] * 2,
            "width": [32, 32, 64, 64, 32, 32],
            "tokens": [1e3, 1e4] * 3,
            "bits_per_byte": [4.0, 2, 4, 1, 3, 1],
        }
    )
    plots.learning_curves(rows, ax)
    drawn = [line for line in ax.get_lines() if len(line.get_xdata())]
    by_colour = {}
    for line in drawn:
        by_colour.setdefault(line.get_color(), []).append(line.get_linewidth())
    thin, thick = sorted(by_colour[style.LOOKS["gpt2-bpe"].colour])
    assert thin < thick and by_colour[style.LOOKS["llama-bpe"].colour] == [thin]
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.get_legend_handles_labels()[1] == ["gpt2-bpe", "llama-bpe", "width 32", "width 64"]


def test_losses_of_larger_bases_are_darker(ax):
    rows = pd.DataFrame({"base": ["small"] * 3 + ["large"] * 3, "seen": [0, 1, 2] * 2, "loss": [9.0, 3, 2, 9, 2, 1]})
    plots.loss_curves(rows, ax)
    small, large = (sum(mpl.colors.to_rgb(line.get_color())) for line in ax.get_lines() if len(line.get_xdata()))
    assert small > large and ax.get_yscale() == "log"
    assert ax.get_legend_handles_labels()[1] == ["small", "large"] and ax.get_legend() is None


def test_memory_has_ticks_at_its_tokens_and_the_promised_bound(ax):
    rows = pd.DataFrame({"impl": ["proxylib"] * 2 + ["naive_sort"], "tokens": [512, 8192, 512], "peak_mib": [7, 7, 90]})
    plots.memory_lines(rows.assign(bound_mib=[15.0, 15.0, np.nan]), ax)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["512", "8,192"]
    assert [text.get_text() for text in ax.texts] == ["promised"]
    assert any(set(line.get_ydata()) == {15.0} for line in ax.get_lines())
    assert ax.get_legend_handles_labels()[1] == ["proxylib", "naive_sort"]
    plots.memory_lines(rows.assign(bound_mib=np.nan), plots.canvas()[1][0])


def test_scaling_takes_greys_for_numbers_of_examples_and_a_legend_beside_the_data(ax):
    rows = pd.DataFrame({"parameters": [31e3, 74e3] * 2, "examples": [162, 162, 584, 584], "rate": [1.0, 2, 3, 4]})
    plots.scaling_lines(rows.assign(low=0, high=9), ax, x="parameters", by="examples", label="parameters")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["31 k", "74 k"]
    for line in lines(ax).values():
        red, green, blue = mpl.colors.to_rgb(line.get_color())
        assert red == green == blue
    ax.figure.draw_without_rendering()
    assert ax.get_legend().get_window_extent().x0 >= ax.get_window_extent().x1


def by_compute(**columns):
    rows = pd.DataFrame(
        {
            "compute_fraction": [0.01, 0.1, 0.7, 1.0] * 2,
            "signal": ["accuracy"] * 4 + ["nll"] * 4,
            "on_trajectory": [True, True, False, True] * 2,
            "by_construction": [False, False, False, True, False, False, False, False],
            "estimate": 0.8,
            "low": 0.7,
            "high": 0.9,
        }
    )
    return rows.assign(**columns)


def test_decision_accuracy_leaves_out_sizes_off_the_trajectory_and_the_target_itself(ax):
    frame = by_compute()
    seeds = frame[frame["signal"] == "nll"]
    reported = pd.DataFrame({"compute_fraction": [0.1], "estimate": [0.8]})
    plots.decision_accuracy_by_compute(frame, ax, seeds=seeds, reported=reported)
    assert lines(ax)["accuracy"].get_xdata().tolist() == [0.01, 0.1]
    assert lines(ax)["NLL of the correct answer"].get_xdata().tolist() == [0.01, 0.1, 1.0]
    (dashes,) = (c for c in ax.collections if c.get_label() == "NLL, one seed each")
    assert len(dashes.get_offsets()) == 3
    (hollow,) = (c for c in ax.collections if c.get_label() == "reported")
    np.testing.assert_allclose(hollow.get_offsets(), [[0.1, 0.8]])
    assert not len(hollow.get_facecolor()), "a value of others is hollow"
    assert ax.get_xscale() == "log" and "a coin" in [text.get_text() for text in ax.texts]


def test_differences_stand_beside_zero(ax):
    plots.paired_differences(by_compute().query("signal == 'nll'").drop(columns="signal"), ax)
    assert lines(ax)["nll"].get_xdata().tolist() == [0.01, 0.1, 1.0] and ax.get_xscale() == "log"
    assert any(set(line.get_ydata()) == {0.0} for line in ax.get_lines())


def test_the_share_of_all_pairs_is_a_band_behind_both_signals(ax):
    plots.misranked_within_noise(by_compute(all_estimate=0.25, all_low=0.2, all_high=0.4), ax)
    assert {"all pairs", "mis-ranked by accuracy", "mis-ranked by NLL"} <= set(ax.get_legend_handles_labels()[1])
    (band,) = ax.patches
    assert (band.get_y(), band.get_height()) == pytest.approx((0.2, 0.2))
