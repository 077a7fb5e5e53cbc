"""How values spread: under chance with what was observed, and over models."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from proxylib.report.plots.style import FAINT, GROUND, INK, grouped, themed, without_legend


@themed
def histogram_with_marks(values: np.ndarray, ax: Axes, *, marks: Mapping[str, float], label: str) -> Axes:
    """A distribution under chance, with observed values as vertical lines.

    Parameters
    ----------
    values : [draws]
    marks : name -> observed value
    label : of the horizontal axis
    """
    sns.histplot(x=values, bins=30, color="#bbbbbb", edgecolor=GROUND, alpha=1, ax=ax)
    for (name, value), style in zip(marks.items(), ("-", "--", ":", "-."), strict=False):
        ax.axvline(value, color=INK, linewidth=1.6, linestyle=style, label=f"{name}: {value:.2f}")
    ax.set(xlabel=label, ylabel="shuffles")
    return ax


@themed
def accuracies_by_task(frame: pd.DataFrame, eligible: pd.DataFrame, ax: Axes) -> Axes:
    """Accuracies of all models side by side, a column per task, with quartiles and the guessing floor.

    Parameters
    ----------
    frame : columns task, family, width, estimate
    eligible : columns task, floor
    """
    names = list(frame["task"].drop_duplicates())
    widths = [f"width {width}" for width in sorted(frame["width"].unique())]
    families = sorted(frame["family"].unique())
    beside = dict(zip(families, np.linspace(-0.3, 0.3, len(families)) if len(families) > 1 else [0.0], strict=True))
    rows = frame.assign(column=frame["task"].map(names.index)).sort_values("family")
    rows = rows.assign(place=rows["column"] + rows["family"].map(beside), width="width " + rows["width"].astype(str))
    floors = eligible[eligible["task"].isin(names)].assign(column=lambda floors: floors["task"].map(names.index))
    sns.barplot(floors, x="column", y="floor", color=FAINT, width=0.84, native_scale=True, errorbar=None, ax=ax)
    box = {"whis": 0, "showcaps": False, "showfliers": False, "fill": False, "color": INK, "linewidth": 0.9}
    sns.boxplot(rows, x="column", y="estimate", native_scale=True, ax=ax, **box)
    sns.scatterplot(
        **grouped(rows, "family"),
        x="place",
        y="estimate",
        size="width",
        sizes=dict(zip(widths, np.linspace(16, 40, len(widths)), strict=True)),
        edgecolor=GROUND,
        linewidth=0.3,
        legend="full",
        ax=ax,
    )
    without_legend(ax, "family", "width")
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
    ax.set(xlabel="", ylabel="accuracy", ylim=(0, 1))
    return ax
