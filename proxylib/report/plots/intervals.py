"""Estimates with the intervals that came with them: forests, and the one helper that draws an interval."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator

from proxylib.report.plots.style import FAINT, GROUND, INK, QUIET, grouped, looks, themed, without_legend
from proxylib.text import line


def whiskers(frame: pd.DataFrame, ax: Axes, *, colour: object, x: str | None = None, y: str | None = None):
    """Intervals that came with the estimates, as bars upright at `x` or level at `y`; returns their collection.

    Parameters
    ----------
    frame : columns low, high and the one named by `x` or `y`
    colour : one for all, or one a row
    """
    draw, at = (ax.vlines, x) if x is not None else (ax.hlines, y)
    return draw(frame[at], frame["low"], frame["high"], color=colour, alpha=0.6, linewidth=1.7, zorder=1.9)


def points(frame: pd.DataFrame, ax: Axes, *, x: str, y: str, by: str, labels: Mapping[Hashable, str] | None = None) -> Axes:
    """Points whose colour and marker say which group they belong to; the legend is left to the caller.

    Parameters
    ----------
    frame : columns `x`, `y`, `by`
    labels : group -> what the legend says
    """
    sns.scatterplot(**grouped(frame, by, labels), x=x, y=y, s=36, edgecolor=GROUND, linewidth=0.4, legend="full", ax=ax)
    return without_legend(ax)


def hollow(frame: pd.DataFrame, ax: Axes, *, x: str, y: str, label: str = "reported") -> Axes:
    """Values of others, as hollow diamonds around or beside ours.

    Parameters
    ----------
    frame : columns `x`, `y`
    """
    style = {"facecolor": "none", "edgecolor": INK, "linewidth": 1.2, "marker": "D", "s": 62}
    at = {"x": frame[x].to_numpy(), "y": frame[y].to_numpy()}  # without names, which would become labels of the axes
    sns.scatterplot(**at, label=label, legend=False, zorder=4, ax=ax, **style)
    return ax


@themed
def forest(
    frame: pd.DataFrame,
    ax: Axes,
    *,
    row: str,
    by: str,
    label: str,
    order: Sequence | None = None,
    labels: Mapping[Hashable, str] | None = None,
    null: float | None = None,
    spread: float = 0.5,
) -> Axes:
    """Things as rows, the first on top; in each a marker with its interval per group.

    Parameters
    ----------
    frame : columns `row`, `by`, estimate, low, high
    label : of the horizontal axis
    order : rows from top to bottom, where not all or not in the order of the frame
    labels : row or group -> what to print
    null : where a vertical line stands to compare with
    spread : share of a row's height over which its groups are spread

    Notes
    -----
    Intervals that overlap do not say that two rows are equal: estimates from the same data differ by less than each of
    them varies. Where the difference is the question, its own interval has to be drawn.
    """
    rows = list(dict.fromkeys(frame[row] if order is None else order))
    names = list(looks(frame[by]))
    offsets = dict(zip(names, np.linspace(-spread / 2, spread / 2, len(names)) if len(names) > 1 else [0.0], strict=False))
    shown = frame[frame[row].isin(rows)]
    if shown.empty:  # a small profile may leave nothing to compare; the page says so rather than stopping
        ax.text(0.5, 0.5, "nothing to show", ha="center", va="center", color=QUIET, transform=ax.transAxes)
        ax.set_axis_off()
        return ax
    shown = shown.assign(place=shown[row].map(rows.index) + shown[by].map(offsets))
    colours = {name: look.colour for name, look in looks(names, by).items()}
    whiskers(shown, ax, y="place", colour=shown[by].map(colours))
    points(shown, ax, x="estimate", y="place", by=by, labels=labels)
    return _rows(ax, [line((labels or {}).get(name, name)) for name in rows], label, null)


def _rows(ax: Axes, names: Sequence[str], label: str, null: float | None) -> Axes:
    """Ticks and borders of rows that stand at 0, 1, 2, ... from top to bottom."""
    ax.set_yticks(range(len(names)), names, fontsize="small")
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))  # names take the room that more ticks would need
    ax.yaxis.set_minor_locator(FixedLocator(np.arange(len(names) - 1) + 0.5))
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="y", which="minor")
    ax.set(xlabel=label, ylabel="", ylim=(len(names) - 0.5, -0.5))
    if null is not None:
        ax.axvline(null, color=QUIET, linewidth=1, zorder=1)
    return ax


def models_forest(table: pd.DataFrame, ax: Axes, *, column: str) -> Axes:
    """Models as rows in the order of the table, the first on top, with intervals.

    Parameters
    ----------
    table : columns model, `column`, and its ends `<column> low`, `<column> high`
    """
    ends = {column: "estimate", f"{column} low": "low", f"{column} high": "high"}
    return forest(table.rename(columns=ends).assign(kind="model"), ax, row="model", by="kind", label=column)


@themed
def trained_twice(frame: pd.DataFrame, ax: Axes, *, label: str, labels: Mapping[str, str] | None = None) -> Axes:
    """Models as rows in the order of the frame, the first on top: both trainings of each, with a line from one to the other.

    Parameters
    ----------
    frame : columns model, first, second
    label : of the horizontal axis
    labels : "first training", "second training" -> what the legend says
    """
    rows = frame.assign(place=np.arange(len(frame)), low=frame["first"], high=frame["second"])
    whiskers(rows, ax, y="place", colour=QUIET)
    sides = {"first": "first training", "second": "second training"}
    both = rows.rename(columns=sides).melt(["model", "place"], list(sides.values()), "training", "value")
    points(both, ax, x="value", y="place", by="training", labels=labels)
    return _rows(ax, list(map(line, frame["model"])), label, None)


def ceiling_by_task(frame: pd.DataFrame, ax: Axes, *, labels: Mapping[str, str] | None = None) -> Axes:
    """How well one full-size seed orders the candidates, per task; easier tasks on top.

    Parameters
    ----------
    frame : columns task, against, estimate, low, high
    labels : task -> what to print
    """
    against = frame["against"].unique()
    order = frame[frame["against"] == against[-1]].sort_values("estimate", ascending=False)["task"]
    labels = {name: f"against {name}" for name in against} | dict(labels or {})
    label = "decision accuracy of one seed (0.5: a coin)"
    return forest(frame, ax, row="task", by="against", label=label, order=order, labels=labels, null=0.5, spread=0.3)


def contrast_forest(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Combinations minus the single size: planned contrasts in ink above, exploratory ones in grey below.

    Parameters
    ----------
    frame : columns label, primary, estimate, low, high; one row each
    """
    rows = frame.sort_values("primary", kind="stable", ascending=False)
    rows = rows.assign(kind=np.where(rows["primary"], "planned", "exploratory"))
    return forest(rows, ax, row="label", by="kind", label="difference of decision accuracy", null=0, spread=0)


