"""Histories with what is forecast beyond them, and how wrong forecasts were before."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from proxylib.report.plots.curves import MARKED
from proxylib.report.plots.intervals import forest, whiskers
from proxylib.report.plots.style import FAINT, grouped, looks, ratios, themed, without_legend

APART = 1.07  # from one forecast to the next, whose intervals would lie upon each other


@themed
def forecast_lines(points: pd.DataFrame, ahead: pd.DataFrame, ax: Axes, *, label: str) -> Axes:
    """Scores so far as lines, and where each is expected to be, with its interval, joined by dashes.

    Parameters
    ----------
    points : columns x, score (percent), series
    ahead : columns x, series, estimate, low, high, last (shares), at (place of the last score); low and high may be nan
    label : of the horizontal axis
    """
    style = {"dashes": False, "estimator": None, "legend": "full", "markersize": 3.5, "markeredgewidth": 0}
    sns.lineplot(**grouped(points, "series"), x="x", y="score", ax=ax, **MARKED | style)
    without_legend(ax, "series")
    names = looks(points["series"])
    shown = ahead.assign(**{column: 100 * ahead[column] for column in ("estimate", "low", "high", "last")})
    for place, (name, look) in enumerate(names.items()):
        rows = shown[shown["series"] == name]
        rows = rows.assign(x=rows["x"] * APART ** (place - (len(names) - 1) / 2))
        ends = pd.DataFrame({"x": [*rows["at"], *rows["x"]], "score": [*rows["last"], *rows["estimate"]]})
        sns.lineplot(ends, x="x", y="score", color=look.colour, linestyle=":", linewidth=1.2, legend=False, ax=ax)
        whiskers(rows, ax, x="x", colour=look.colour)
        sns.scatterplot(rows, x="x", y="estimate", color=look.colour, marker=look.marker, s=36, legend=False, ax=ax)
    ratios(ax.xaxis)
    ax.set(xlabel=label, ylabel="score, %")
    return ax


@themed
def methods_errors(table: pd.DataFrame, ax: Axes) -> Axes:
    """How wrong each method was, with intervals, the least wrong on top; the chosen one in colour.

    Parameters
    ----------
    table : columns method, kind ("chosen", "beside it"), error, low, high (points)
    """
    rows = table.rename(columns={"error": "estimate"})
    forest(rows, ax, row="method", by="kind", label="error in the past, points (root mean square)", spread=0)
    ax.set_xlim(left=0)
    return ax


@themed
def along_a_run(frame: pd.DataFrame, ax: Axes) -> Axes:
    """What came and what was foretold over a run, the part that forecasts were made from shaded.

    Parameters
    ----------
    frame : columns share (of the run), series, value (percent), window (whether within what forecasts were made from)
    """
    style = {"dashes": False, "estimator": None, "legend": "full"}
    sns.lineplot(**grouped(frame, "series"), x="share", y="value", ax=ax, **MARKED | style | {"markersize": 4})
    without_legend(ax, "series")
    ratios(ax.xaxis)
    if frame["window"].any():
        ax.axvspan(frame["share"].min(), frame.loc[frame["window"], "share"].max(), color=FAINT, alpha=0.5, zorder=0)
    ax.set(xlabel="share of the run's steps", ylabel="right answers, %", ylim=(-3, 103))
    return ax
