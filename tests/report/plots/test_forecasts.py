"""A history and what is expected of it."""

import pandas as pd

from proxylib.report import plots


def test_forecasts_stand_beyond_the_history_with_their_intervals():
    points = pd.DataFrame({"x": [1e9, 1e10] * 2, "score": [30, 40, 50, 60], "series": ["a", "a", "b", "b"]})
    ahead = pd.DataFrame({"series": ["a", "b"], "x": 1e11, "at": 1e10, "last": [0.4, 0.6], "estimate": [0.5, 0.7]})
    _, (ax,) = plots.canvas()
    plots.forecast_lines(points, ahead.assign(low=[0.4, 0.6], high=[0.6, 0.8]), ax, label="tokens")
    bars = [segment for collection in ax.collections for segment in getattr(collection, "get_segments", list)()]
    assert sorted(tuple(segment[:, 1]) for segment in bars) == [(40, 60), (60, 80)]
    assert ax.get_legend_handles_labels()[1] == ["a", "b"] and ax.get_xscale() == "log"


def test_the_chosen_method_stands_out():
    table = pd.DataFrame(
        {"method": ["p", "q"], "kind": ["chosen", "beside it"], "error": [1, 2], "low": [0.5, 1], "high": [2, 3]}
    )
    _, (ax,) = plots.canvas()
    plots.methods_errors(table, ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["p", "q"] and ax.get_xlim()[0] == 0


def test_the_part_that_forecasts_were_made_from_is_shaded():
    frame = pd.DataFrame({"share": [0.01, 0.05, 1.0] * 2, "window": [True, True, False] * 2, "value": [0, 5, 60, 0, 6, 40]})
    frame["series"] = ["what came"] * 3 + ["from loss on prose"] * 3
    _, (ax,) = plots.canvas()
    plots.along_a_run(frame, ax)
    assert ax.get_legend_handles_labels()[1] == ["what came", "from loss on prose"] and ax.get_xscale() == "log"
    (shade,) = ax.patches
    assert shade.get_x() == 0.01 and shade.get_x() + shade.get_width() == 0.05
    plots.along_a_run(frame.assign(window=False), plots.canvas()[1][0])