def methods_forest(
    frame: pd.DataFrame,
    ax: Axes,
    *,
    order: list[str],
    reported: Mapping[str, float] | None = None,
    nulls: pd.DataFrame | None = None,
) -> Axes:
    """Methods as rows, a marker with interval per protocol, on bands of what the same fit finds without a signal.

    Parameters
    ----------
    frame : columns method, protocol, estimate, low, high
    order : methods from top to bottom
    reported : method -> value of the source, as hollow diamonds
    nulls : columns method, protocol, null_mean, null_high: where a band begins and ends
    """
    labels = {"leave-tasks-out": "unseen tasks", "leave-family-out": "unseen family", "leave-both-out": "both unseen"}
    label, spread = "mean Spearman correlation with accuracy", 0.44
    forest(frame, ax, row="method", by="protocol", label=label, order=order, labels=labels, null=0, spread=spread)
    if nulls is not None:
        groups = list(looks(frame["protocol"]))
        offsets = dict(zip(groups, np.linspace(-spread / 2, spread / 2, len(groups)), strict=True))
        bands = nulls[nulls["method"].isin(order) & nulls["protocol"].isin(groups)]
        place = bands["method"].map(order.index) + bands["protocol"].map(offsets)
        band = {"color": FAINT, "linewidth": 6, "zorder": 0.9, "label": "the same fit without a signal"}
        ax.hlines(place, bands["null_mean"], bands["null_high"], **band)
    return _hollow_in_rows(ax, [(reported or {}).get(method, np.nan) for method in order], "reported")


def changes_forest(frame: pd.DataFrame, ax: Axes, *, label: str, higher: str = "raises it", lower: str = "lowers it") -> Axes:
    """Changed choices as rows, coloured by what their interval decides against zero.

    Parameters
    ----------
    frame : columns label, decision, estimate, low, high; one row each
    label : of the horizontal axis
    higher, lower : what the legend says of rows above and below zero
    """
    labels = {"higher": higher, "lower": lower, "undecided": "not shown to do either"}
    rows = frame.assign(decision=frame["decision"].astype(str))
    return forest(rows, ax, row="label", by="decision", label=label, labels=labels, null=0, spread=0)


def agreement_forest(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Pairs of voters as rows, a marker with interval each, known values hollow.

    Parameters
    ----------
    frame : columns pair, people (whether both are people), estimate, low, high, known (nan where there is none)
    """
    rows = frame.assign(kind=np.where(frame["people"], "two people", "with a model as judge"))
    forest(rows, ax, row="pair", by="kind", label="share of agreeing pairs of votes", null=0.5, spread=0)
    return _hollow_in_rows(ax, frame["known"], "known")


def beside_reported(frame: pd.DataFrame, ax: Axes) -> Axes:
    """R2 per group of configurations: a reported value, hollow, with ours of each judge below it.

    Parameters
    ----------
    frame : columns group, judge, estimate, low, high (ours) and reported, from, to (theirs)
    """
    forest(frame, ax, row="group", by="judge", label="R2 of a straight line in final training loss", spread=0.3)
    theirs = frame.drop_duplicates("group")[["reported", "from", "to"]].set_axis(["estimate", "low", "high"], axis="columns")
    theirs = theirs.assign(place=np.arange(len(theirs)) - 0.32)
    whiskers(theirs, ax, y="place", colour=QUIET)
    hollow(theirs, ax, x="estimate", y="place", label="the post")
    ax.set_xlim(-0.03, 1.03)
    return ax


def _hollow_in_rows(ax: Axes, values: Sequence[float], label: str) -> Axes:
    return hollow(pd.DataFrame({"value": values, "place": range(len(values))}), ax, x="value", y="place", label=label)
