"""Tables of correlations and of shares as colours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from proxylib.report.plots.style import INK, themed

CORRELATIONS = {"cmap": "RdBu", "vmin": -1, "vmax": 1}
SHARES = {"cmap": "Blues", "vmin": 0, "vmax": 1}
BAR = {"location": "bottom", "shrink": 0.9, "aspect": 30, "ticks": [-1, -0.5, 0, 0.5, 1]}


@themed
def heat_map(frame: pd.DataFrame, ax: Axes, *, label: str, marks: Mapping[str, float] | None = None) -> Axes:
    """A table of correlations as colours with their numbers, and levels of chance marked in the colour bar.

    Parameters
    ----------
    frame : [rows, columns] of values in [-1, 1]
    label : of the colour bar
    marks : name -> value drawn into the colour bar, on both sides of zero
    """
    _cells(frame, ax, BAR | {"label": label}, CORRELATIONS)
    bar = ax.collections[0].colorbar.ax
    for name, value in (marks or {}).items():
        for side in (-value, value):
            bar.axvline(side, color=INK, linewidth=1.6)
        at = {"xycoords": ("data", "axes fraction"), "xytext": (0, 2), "textcoords": "offset points"}
        bar.annotate(name, (value, 1), fontsize=8, ha="center", **at)
    return ax


@themed
def share_map(frame: pd.DataFrame, ax: Axes, *, label: str) -> Axes:
    """A table of shares as colours with their numbers.

    Parameters
    ----------
    frame : [rows, columns] of values in [0, 1]
    label : of the colour bar
    """
    _cells(frame, ax, BAR | {"label": label, "ticks": [0, 0.5, 1]}, SHARES)
    return ax


def _cells(frame: pd.DataFrame, ax: Axes, bar: Mapping[str, object], colours: Mapping[str, object]) -> None:
    numbers = frame.map(_short).to_numpy()
    sns.heatmap(frame, ax=ax, annot=numbers, fmt="", annot_kws={"fontsize": 8}, cbar_kws=bar, **colours)
    ax.set(xlabel="", ylabel="")
    ax.set_xticks(np.arange(frame.shape[1]) + 0.5, map(_spoken, frame.columns), rotation=45, ha="right")
    ax.set_yticks(np.arange(frame.shape[0]) + 0.5, map(_spoken, frame.index), rotation=0)


@themed
def similarity(frame: pd.DataFrame, ax: Axes) -> Axes:
    """A square matrix of correlations, in the order given; every fourth name is written.

    Parameters
    ----------
    frame : [F, F] symmetric

    Notes
    -----
    In grey, strongly negative and strongly positive cells look alike; the table that the figure draws tells them apart. The
    cells are one picture: six thousand paths would weigh three megabytes.
    """
    sns.heatmap(frame, ax=ax, cbar_kws=BAR | {"label": "correlation over models"}, rasterized=True, **CORRELATIONS)
    ax.set(xlabel="", ylabel="", xticks=[])
    ax.set_yticks(np.arange(0, len(frame), 4) + 0.5, map(_spoken, frame.columns[::4]), rotation=0, fontsize=7)
    return ax


def _spoken(name: object) -> str:
    return str(name).replace("|", " x ").replace("_", " ")


def _short(value: float) -> str:
    """Two digits without the leading zero: .52, -.07; nothing where there is no value."""
    return "" if pd.isna(value) else f"{round(value, 2) + 0.0:.2f}".replace("0.", ".", 1)
