"""How values spread: under chance with what was observed, over models, over levels of difficulty."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from proxylib.report.plots.style import FAINT, GROUND, INK, QUIET, VERMILION, grouped, themed, without_legend


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
def accuracies_by_task(frame: pd.DataFrame, floors: pd.DataFrame, ax: Axes) -> Axes:
    """Accuracies of all models side by side, a column per task, with quartiles and the guessing floor.

    Parameters
    ----------
    frame : columns task, family, width, estimate
    floors : columns task, floor
    """
    names = list(frame["task"].drop_duplicates())
    widths = [f"width {width}" for width in sorted(frame["width"].unique())]
    families = sorted(frame["family"].unique())
    beside = dict(zip(families, np.linspace(-0.3, 0.3, len(families)) if len(families) > 1 else [0.0], strict=True))
    rows = frame.assign(column=frame["task"].map(names.index)).sort_values("family")
    rows = rows.assign(place=rows["column"] + rows["family"].map(beside), width="width " + rows["width"].astype(str))
    floors = floors[floors["task"].isin(names)].assign(column=lambda shown: shown["task"].map(names.index))
    sns.barplot(floors, x="column", y="floor", color=FAINT, width=0.84, native_scale=True, errorbar=None, ax=ax)
    box = {"whis": 0, "showcaps": False, "showfliers": False, "fill": False, "color": INK, "linewidth": 0.9}
    sns.boxplot(rows, x="column", y="estimate", native_scale=True, ax=ax, **box)
    sns.scatterplot(
        **grouped(rows, "family"),
        x="place",
        y="estimate",
        size="width",
        size_order=widths,
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


@themed
def levels_by_task(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Mean accuracy on every level of difficulty, a column of levels per task, with the guessing floor of each.

    Parameters
    ----------
    frame : columns task, level, floor, mean (shares), counted (filled, else hollow), otherwise (ringed); of a task, the first
        level stands on the left
    """
    names = list(frame["task"].drop_duplicates())
    within = frame.groupby("task")["level"]
    beside = (within.cumcount() + 0.5) / within.transform("size") - 0.5
    rows = frame.assign(place=frame["task"].map(names.index) + 0.84 * beside)
    bars = {"width": 0.84 / within.size().max(), "color": FAINT, "linewidth": 0}
    ax.bar(rows["place"], rows["floor"], label="commonest answer", zorder=0.9, **bars)
    thin = {"color": QUIET, "linewidth": 0.8, "units": "task", "estimator": None, "legend": False}
    sns.lineplot(rows, x="place", y="mean", zorder=1.5, ax=ax, **thin)
    kinds = {
        "enters accuracies": (rows["counted"], {"color": INK, "s": 26}),
        "left out": (~rows["counted"], {"color": GROUND, "edgecolor": INK, "linewidth": 1.1, "s": 26}),
        "these models would decide otherwise": (
            rows["otherwise"],
            {"color": "none", "edgecolor": VERMILION, "linewidth": 1.3, "s": 88},
        ),
    }
    for label, (chosen, look) in kinds.items():
        if chosen.any():
            sns.scatterplot(rows[chosen], x="place", y="mean", label=label, legend=False, zorder=2, ax=ax, **look)
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
    ax.grid(visible=False, axis="x")
    ax.set(xlabel="", ylabel="mean accuracy", ylim=(-0.03, 1.03))
    return ax
