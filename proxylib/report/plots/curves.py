"""Quantities against an ordered axis: tokens, examples, compute, size."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from proxylib.report.plots.intervals import hollow, whiskers
from proxylib.report.plots.style import GROUND, QUIET, grouped, level, looks, ratios, themed, without_legend

MARKED = {"markersize": 6.2, "markeredgecolor": GROUND, "markeredgewidth": 0.4}


@themed
def lines_with_intervals(
    frame: pd.DataFrame,
    ax: Axes,
    *,
    x: str,
    by: str,
    y: str = "estimate",
    labels: Mapping[Hashable, str] | None = None,
    apart: float = 0.0,
) -> Axes:
    """One line with markers per group, their intervals as bars.

    Parameters
    ----------
    frame : columns `x`, `by`, `y`, low, high
    x, y : columns of the axes
    by : column of the groups; its values decide colour and marker
    labels : group -> what the legend says
    apart : points from one line to the next, where few places on the axis would put bars upon each other

    Notes
    -----
    Nothing is averaged: two rows of a group at one `x` are two points. Bars that overlap do not say that two lines agree
    where the estimates are paired.
    """
    names = looks(frame[by], by)
    for place, (name, look) in enumerate(names.items()):
        rows = frame[frame[by] == name]
        before = len(ax.lines)
        label = str((labels or {}).get(name, name))
        style = {"color": look.colour, "marker": look.marker, **MARKED}
        sns.lineplot(rows, x=x, y=y, label=label, estimator=None, legend=False, ax=ax, **style)
        drawn = [*ax.lines[before:], whiskers(rows, ax, x=x, colour=look.colour)]
        shift = ScaledTranslation(apart * (place - (len(names) - 1) / 2) / 72, 0, ax.figure.dpi_scale_trans)
        for artist in drawn:  # only now: the limits of the axes are those of the data
            artist.set_transform(ax.transData + shift)
    return ax


def _lines(frame: pd.DataFrame, ax: Axes, *, x: str, y: str, by: str, **style: object) -> None:
    sns.lineplot(**grouped(frame, by), x=x, y=y, dashes=False, estimator=None, legend="full", ax=ax, **MARKED | style)
    without_legend(ax, by, str(style.get("size")))


@themed
def learning_curves(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Held-out loss against training tokens, one line per model; wider models drawn thicker.

    Parameters
    ----------
    frame : columns model, family, width, tokens, bits_per_byte
    """
    widths = [f"width {width}" for width in sorted(frame["width"].unique())]
    shown = frame.assign(width="width " + frame["width"].astype(str)).sort_values("family")
    thickness = {width: 1 + 1.2 * place for place, width in enumerate(widths)}
    sized = {"size": "width", "sizes": thickness, "size_order": widths, "units": "model", "markersize": 4.5}
    _lines(shown, ax, x="tokens", y="bits_per_byte", by="family", **sized)
    ratios(ax.xaxis)
    ratios(ax.yaxis, base=2)  # a doubling of the loss is the same step everywhere
    ax.set(xlabel="training tokens", ylabel="held-out loss (bits per byte)")
    return ax


