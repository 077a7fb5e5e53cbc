"""A run that is watched: its series with the places where alarms were raised."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from proxylib.report.plots.style import BLUE, FAINT, INK, QUIET, VERMILION, panel, themed
from proxylib.text import line

STANDS, OVER = VERMILION, QUIET


@themed
def watched_series(points: pd.DataFrame, alarms: pd.DataFrame, ax: Axes, *, label: str, title: str) -> Axes:
    """A series along the run; a line where an alarm was raised, a shade from where it began.

    Parameters
    ----------
    points : columns at, value
    alarms : of this series: alarm, at, since, stands
    label : of the horizontal axis
    title : of the panel
    """
    for row in alarms.itertuples():
        colour = STANDS if row.stands else OVER
        if row.since < row.at:
            ax.axvspan(row.since, row.at, color=FAINT, alpha=0.5, linewidth=0)
        ax.axvline(row.at, color=colour, linewidth=1.1, linestyle="-" if row.stands else ":")
    marks = {"marker": "o", "markersize": 2.5} if len(points) <= 100 else {}
    sns.lineplot(points, x="at", y="value", color=INK, linewidth=0.9, errorbar=None, ax=ax, **marks)
    ax.set(xlabel=label, ylabel="")
    return panel(ax, line(title))


@themed
def candidates(table: pd.DataFrame, ax: Axes, *, label: str) -> Axes:
    """The checkpoints among which is chosen: those that can be told from the best are hollow, the taken one is marked.

    Parameters
    ----------
    table : columns at, score, stderr, apart, taken
    label : of the horizontal axis
    """
    ax.errorbar(table["at"], table["score"], yerr=table["stderr"], fmt="none", ecolor=FAINT, elinewidth=1.2, zorder=1)
    for apart, rows in table.groupby("apart"):
        colours = {"color": "none" if apart else BLUE, "edgecolor": QUIET if apart else BLUE}
        sns.scatterplot(rows, x="at", y="score", **colours, s=26, ax=ax, legend=False)
    taken = table[table["taken"]]
    sns.scatterplot(taken, x="at", y="score", color=VERMILION, marker="D", s=44, ax=ax, legend=False)
    ax.set(xlabel=label, ylabel="mean of tasks")
    return ax
