"""Two quantities of each thing, a point per thing, and what a line or a diagonal would say of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from proxylib.report.plots.intervals import hollow, whiskers
from proxylib.report.plots.intervals import points as draw_points
from proxylib.report.plots.style import FAINT, INK, QUIET, looks, themed

#: name of the line through all points, whatever their group
ALL = "all"


@themed
def scatter_with_lines(
    points: pd.DataFrame, ax: Axes, *, x: str, by: str, lines: Mapping[Hashable, tuple[float, float]], label: str
) -> Axes:
    """Pass rates with intervals against a loss, each group in its look, with lines that were fitted before.

    Parameters
    ----------
    points : columns `x`, `by`, rate, low, high (percent)
    lines : group, or `all` for all points together -> intercept and slope
    label : of the horizontal axis

    Notes
    -----
    The bars are about each point, given its model; how far points scatter around a line is another matter.
    """
    colours = {name: look.colour for name, look in looks(points[by], by).items()}
    whiskers(points, ax, x=x, colour=points[by].map(colours))
    draw_points(points, ax, x=x, y="rate", by=by)
    for name, (intercept, slope) in lines.items():
        over = points if name == ALL else points[points[by] == name]
        ends = np.array([over[x].min(), over[x].max()])
        sns.lineplot(x=ends, y=intercept + slope * ends, color=colours.get(name, INK), legend=False, ax=ax)
    ax.set(xlabel=label, ylabel="pass rate, %")
    return ax


@themed
def rank_scatter(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Predicted rank against actual rank, one point per model and seed, coloured by family; the diagonal is perfection.

    Parameters
    ----------
    frame : columns predicted, actual, family
    """
    ax.axline((1, 1), slope=1, color=QUIET, linewidth=1, linestyle=":")
    draw_points(frame.sort_values("family"), ax, x="predicted", y="actual", by="family")
    ax.set(xlabel="predicted rank", ylabel="rank by accuracy")
    return ax


@themed
def scores_by_loss(
    frame: pd.DataFrame, ax: Axes, *, label: str, score: str, beside: pd.DataFrame | None = None, named: str = ""
) -> Axes:
    """Scores against losses, a point per model, shaded by how many examples it learnt from.

    Parameters
    ----------
    frame : columns loss, score, examples
    label, score : of the axes
    beside : columns loss, score: models that learnt from none, hollow, called `named`
    """
    draw_points(frame, ax, x="loss", y="score", by="examples")
    if beside is not None:
        hollow(beside, ax, x="loss", y="score", label=named)
    ax.set(xlabel=label, ylabel=score)
    return ax


@themed
def quadrants(
    frame: pd.DataFrame, ax: Axes, *, x: str, y: str, by: str, at: tuple[float, float], labels: tuple[str, str]
) -> Axes:
    """Two quantities of each thing, parted by a value of either: who is high on the one and low on the other?

    Parameters
    ----------
    frame : columns `x`, `y`, `by`
    at : where the plane is parted, across and upwards
    labels : of the axes
    """
    for draw, value in zip((ax.axvline, ax.axhline), at, strict=True):
        draw(value, color=QUIET, linewidth=1, linestyle=":")
    draw_points(frame, ax, x=x, y=y, by=by)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    return ax


@themed
def prices(frame: pd.DataFrame, ax: Axes, *, label: str) -> Axes:
    """What things cost against what they tell, with a range of either; what is free stands at the left edge.

    Parameters
    ----------
    frame : columns name, low_cost, high_cost (dollars, 0 where free), estimate, low, high (percent)
    label : of the vertical axis
    """
    free = frame["high_cost"] <= 0
    ends = np.where(free.to_numpy()[:, None], 1.0, frame[["low_cost", "high_cost"]].to_numpy(float))
    shown = frame.assign(cost=np.sqrt(ends[:, 0] * ends[:, 1]), by=frame["name"])
    apart = shown.groupby("cost").cumcount().to_numpy()  # what costs the same would lie upon each other
    shown["cost"] *= 1.5**apart
    colours = {name: look.colour for name, look in looks(shown["name"]).items()}
    whiskers(shown, ax, x="cost", colour=shown["name"].map(colours))
    ax.hlines(shown["estimate"], ends[:, 0], ends[:, 1], color=QUIET, alpha=0.5, linewidth=1, zorder=1.8)
    draw_points(shown, ax, x="cost", y="estimate", by="name")
    ax.set(xscale="log", xlabel="dollars a look (at the left edge: nothing more)", ylabel=label)
    return ax


@themed
def promises(frame: pd.DataFrame, ax: Axes) -> Axes:
    """What came against what was promised; on the diagonal, a promise is kept.

    Parameters
    ----------
    frame : columns promised, regret (points), by
    """
    ax.axline((0, 0), slope=1, color=QUIET, linewidth=1, linestyle=":")
    draw_points(frame, ax, x="promised", y="regret", by="by")
    ax.set(xlabel="promised loss, points", ylabel="what was lost, points")
    return ax


@themed
def surface_in_doubt(frame: pd.DataFrame, lines: pd.DataFrame, ax: Axes, *, label: str) -> Axes:
    """What is known of candidates and what is not, along one signal.

    Parameters
    ----------
    frame : columns place, rate, low, high (percent), kind; a row per candidate, and one more for those to buy
    lines : columns place, estimate, low, high (shares; nan where there is no line)
    label : of the horizontal axis
    """
    ends = lines.sort_values("place").dropna(subset=["estimate"])
    if len(ends):
        ax.fill_between(ends["place"], 100 * ends["low"], 100 * ends["high"], color=FAINT, alpha=0.5, linewidth=0)
        sns.lineplot(x=ends["place"], y=100 * ends["estimate"], color=QUIET, linewidth=1, errorbar=None, legend=False, ax=ax)
    colours = {name: look.colour for name, look in looks(frame["kind"]).items()}
    whiskers(frame, ax, x="place", colour=frame["kind"].map(colours))
    draw_points(frame, ax, x="place", y="rate", by="kind")
    ax.set(xlabel=label, ylabel="score, %")
    return ax
