"""Figures: a tidy frame and an `ax` in, the `ax` out. Nothing is fitted here.

Every figure carries its own light ground, so that it reads the same on a light page, on a dark one and on paper, and is
drawn narrow enough for a phone. Colours are Okabe and Ito's (distinguishable to colour-blind readers); what a colour
stands for is the same through the whole book, and a marker shape always repeats it, so that the figure survives grey.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter
from matplotlib.transforms import ScaledTranslation

INK, QUIET, GROUND = "#1b1b1b", "#6b6b6b", "#fcfcfa"
COLOURS = {
    "accuracy": "#0072B2",
    "nll": "#D55E00",
    "llama-bpe": "#56B4E9",
    "llama-spaced": "#0072B2",
    "gpt_neox-bpe": "#E69F00",
    "gpt_neox-spaced": "#D55E00",
    "gpt2-bpe": "#CC79A7",
    "gpt2-spaced": "#009E73",
    # proxies and signals along training
    "cross-entropy per token": "#D55E00",
    "bits per byte": "#E69F00",
    "top-1, inverse frequency": "#0072B2",
    "top-5, frequency": "#56B4E9",
    "decisive": "#0072B2",
    "other": "#6b6b6b",
    "whole": "#CC79A7",
    "correct": "#1b1b1b",
    "decisive, failed": "#D55E00",
    "answers": "#1b1b1b",
    "answers and proxy": "#0072B2",
    "proxy": "#6b6b6b",
    # judges
    "rubric, strict": "#0072B2",
    "rubric, lenient": "#56B4E9",
    "LM judge": "#D55E00",
    "LM judge, naive prompts": "#E69F00",
    "LM judge, refined prompts": "#8C3B00",
}
MARKERS = {
    "accuracy": "o",
    "nll": "s",
    "llama-bpe": "^",
    "llama-spaced": "o",
    "gpt_neox-bpe": "D",
    "gpt_neox-spaced": "s",
    "gpt2-bpe": "v",
    "gpt2-spaced": "P",
    "cross-entropy per token": "X",
    "bits per byte": "p",
    "top-1, inverse frequency": "*",
    "top-5, frequency": "h",
    "decisive": "o",
    "other": "^",
    "whole": "D",
    "correct": "s",
    "decisive, failed": "v",
    "answers": "s",
    "answers and proxy": "o",
    "proxy": "^",
    "rubric, strict": "o",
    "rubric, lenient": "^",
    "LM judge": "s",
    "LM judge, naive prompts": "v",
    "LM judge, refined prompts": "D",
}
#: of an ordered thing (sizes, numbers of examples), smallest first: lighter to darker, and a shape each
ORDERED = (("#56B4E9", "o"), ("#009E73", "s"), ("#E69F00", "^"), ("#D55E00", "D"), ("#6A1B5E", "v"), ("#1b1b1b", "P"))
GREYS = (("#a8a8a8", "o"), ("#6b6b6b", "s"), ("#1b1b1b", "^"))  # numbers of examples
STYLE = {
    "figure.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "savefig.facecolor": GROUND,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.hashsalt": "proxylib",  # the same figure gives the same SVG
    "svg.fonttype": "path",  # letters as outlines: no font has to exist where the page is read
}


def canvas(rows: int = 1, height: float = 3.2, width: float = 5.0) -> tuple[Figure, np.ndarray]:
    """A figure with `rows` axes below each other: side by side they would be too small on a phone.

    Returns the figure and a [rows] array of axes.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height * rows), layout="constrained")
        axes = figure.subplots(rows, 1, squeeze=False)[:, 0]
    return figure, axes


def panel(ax: Axes, sentence: str) -> Axes:
    """What one panel of several shows, above it on the left."""
    ax.set_title(sentence, loc="left", fontsize=10, fontweight="bold", color=INK)
    return ax


def same_limits(axes: Iterable[Axes]) -> None:
    """The same limits for all panels, so that their slopes compare."""
    axes = list(axes)
    for read, write in ((Axes.get_xlim, Axes.set_xlim), (Axes.get_ylim, Axes.set_ylim)):
        ends = np.array([read(ax) for ax in axes])
        for ax in axes:
            write(ax, ends[:, 0].min(), ends[:, 1].max())