@themed
def loss_curves(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Training loss against examples seen, one line per base.

    Parameters
    ----------
    frame : columns base, seen, loss; bases in their order of size
    """
    _lines(frame, ax, x="seen", y="loss", by="base", markevery=0.15)
    ratios(ax.yaxis, base=2)
    ax.set(xlabel="examples seen", ylabel="nats per completion token")
    return ax


@themed
def memory_lines(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Memory against scored tokens, a line per implementation, both axes logarithmic.

    Parameters
    ----------
    frame : columns impl, tokens, peak_mib, bound_mib (NaN but for the one that promises a bound)
    """
    _lines(frame, ax, x="tokens", y="peak_mib", by="impl")
    bound = frame["bound_mib"].dropna()
    if len(bound):
        level(ax, float(bound.iloc[0]), "promised")
    ratios(ax.xaxis, frame["tokens"])
    ratios(ax.yaxis)
    ax.set(xlabel="scored tokens", ylabel="MiB")
    return ax


@themed
def scaling_lines(points: pd.DataFrame, ax: Axes, *, x: str, by: str, label: str) -> Axes:
    """Pass rate against a quantity that grows by ratios, a line with intervals per value of an ordered column.

    Parameters
    ----------
    points : columns `x`, `by`, rate, low, high (percent)
    """
    lines_with_intervals(points, ax, x=x, by=by, y="rate", apart=2)
    ratios(ax.xaxis, points[x])
    ax.set(xlabel=label, ylabel="pass rate, %")
    ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


@themed
def decision_accuracy_by_compute(
    frame: pd.DataFrame, ax: Axes, *, seeds: pd.DataFrame | None = None, reported: pd.DataFrame | None = None
) -> Axes:
    """Decision accuracy of both signals against compute, with intervals.

    Parameters
    ----------
    frame : columns signal, compute_fraction, on_trajectory, by_construction, estimate, low, high
    seeds : single-seed NLL, columns compute_fraction, on_trajectory, estimate; drawn as dashes
    reported : columns compute_fraction, estimate; hollow diamonds

    Notes
    -----
    Sizes off the compute trajectory, and accuracy at the target's own size, are not drawn.
    """
    shown = frame[frame["on_trajectory"] & ~frame["by_construction"]]
    _by_compute(shown, ax, labels={"nll": "NLL of the correct answer"})
    if seeds is not None:
        rows = seeds[seeds["on_trajectory"]]
        rows = rows.assign(compute_fraction=1.35 * rows["compute_fraction"])  # beside the bars of their size
        sns.scatterplot(
            rows,
            x="compute_fraction",
            y="estimate",
            color=looks(["nll"])["nll"].colour,
            marker="_",
            linewidth=1,
            s=44,
            label="NLL, one seed each",
            legend=False,
            ax=ax,
        )
    if reported is not None:
        hollow(reported, ax, x="compute_fraction", y="estimate")
    level(ax, 0.5, "a coin")
    ax.set(ylim=(0, 1.02), ylabel="decision accuracy")
    return ax


@themed
def decisions_by_share(frame: pd.DataFrame, ax: Axes, *, ceiling: float | None = None) -> Axes:
    """Decision accuracy of several methods against the share of the target's compute, with intervals.

    Parameters
    ----------
    frame : columns method, share, estimate, low, high
    ceiling : what two targets agree on; a line
    """
    lines_with_intervals(frame, ax, x="share", by="method", apart=2.5)
    ratios(ax.xaxis)
    level(ax, 0.5, "a coin")
    if ceiling is not None and np.isfinite(ceiling):
        level(ax, ceiling, "two seeds of the target")
    ax.set(ylim=(0, 1.02), xlabel="share of the target's compute", ylabel="decision accuracy")
    return ax


@themed
def paired_differences(frame: pd.DataFrame, ax: Axes) -> Axes:
    """NLL minus accuracy at each size, with intervals; above zero NLL is better.

    Parameters
    ----------
    frame : columns compute_fraction, on_trajectory, estimate, low, high
    """
    _by_compute(frame[frame["on_trajectory"]].assign(signal="nll"), ax)
    level(ax, 0.0, "equal")
    ax.set_ylabel("decision accuracy,\nNLL minus accuracy")
    return ax


@themed
def misranked_within_noise(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Share of the mis-ranked pairs that the target can hardly tell apart, beside that of all pairs.

    Parameters
    ----------
    frame : columns signal, compute_fraction, on_trajectory, estimate, low, high, all_estimate, all_low, all_high
    """
    rows = frame[frame["on_trajectory"]]
    pairs = rows.iloc[0]
    ax.axhspan(pairs["all_low"], pairs["all_high"], color=QUIET, alpha=0.15, linewidth=0)
    ax.axhline(pairs["all_estimate"], color=QUIET, linewidth=1.4, linestyle="--", label="all pairs")
    _by_compute(rows, ax, labels={"accuracy": "mis-ranked by accuracy", "nll": "mis-ranked by NLL"})
    ax.set(ylim=(0, 1.02), ylabel="share of pairs within noise")
    return ax


def _by_compute(frame: pd.DataFrame, ax: Axes, labels: Mapping[str, str] | None = None) -> None:
    lines_with_intervals(frame, ax, x="compute_fraction", by="signal", labels=labels, apart=3.5)
    ratios(ax.xaxis)
    ax.set_xlabel("training compute as a share of the target's")