def legend_below(figure: Figure, ax: Axes, columns: int = 2) -> Figure:
    """The legend of `ax` under the whole figure, where it hides no point."""
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=columns, fontsize=9, frameon=False)
    return figure


def interval_line(
    frame: pd.DataFrame,
    ax: Axes,
    *,
    x: str,
    signal: str,
    label: str | None = None,
    hollow: bool = False,
    shift: float = 0.0,
) -> Axes:
    """Estimates as a line with markers, their intervals as bars.

    Parameters
    ----------
    frame : columns `x`, estimate, low, high
    ax : where to draw
    x : column of the horizontal axis
    signal : decides colour and marker
    label : of the legend
    hollow : draw empty markers, for reported values that are not ours
    shift : points to the right, so that bars of several lines stand beside each other
    """
    colour = COLOURS[signal]
    frame = frame.sort_values(x)
    drawn = ax.plot(
        frame[x],
        frame["estimate"],
        color=colour,
        marker=MARKERS[signal],
        markersize=5,
        linewidth=1.3,
        label=label,
        markerfacecolor="none" if hollow else colour,
    )
    if {"low", "high"} <= set(frame.columns):
        drawn.append(ax.vlines(frame[x], frame["low"], frame["high"], color=colour, alpha=0.55, linewidth=1.6))
    if shift:
        for artist in drawn:  # only now: the limits of the axes are those of the data
            artist.set_transform(ax.transData + ScaledTranslation(shift / 72, 0, ax.figure.dpi_scale_trans))
    return ax


def learning_curves(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Held-out loss against training tokens, one line per model; wider models drawn thicker.

    Parameters
    ----------
    frame : columns model, family, width, tokens, bits_per_byte
    """
    widths = sorted(frame["width"].unique())
    for (family, width), rows in frame.groupby(["family", "width"]):
        ax.plot(
            rows["tokens"],
            rows["bits_per_byte"],
            color=COLOURS[family],
            linewidth=1 + 1.2 * widths.index(width),
            marker=MARKERS[family],
            markersize=3,
            label=f"{family} {width}",
        )
    ax.set_xscale("log")
    ax.set_xlabel("training tokens")
    ax.set_yscale("log")  # a doubling of the loss is the same step everywhere
    ax.yaxis.set_major_locator(LogLocator(base=2))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_ylabel("held-out loss (bits per byte)")
    return ax


def accuracies_by_task(frame: pd.DataFrame, eligible: pd.DataFrame, ax: Axes) -> Axes:
    """Accuracies of all models side by side, a column per task, with quartiles and the guessing floor.

    Parameters
    ----------
    frame : columns task, family, width, estimate
    eligible : columns task, floor
    """
    names = list(frame["task"].drop_duplicates())
    families = sorted(frame["family"].unique())
    for place, family in enumerate(families):
        rows = frame[frame["family"] == family]
        x = rows["task"].map(names.index) + 0.6 * (place / max(1, len(families) - 1) - 0.5)
        sizes = 14 * rows["width"] / frame["width"].min()
        ax.scatter(x, rows["estimate"], color=COLOURS[family], marker=MARKERS[family], s=sizes, label=family, alpha=0.85)
    for place, name in enumerate(names):
        quartiles = frame.loc[frame["task"] == name, "estimate"].quantile([0.25, 0.5, 0.75])
        ax.hlines(quartiles, place - 0.42, place + 0.42, color=INK, linewidth=[0.8, 1.6, 0.8], zorder=1)
        floor = float(eligible.set_index("task").loc[name, "floor"])
        ax.bar(place, floor, width=0.84, color="#dddddd", zorder=0)
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
    ax.set_ylabel("accuracy")
    ax.set_ylim(0, 1)
    return ax


def finding(figure: Figure, sentence: str, width: int = 52) -> Figure:
    """The figure's title: a sentence that states what it shows, over the whole width, in lines that fit a phone.

    It belongs to the figure and not to an axes, beside whose long tick labels no line would have room.
    """
    lines = "\n".join(textwrap.wrap(sentence, width))
    with mpl.rc_context(STYLE):
        size, weight = mpl.rcParams["axes.titlesize"], mpl.rcParams["axes.titleweight"]
        figure.suptitle(lines, x=0.01, ha="left", fontsize=size, fontweight=weight)
    return figure


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
    labels = {"accuracy": "accuracy", "nll": "NLL of the correct answer"}
    for signal, shift in (("accuracy", 0.93), ("nll", 1.07)):  # apart, so that bars of one size do not hide each other
        rows = shown[shown["signal"] == signal]
        rows = rows.assign(compute_fraction=rows["compute_fraction"] * shift)
        interval_line(rows, ax, x="compute_fraction", signal=signal, label=labels[signal])
    if seeds is not None:
        rows = seeds[seeds["on_trajectory"]]
        x = rows["compute_fraction"] * 1.35
        ax.plot(x, rows["estimate"], "_", color=COLOURS["nll"], label="NLL, one seed each")
    if reported is not None:
        ax.plot(
            reported["compute_fraction"],
            reported["estimate"],
            "D",
            color=INK,
            markerfacecolor="none",
            markersize=9,
            label="reported",
            zorder=4,
        )
    _reference(ax, 0.5, "a coin")
    _share_of_compute(ax)
    ax.set_ylim(0, 1.02)
    ax.set_ylabel("decision accuracy")
    ax.legend(loc="lower right", fontsize=8)
    return ax


def paired_differences(frame: pd.DataFrame, ax: Axes) -> Axes:
    """NLL minus accuracy at each size, with intervals; above zero NLL is better.

    Parameters
    ----------
    frame : columns compute_fraction, on_trajectory, estimate, low, high
    """
    rows = frame[frame["on_trajectory"]]
    interval_line(rows, ax, x="compute_fraction", signal="nll")
    _reference(ax, 0.0, "equal")
    _share_of_compute(ax)
    ax.set_ylabel("decision accuracy,\nNLL minus accuracy")
    return ax


def ceiling_by_task(frame: pd.DataFrame, ax: Axes, *, labels: Mapping[str, str] | None = None) -> Axes:
    """How well one full-size seed orders the candidates, per task.

    Parameters
    ----------
    frame : columns task, against, estimate, low, high
    labels : task -> what to print
    """
    against = list(frame["against"].unique())
    order = list(frame[frame["against"] == against[-1]].sort_values("estimate")["task"])
    for name, marker, colour, shift in zip(against, "os", ("#56B4E9", INK), (0.14, -0.14), strict=True):
        rows = frame[frame["against"] == name].set_index("task").loc[order]
        y = np.arange(len(order)) + shift
        ax.hlines(y, rows["low"], rows["high"], color=colour, linewidth=1.6, alpha=0.7)
        ax.plot(rows["estimate"], y, marker, color=colour, markersize=5, label=f"against {name}")
    ax.axvline(0.5, color=QUIET, linewidth=1, linestyle=":")
    ax.set_yticks(range(len(order)), [(labels or {}).get(task, task) for task in order])
    ax.set_xlabel("decision accuracy of one seed (0.5: a coin)")
    ax.legend(loc="upper left", fontsize=8)
    return ax


def misranked_within_noise(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Share of the mis-ranked pairs that the target can hardly tell apart, beside that of all pairs.

    Parameters
    ----------
    frame : columns signal, compute_fraction, on_trajectory, estimate, low, high, all_estimate, all_low, all_high
    """
    rows = frame[frame["on_trajectory"]]
    everything = rows.iloc[0]
    ax.axhspan(everything["all_low"], everything["all_high"], color=QUIET, alpha=0.15, linewidth=0)
    ax.axhline(everything["all_estimate"], color=QUIET, linewidth=1.4, linestyle="--", label="all pairs")
    labels = {"accuracy": "mis-ranked by accuracy", "nll": "mis-ranked by NLL"}
    for signal, shift in (("accuracy", 0.93), ("nll", 1.07)):
        own = rows[rows["signal"] == signal]
        own = own.assign(compute_fraction=own["compute_fraction"] * shift)
        interval_line(own, ax, x="compute_fraction", signal=signal, label=labels[signal])
    _share_of_compute(ax)
    ax.set_ylim(0, 1.02)
    ax.set_ylabel("share of pairs within noise")
    ax.legend(loc="upper left", fontsize=8)
    return ax


def contrast_forest(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Combinations minus the single size: planned contrasts in ink above, exploratory ones in grey below.

    Parameters
    ----------
    frame : columns label, primary, estimate, low, high; one row each
    """
    rows = frame.sort_values("primary", kind="stable", ascending=False).reset_index(drop=True)
    y = np.arange(len(rows))[::-1]
    for primary, colour, marker, label in ((True, INK, "o", "planned"), (False, QUIET, "s", "exploratory")):
        chosen = (rows["primary"] == primary).to_numpy()
        part = rows[chosen]
        ax.hlines(y[chosen], part["low"], part["high"], color=colour, linewidth=1.8)
        ax.plot(part["estimate"], y[chosen], marker, color=colour, markersize=6, label=label)
    ax.axvline(0, color=QUIET, linewidth=1)
    ax.set_yticks(y, rows["label"])
    ax.set_xlabel("difference of decision accuracy")
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.16), ncols=2, fontsize=9)
    return ax


def heat_map(frame: pd.DataFrame, ax: Axes, *, label: str, marks: Mapping[str, float] | None = None) -> Axes:
    """A table of correlations as colours with their numbers, and levels of chance marked in the colour bar.

    Parameters
    ----------
    frame : [rows, columns] of values in [-1, 1]
    label : of the colour bar
    marks : name -> value drawn into the colour bar, on both sides of zero
    """
    values = frame.to_numpy(float)
    image = ax.imshow(values, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
    ax.grid(visible=False)
    ax.set_xticks(range(frame.shape[1]), [str(name).replace("_", " ") for name in frame.columns], rotation=45, ha="right")
    ax.set_yticks(range(frame.shape[0]), [str(name).replace("_", " ") for name in frame.index])
    for row, column in np.ndindex(*values.shape):
        colour = "white" if abs(values[row, column]) > 0.65 else INK
        shown = f"{values[row, column]:.2f}".replace("0.", ".")
        ax.text(column, row, shown, ha="center", va="center", fontsize=7, color=colour)
    bar = ax.figure.colorbar(image, ax=ax, location="bottom", shrink=0.9, aspect=30)
    bar.set_label(label, fontsize=9)
    for name, value in (marks or {}).items():
        for side in (-value, value):
            bar.ax.axvline(side, color=INK, linewidth=1.6)
        bar.ax.annotate(
            name,
            (value, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            fontsize=7,
            ha="center",
        )
    return ax


def similarity(frame: pd.DataFrame, ax: Axes) -> Axes:
    """A square matrix of correlations, in the order given.

    Parameters
    ----------
    frame : [F, F] symmetric
    """
    image = ax.imshow(frame.to_numpy(float), cmap="RdBu", vmin=-1, vmax=1)
    ax.grid(visible=False)
    names = [name.replace("|", " x ").replace("_", " ") for name in frame.columns]
    ax.set_xticks([])
    ax.set_yticks(range(0, len(names), 4), names[::4], fontsize=6)
    ax.figure.colorbar(image, ax=ax, location="bottom", shrink=0.8, aspect=30).set_label("correlation over models", fontsize=9)
    return ax


def methods_forest(frame: pd.DataFrame, ax: Axes, *, order: list[str], reported: Mapping[str, float] | None = None) -> Axes:
    """Methods as rows, a marker with interval per protocol, reported values as hollow diamonds.

    Parameters
    ----------
    frame : columns method, protocol, estimate, low, high
    order : methods from top to bottom
    reported : method -> value of the source
    """
    styles = {"leave-tasks-out": ("o", "#0072B2", "unseen tasks"), "leave-family-out": ("s", "#D55E00", "unseen family")}
    styles |= {"leave-both-out": ("^", QUIET, "both unseen")}
    y = {method: -place for place, method in enumerate(order)}
    for shift, (protocol, (marker, colour, label)) in zip((0.22, 0.0, -0.22), styles.items(), strict=True):
        rows = frame[(frame["protocol"] == protocol) & frame["method"].isin(order)]
        at = rows["method"].map(y) + shift
        ax.hlines(at, rows["low"], rows["high"], color=colour, linewidth=1.4, alpha=0.7)
        ax.plot(rows["estimate"], at, marker, color=colour, markersize=4.5, label=label)
    told = {method: value for method, value in (reported or {}).items() if method in y}
    ax.plot(list(told.values()), [y[m] for m in told], "D", color=INK, markerfacecolor="none", markersize=7, label="reported")
    ax.axvline(0, color=QUIET, linewidth=1)
    ax.set_yticks([y[method] for method in order], order, fontsize=8)
    ax.set_xlabel("mean Spearman correlation with accuracy")
    return ax


def rank_scatter(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Predicted rank against actual rank, one point per model and seed, coloured by family; the diagonal is perfection.

    Parameters
    ----------
    frame : columns predicted, actual, family
    """
    for family, rows in frame.groupby("family"):
        ax.scatter(
            rows["predicted"], rows["actual"], color=COLOURS[family], marker=MARKERS[family], s=16, label=family, alpha=0.8
        )
    last = max(frame["predicted"].max(), frame["actual"].max())
    ax.plot([1, last], [1, last], color=QUIET, linewidth=1, linestyle=":")
    ax.set_xlabel("predicted rank")
    ax.set_ylabel("rank by accuracy")
    return ax


def histogram_with_marks(values: np.ndarray, ax: Axes, *, marks: Mapping[str, float], label: str) -> Axes:
    """A distribution under chance, with observed values as vertical lines.

    Parameters
    ----------
    values : [draws]
    marks : name -> observed value
    label : of the horizontal axis
    """
    ax.hist(values, bins=30, color="#bbbbbb")
    for (name, value), style in zip(marks.items(), ("-", "--", ":", "-."), strict=False):
        ax.axvline(value, color=INK, linewidth=1.6, linestyle=style, label=f"{name}: {value:.2f}")
    ax.set_xlabel(label)
    ax.set_ylabel("shuffles")
    ax.legend(fontsize=8, loc="upper left")
    return ax


def lines_with_intervals(
    frame: pd.DataFrame, ax: Axes, *, x: str, by: str, labels: Mapping[str, str] | None = None, apart: float = 0.0
) -> Axes:
    """One line with intervals per group.

    Parameters
    ----------
    frame : columns `x`, `by`, estimate, low, high
    by : column of the groups; its values decide colour and marker
    apart : points from one line to the next, where few places on the axis would put bars upon each other
    """
    names = list(frame[by].drop_duplicates())
    for place, name in enumerate(names):
        shift = apart * (place - (len(names) - 1) / 2)
        interval_line(frame[frame[by] == name], ax, x=x, signal=name, label=(labels or {}).get(name, name), shift=shift)
    return ax


def differences_forest(frame: pd.DataFrame, ax: Axes, *, label: str) -> Axes:
    """Settings as rows, a marker with interval per proxy.

    Parameters
    ----------
    frame : columns setting, proxy, estimate, low, high
    label : of the horizontal axis
    """
    settings, groups = list(frame["setting"].drop_duplicates()), list(frame["proxy"].drop_duplicates())
    for place, name in enumerate(groups):
        rows = frame[frame["proxy"] == name]
        y = np.array([-settings.index(setting) for setting in rows["setting"]]) + 0.3 - 0.6 * place / max(1, len(groups) - 1)
        ax.hlines(y, rows["low"], rows["high"], color=COLOURS[name], linewidth=1.4, alpha=0.7)
        ax.plot(rows["estimate"], y, MARKERS[name], color=COLOURS[name], markersize=4.5, label=name)
    ax.axvline(0, color=QUIET, linewidth=1)
    ax.set_yticks([-place for place in range(len(settings))], settings, fontsize=8)
    ax.set_xlabel(label)
    return ax


def models_forest(table: pd.DataFrame, ax: Axes, *, column: str) -> Axes:
    """Models as rows in the order of the table, the first on top, with intervals.

    Parameters
    ----------
    table : columns model, `column`, and its ends `<column> low`, `<column> high`
    """
    y = -np.arange(len(table))
    ax.hlines(y, table[f"{column} low"], table[f"{column} high"], color=INK, linewidth=1.6, alpha=0.6)
    ax.plot(table[column], y, "o", color=INK, markersize=5)
    ax.set_yticks(y, table["model"], fontsize=8)
    ax.set_xlabel(column)
    return ax


def memory_lines(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Memory against scored tokens, a line per implementation, both axes logarithmic.

    Parameters
    ----------
    frame : columns impl, tokens, peak_mib, bound_mib (NaN but for the one that promises a bound)
    """
    for place, (name, part) in enumerate(frame.groupby("impl", sort=False)):
        colour = list(COLOURS.values())[place]
        ax.plot(part["tokens"], part["peak_mib"], "o-", color=colour, markersize=5, linewidth=1.3, label=name)
    bound = frame["bound_mib"].dropna()
    if len(bound):
        _reference(ax, float(bound.iloc[0]), "promised")
    ax.set_xscale("log")
    ticks = sorted(frame["tokens"].unique())
    ax.set_xticks(ticks, [f"{value:,}" for value in ticks], fontsize=8)
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_yscale("log")
    ax.set_xlabel("scored tokens")
    ax.set_ylabel("MiB")
    return ax


def loss_curves(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Training loss against examples seen, one line per base.

    Parameters
    ----------
    frame : columns base, seen, loss; bases in their order of size
    """
    for (colour, _), (name, part) in zip(ORDERED, frame.groupby("base", sort=False), strict=False):
        ax.plot(part["seen"], part["loss"], color=colour, linewidth=1.4, label=name)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("examples seen")
    ax.set_ylabel("nats per completion token")
    return ax


def scatter_with_line(
    points: pd.DataFrame, ax: Axes, *, x: str, by: str, line: tuple[float, float] | None = None, label: str = ""
) -> Axes:
    """Pass rates with intervals against a loss; colour and shape follow an ordered column.

    Parameters
    ----------
    points : columns `x`, `by`, rate, low, high (percent)
    line : intercept and slope of the fitted line
    label : of the horizontal axis
    """
    for (colour, marker), (name, part) in zip(ORDERED, points.groupby(by, sort=False), strict=False):
        ax.vlines(part[x], part["low"], part["high"], color=colour, alpha=0.5, linewidth=1.6)
        ax.plot(part[x], part["rate"], marker, color=colour, markersize=5, label=str(name))
    if line is not None:
        ends = np.array([points[x].min(), points[x].max()])
        ax.plot(ends, line[0] + line[1] * ends, color=INK, linewidth=1.2)
    ax.set_xlabel(label)
    ax.set_ylabel("pass rate, %")
    return ax


def judges_scatter(points: pd.DataFrame, ax: Axes, *, x: str, lines: Mapping[str, tuple[float, float]], label: str) -> Axes:
    """Pass rates of several judges against a loss, a colour per judge, with each one's line.

    Parameters
    ----------
    points : columns `x`, judge, rate, low, high (percent)
    lines : judge -> intercept and slope
    """
    for name, (intercept, slope) in lines.items():
        part = points[points["judge"] == name]
        ax.vlines(part[x], part["low"], part["high"], color=COLOURS[name], alpha=0.4, linewidth=1.4)
        ax.plot(part[x], part["rate"], MARKERS[name], color=COLOURS[name], markersize=4.5, label=name)
        ends = np.array([part[x].min(), part[x].max()])
        ax.plot(ends, intercept + slope * ends, color=COLOURS[name], linewidth=1.2)
    ax.set_xlabel(label)
    ax.set_ylabel("pass rate, %")
    return ax


def scaling_lines(points: pd.DataFrame, ax: Axes, *, x: str, by: str, label: str) -> Axes:
    """Pass rate against a quantity that grows by ratios, a line with intervals per value of an ordered column.

    Parameters
    ----------
    points : columns `x`, `by`, rate, low, high (percent); numbers of examples have greys, as colours are the bases'
    """
    palette = GREYS if by == "examples" else ORDERED
    for (colour, marker), (name, part) in zip(palette, points.groupby(by, sort=False), strict=False):
        part = part.sort_values(x)
        own = COLOURS.get(str(name), colour)
        ax.plot(part[x], part["rate"], color=own, marker=MARKERS.get(str(name), marker), markersize=5, label=str(name))
        ax.vlines(part[x], part["low"], part["high"], color=own, alpha=0.5, linewidth=1.6)
    ax.set_xscale("log")
    ticks = sorted(points[x].unique())
    ax.set_xticks(ticks, [f"{value / 1000:.0f} k" if value >= 10_000 else f"{value:g}" for value in ticks], fontsize=8)
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(label)
    ax.set_ylabel("pass rate, %")
    ax.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def beside_reported(frame: pd.DataFrame, ax: Axes) -> Axes:
    """R2 per group of configurations: a reported value, hollow, with ours of each judge below it.

    Parameters
    ----------
    frame : columns group, judge, estimate, low, high (ours) and reported, from, to (theirs)
    """
    groups = list(frame["group"].drop_duplicates())
    judges = list(frame["judge"].drop_duplicates())
    place = -np.array([groups.index(name) for name in frame["group"]], float)
    first = ~frame["group"].duplicated()
    ax.hlines(place[first] + 0.28, frame.loc[first, "from"], frame.loc[first, "to"], color=QUIET, linewidth=1.4)
    ax.plot(
        frame.loc[first, "reported"],
        place[first] + 0.28,
        "D",
        color=INK,
        markerfacecolor=GROUND,
        markersize=6,
        label="the post",
    )
    for number, name in enumerate(judges):
        own = (frame["judge"] == name).to_numpy()
        y = place[own] - 0.25 * number
        ax.hlines(y, frame.loc[own, "low"], frame.loc[own, "high"], color=COLOURS[name], linewidth=1.6, alpha=0.7)
        ax.plot(frame.loc[own, "estimate"], y, MARKERS[name], color=COLOURS[name], markersize=5, label=name)
    ax.set_yticks([-float(number) for number in range(len(groups))], groups, fontsize=9)
    ax.set_xlim(-0.03, 1.03)
    ax.set_xlabel("R2 of a straight line in final training loss")
    return ax


def designs_forest(frame: pd.DataFrame, ax: Axes, *, label: str) -> Axes:
    """Designs as rows, a marker with interval per judge.

    Parameters
    ----------
    frame : columns design, judge, estimate, low, high
    """
    designs, judges = list(frame["design"].drop_duplicates()), list(frame["judge"].drop_duplicates())
    for place, name in enumerate(judges):
        rows = frame[frame["judge"] == name]
        y = np.array([-designs.index(design) for design in rows["design"]]) + 0.25 - 0.5 * place / max(1, len(judges) - 1)
        ax.hlines(y, rows["low"], rows["high"], color=COLOURS[name], linewidth=1.6, alpha=0.7)
        ax.plot(rows["estimate"], y, MARKERS[name], color=COLOURS[name], markersize=5, label=name)
    ax.set_yticks([-place for place in range(len(designs))], designs, fontsize=9)
    ax.set_xlabel(label)
    return ax


def agreement_forest(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Pairs of voters as rows, a marker with interval each, known values hollow.

    Parameters
    ----------
    frame : columns pair, people (whether both are people), estimate, low, high, known (nan where there is none)
    """
    y = -np.arange(len(frame))
    for people, colour, marker, label in (
        (True, "#6b6b6b", "o", "two people"),
        (False, "#D55E00", "s", "with a model as judge"),
    ):
        own = (frame["people"] == people).to_numpy()
        ax.hlines(y[own], frame["low"][own], frame["high"][own], color=colour, linewidth=1.8, alpha=0.7)
        ax.plot(frame["estimate"][own], y[own], marker, color=colour, markersize=5, label=label)
    ax.plot(frame["known"], y, "D", color=INK, markerfacecolor="none", markersize=8, label="known")
    ax.axvline(0.5, color=QUIET, linewidth=1, linestyle=":")
    ax.set_yticks(y, frame["pair"], fontsize=8)
    ax.set_xlabel("share of agreeing pairs of votes")
    return ax


def _reference(ax: Axes, value: float, name: str) -> None:
    ax.axhline(value, color=QUIET, linewidth=1, linestyle=":")
    ax.annotate(
        name,
        (0.995, value),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        fontsize=8,
        color=QUIET,
        ha="right",
        va="bottom",
    )


def _share_of_compute(ax: Axes) -> None:
    ax.set_xscale("log")
    ax.set_xlabel("training compute as a share of the target's")
