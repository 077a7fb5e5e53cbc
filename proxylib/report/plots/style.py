"""How every figure looks: the theme, the one table of colours and markers, canvas, titles, legends, levels, SVG.

Figures are drawn by seaborn on a light ground of their own, so that they read the same on a light page, on a dark one
and on paper, and are narrow enough for a phone. Colours are Okabe and Ito's (distinguishable to colour-blind readers);
what a colour stands for is the same through the whole book, and a marker repeats it, so that the figure survives grey.
"""

from __future__ import annotations

import io
import itertools
import textwrap
from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter, LogLocator, NullFormatter, NullLocator

from proxylib.text import line

INK, QUIET, FAINT, GROUND = "#1b1b1b", "#6b6b6b", "#d4d4d0", "#fcfcfa"
BLUE, SKY, GREEN, ORANGE, VERMILION, PINK, BROWN = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
    "#8C3B00",
)
WINE, MINT, VIOLET, NIGHT = "#99004D", "#66C2A5", "#8151E0", "#320066"  # what twelve families need beside them
STYLE = {
    **sns.axes_style("whitegrid"),
    **sns.plotting_context("paper", font_scale=1.08),
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "figure.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "savefig.facecolor": GROUND,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#e4e4e0",
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.hashsalt": "proxylib",  # the same figure gives the same SVG
    "svg.fonttype": "path",  # letters as outlines: no font has to exist where the page is read
}
#: inches: a figure on a phone, and one as wide as a laptop's text; letters of a title's line on the
#: phone, and how many more for an inch
NARROW, WIDE, TITLE_LETTERS, LETTERS_AN_INCH = 5.0, 7.4, 52, 12
#: decorates a function that draws: what it creates follows the theme, and the caller's settings stay as they were
themed = mpl.rc_context(STYLE)


class Look(NamedTuple):
    """The colour and the marker of one thing."""

    colour: str
    marker: str


#: everything that has a look of its own, by kind; within a kind no two share a colour or a marker, and the two tokenizers of
#: an architecture are neighbours in colour
KINDS = {
    "families": {
        "llama-bpe": Look(SKY, "^"),
        "llama-spaced": Look(BLUE, "o"),
        "gpt_neox-bpe": Look(ORANGE, "D"),
        "gpt_neox-spaced": Look(VERMILION, "s"),
        "gpt2-bpe": Look(PINK, "v"),
        "gpt2-spaced": Look(WINE, "P"),
        "olmo2-bpe": Look(MINT, "<"),
        "olmo2-spaced": Look(GREEN, ">"),
        "starcoder2-bpe": Look(VIOLET, "p"),
        "starcoder2-spaced": Look(NIGHT, "X"),
        "nemotron-bpe": Look(QUIET, "h"),
        "nemotron-spaced": Look(INK, "*"),
    },
    "proxies": {
        "cross-entropy per token": Look(VERMILION, "s"),
        "bits per byte": Look(ORANGE, "D"),
        "top-1, inverse frequency": Look(BLUE, "o"),
        "top-5, frequency": Look(SKY, "^"),
    },
    "signals about corpora": {"accuracy": Look(BLUE, "o"), "nll": Look(VERMILION, "s")},
    "signals of small models": {
        "direct accuracy": Look(INK, "s"),
        "loss on traces": Look(ORANGE, "D"),
        "rBridge": Look(PINK, "P"),
        "chosen on other corpora": Look(GREEN, ">"),
        "chosen on other tasks": Look(MINT, "<"),
        "best of eighty (oracle)": Look(VIOLET, "p"),
        "the same search without a signal": Look(BROWN, "X"),
    },
    "forecasts of mixtures": {
        "boosting": Look(BLUE, "o"),
        "least squares": Look(ORANGE, "D"),
        "share alone": Look(QUIET, "^"),
        "its own loss at 1M": Look(INK, "s"),
    },
    "what one seed is compared with": {"mean of all seeds": Look(SKY, "o"), "other two seeds": Look(INK, "s")},
    "signals along training": {
        "decisive": Look(BLUE, "o"),
        "other": Look(QUIET, "^"),
        "whole": Look(PINK, "D"),
        "correct": Look(INK, "s"),
        "decisive, failed": Look(VERMILION, "v"),
    },
    "losses of one run": {"own text": Look(ORANGE, "D"), "held out": Look(INK, "s")},
    "what a run reads": {
        "few documents, read often": Look(VERMILION, "v"),
        "three times as many": Look(PINK, "P"),
        "endless documents, read once": Look(BLUE, "o"),
        "right in form, wrong in content": Look(QUIET, "^"),
    },
    "kinds of damage": {
        "sound": Look(INK, "s"),
        "layers dropped": Look(BLUE, "o"),
        "bits of a weight": Look(SKY, "^"),
        "good solutions": Look(GREEN, ">"),
        "wrong solutions": Look(VERMILION, "v"),
        "shuffled solutions": Look(ORANGE, "D"),
    },
    "changes of a mixture": {
        "more of what stalled": Look(BLUE, "o"),
        "more of another": Look(ORANGE, "D"),
        "left alone": Look(QUIET, "^"),
    },
    "what an average hides": {"as seen": Look(BLUE, "o"), "by noise alone": Look(QUIET, "^")},
    "accuracies up to": {"at most 10 %": Look(BLUE, "o"), "at most 20 %": Look(SKY, "^")},
    "what orders models": {"answers": Look(INK, "s"), "answers and proxy": Look(BLUE, "o"), "proxy": Look(QUIET, "^")},
    "protocols": {
        "leave-tasks-out": Look(BLUE, "o"),
        "leave-family-out": Look(VERMILION, "s"),
        "leave-both-out": Look(QUIET, "^"),
    },
    "judges": {
        "rubric, strict": Look(BLUE, "o"),
        "rubric, lenient": Look(SKY, "^"),
        "LM judge": Look(VERMILION, "s"),
        "LM judge, naive prompts": Look(ORANGE, "v"),
        "LM judge, refined prompts": Look(BROWN, "D"),
        "graded score": Look(GREEN, "P"),
    },
    "kinds of judges": {
        "judges of ours": Look(VERMILION, "s"),
        "noise": Look(QUIET, "o"),
        "too strict, too lenient": Look(SKY, "^"),
        "length": Look(PINK, "P"),
        "a criterion ignored": Look(GREEN, ">"),
        "one criterion for all": Look(MINT, "<"),
        "adversarial": Look(INK, "X"),
        "another's verdicts": Look(VIOLET, "p"),
        "what loss rewards": Look(ORANGE, "D"),
    },
    "what tells good judges": {
        "loss": Look(VERMILION, "s"),
        "labels, at random": Look(SKY, "^"),
        "labels, half on passes": Look(BLUE, "o"),
        "labels, metric-matched": Look(GREEN, "D"),
    },
    "domains of notes": {
        "clinical notes": Look(BLUE, "o"),
        "insurance claims": Look(ORANGE, "D"),
        "published grids": Look(QUIET, "^"),
    },
    "lines of a domain": {
        "own line": Look(INK, "s"),
        "borrowed line": Look(VERMILION, "v"),
        "borrowed slope": Look(PINK, "P"),
    },
    "who prefers": {
        "people": Look(BLUE, "o"),
        "GPT-4": Look(VERMILION, "s"),
        "GPT-3.5": Look(ORANGE, "^"),
        "PandaLM-7B": Look(PINK, "D"),
    },
    "what a campaign draws": {"new judges": Look(BLUE, "o"), "new questions": Look(VERMILION, "s")},
    "pairs of voters": {"two people": Look(QUIET, "o"), "with a model as judge": Look(VERMILION, "s")},
    "verdicts": {
        "holds": Look(BLUE, "o"),
        "in part": Look(ORANGE, "^"),
        "does not hold": Look(VERMILION, "X"),
        "undecided": Look(QUIET, "s"),
    },
    "changes": {"higher": Look(BLUE, "^"), "lower": Look(VERMILION, "v")},
    "contrasts": {"planned": Look(INK, "o"), "exploratory": Look(QUIET, "s")},
    "models": {"model": Look(INK, "o")},
    "ways to choose what to evaluate": {
        "random": Look(QUIET, "s"),
        "spread over loss": Look(SKY, "^"),
        "greatest uncertainty": Look(BLUE, "o"),
        "greatest uncertainty, loss unknown": Look(VERMILION, "v"),
        "expected improvement": Look(PINK, "P"),
        "lowest loss first": Look(BROWN, "X"),
        "plan": Look(GREEN, "D"),
        "plan, loss unknown": Look(ORANGE, "<"),
    },
    "where a plan says stop": {"promised": Look(QUIET, "s"), "lost": Look(VERMILION, "o")},
    "candidates": {
        "evaluated": Look(INK, "o"),
        "not evaluated": Look(SKY, "^"),
        "to buy next": Look(VERMILION, "D"),
    },
    "trainings": {"first training": Look(INK, "o"), "second training": Look(ORANGE, "D")},
    "along a run": {
        "what came": Look(INK, "o"),
        "from the chosen proxy": Look(BLUE, "^"),
        "from loss on prose": Look(VERMILION, "s"),
    },
    "methods of forecasting": {"chosen": Look(BLUE, "o"), "beside it": Look(QUIET, "s")},
    "what a score is forecast by": {
        "last score": Look(QUIET, "s"),
        "its own curve": Look(INK, "D"),
        "loss on prose": Look(VERMILION, "v"),
        "loss of the answer": Look(ORANGE, "^"),
        "our choice": Look(BLUE, "o"),
    },
    "ways to read telemetry": {
        "before and after": Look(VERMILION, "s"),
        "interrupted series": Look(ORANGE, "D"),
        "holdout": Look(BLUE, "o"),
        "staggered rollout": Look(SKY, "^"),
    },
    "layers of evaluation": {
        "training loss": Look(QUIET, "o"),
        "validation loss": Look(SKY, "^"),
        "loss by domain": Look(BLUE, "s"),
        "benchmarks": Look(ORANGE, "D"),
        "human preference (simulated)": Look(PINK, "P"),
        "telemetry (simulated)": Look(VERMILION, "X"),
    },
    "simulated worlds": {"one product": Look(QUIET, "s"), "drawn products": Look(BLUE, "o")},
    "ways to compare two models": {"paired": Look(BLUE, "o"), "unpaired": Look(VERMILION, "s")},
    "curves of score on loss": {"line": Look(VERMILION, "s"), "exponential": Look(BLUE, "o")},
    "prices": {"dollars, from the cheapest to the dearest corner": Look(INK, "o")},
    "what a round changes": {"the skill itself": Look(BLUE, "^"), "skills beside it": Look(VERMILION, "v")},
    "rounds of post-training": {
        "one skill": Look(BLUE, "o"),
        "one skill with replay": Look(SKY, "^"),
        "a skill a round": Look(VERMILION, "s"),
        "code": Look(INK, "D"),
        "second language": Look(PINK, "P"),
        "refusal": Look(BROWN, "X"),
        "refusal among harmless": Look(ORANGE, "v"),
    },
    "ways to teach a policy": {
        "expert notes": Look(QUIET, "s"),
        "iterated SFT": Look(BLUE, "o"),
        "GRPO": Look(VERMILION, "^"),
        "GRPO, bound 1": Look(BROWN, "v"),
    },
    "whose score a note has": {"by the rubric": Look(BLUE, "o"), "by the imperfect judge": Look(VERMILION, "s")},
    "errors of teachers": {
        "none": Look(INK, "o"),
        "any fact, at random": Look(BLUE, "^"),
        "conclusions, at random": Look(SKY, "D"),
        "conclusions, by habit": Look(VERMILION, "s"),
    },
    "where a teacher errs": {"where the teacher errs": Look(VERMILION, "s"), "elsewhere": Look(QUIET, "o")},
    "whose the variance is": {"setting": Look(BLUE, "s"), "by model": Look(VERMILION, "D"), "rest": Look(QUIET, "^")},
    "implementations": {
        "proxylib": Look(BLUE, "o"),
        "naive_compare": Look(VERMILION, "s"),
        "naive_sort": Look(ORANGE, "^"),
    },
}
LOOKS = {name: look for kind in KINDS.values() for name, look in kind.items()}
#: ordered things have no fixed names; by column, the colour map that shades them and where it is dark enough to begin
RAMPS = {"base": ("viridis_r", 0.3), "examples": ("Greys", 0.45)}
SHAPES = "os^DvP<>"


def looks(names: Iterable, column: str = "") -> dict[object, Look]:
    """The look of each name.

    Parameters
    ----------
    names : in their order; those outside the table are taken for ordered and shaded from light to dark
    column : what they are, where that decides the shades (`RAMPS`)
    """
    names = list(dict.fromkeys(names))
    new = [name for name in names if str(name) not in LOOKS]
    name_of_map, lightest = RAMPS.get(column, RAMPS["base"])
    shades = map(mpl.colors.to_hex, sns.color_palette(name_of_map, as_cmap=True)(np.linspace(lightest, 1.0, len(new))))
    ramp = dict(zip(new, map(Look, shades, itertools.cycle(SHAPES)), strict=True))
    return {name: LOOKS.get(str(name)) or ramp[name] for name in names}


def grouped(frame: pd.DataFrame, by: str, labels: Mapping[Hashable, str] | None = None) -> dict[str, object]:
    """What a function of seaborn needs so that colour and marker say which group a row belongs to.

    Parameters
    ----------
    frame : with the column `by`
    labels : group -> what the legend says

    Returns
    -------
    dict
        data, hue, style, hue_order, style_order, palette, markers
    """
    by_name = looks(frame[by], by)
    words = {name: line((labels or {}).get(name, name)) for name in by_name}
    return {
        "data": frame.assign(**{by: frame[by].map(words)}),
        "hue": by,
        "style": by,
        "hue_order": list(words.values()),
        "style_order": list(words.values()),
        "palette": {words[name]: look.colour for name, look in by_name.items()},
        "markers": {words[name]: look.marker for name, look in by_name.items()},
    }


@themed
def canvas(rows: int = 1, height: float = 3.2, width: float = NARROW) -> tuple[Figure, np.ndarray]:
    """A figure with `rows` axes below each other: side by side they would be too small on a phone.

    Returns the figure and a [rows] array of axes.
    """
    figure = Figure(figsize=(width, height * rows), layout="constrained")
    return figure, figure.subplots(rows, 1, squeeze=False)[:, 0]


def balanced(sentence: str, count: int) -> str:
    """The sentence in at most `count` lines of about equal length."""
    return "\n".join(next(lines for width in itertools.count(1) if len(lines := _lines(sentence, width)) <= count))


def wrapped(sentence: str, width: int) -> str:
    """The sentence in as few lines as `width` letters allow, of about equal length."""
    return balanced(sentence, len(_lines(sentence, width)))


def _lines(sentence: str, width: int) -> list[str]:
    sentence = line(sentence).replace(" %", "\N{NO-BREAK SPACE}%")  # a number keeps its sign
    return textwrap.wrap(sentence, width, break_on_hyphens=False, break_long_words=False)


@themed
def finding(figure: Figure, sentence: str, width: int = TITLE_LETTERS) -> Figure:
    """The figure's title: a sentence that states what it shows, over the whole width, in lines that fit a phone.

    It belongs to the figure and not to an axes, beside whose long tick labels no line would have room.
    """
    size, weight = mpl.rcParams["axes.titlesize"], mpl.rcParams["axes.titleweight"]
    figure.suptitle(wrapped(sentence, width), x=0.01, ha="left", fontsize=size, fontweight=weight)
    return figure


@themed
def at_width(figure: Figure, width: float) -> Figure:
    """The figure as wide as asked (inches), its title in lines that fit; letters and height stay as they are."""
    letters = TITLE_LETTERS + round(LETTERS_AN_INCH * (width - NARROW))
    if figure.get_suptitle():
        finding(figure, figure.get_suptitle(), letters)
    figure.set_size_inches(width, figure.get_size_inches()[1])
    return figure


@themed
def panel(ax: Axes, sentence: str, width: int = 44) -> Axes:
    """What one panel of several shows, above it on the left."""
    ax.set_title(wrapped(sentence, width), fontsize="medium", color=INK)
    return ax


@themed
def legend_below(figure: Figure, ax: Axes, columns: int = 2) -> Figure:
    """The legend of `ax` under the whole figure, where it hides no point, in at most `columns` columns that fit."""
    handles, labels = ax.get_legend_handles_labels()
    for count in range(min(columns, max(1, len(labels))), 0, -1):
        legend = figure.legend(handles, labels, loc="outside lower center", ncols=count)
        _as_they_stand(figure)
        if count == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return figure
        legend.remove()
    return figure


def without_legend(ax: Axes, *headings: str) -> Axes:
    """Seaborn's legend goes, and the headings among its entries; the entries stay for a legend outside the data."""
    if ax.get_legend() is not None:  # seaborn makes none where no value is defined
        ax.get_legend().remove()
    for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
        if label in headings:
            handle.remove()
    return ax


def same_limits(axes: Iterable[Axes]) -> None:
    """The same limits for all panels, so that their slopes compare."""
    axes = list(axes)
    for read, write in ((Axes.get_xlim, Axes.set_xlim), (Axes.get_ylim, Axes.set_ylim)):
        ends = np.array([read(ax) for ax in axes])
        for ax in axes:
            write(ax, ends[:, 0].min(), ends[:, 1].max())


def level(ax: Axes, value: float, name: str) -> None:
    """A horizontal line to compare with, its name above it at the right edge."""
    ax.axhline(value, color=QUIET, linewidth=1, linestyle=":")
    at = {"xycoords": ("axes fraction", "data"), "xytext": (0, 2), "textcoords": "offset points"}
    ax.annotate(name, (0.995, value), fontsize=8, color=QUIET, ha="right", va="bottom", **at)


def ratios(axis: mpl.axis.Axis, values: Iterable[float] | None = None, base: int = 10) -> None:
    """Equal steps for equal ratios, with ticks at the given values or, without them, at powers of `base`.

    Thousands are written out (2,048) or, from ten thousand on, as `31 k`; powers of ten as powers.
    """
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_minor_formatter(NullFormatter())
    if values is None:
        axis.set_major_locator(LogLocator(base))
        if base != 10:
            axis.set_major_formatter("{x:g}")
    else:
        ticks = sorted(set(values))
        axis.set_minor_locator(NullLocator())
        axis.set_ticks(ticks, [f"{value / 1000:.0f} k" if value >= 10_000 else f"{value:,g}" for value in ticks])


def _as_they_stand(figure: Figure) -> None:
    """A dollar in a name begins no formula; those of ticks in powers of ten do."""
    axes = [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
    powers = [axis for axis in axes if isinstance(axis.get_major_formatter(), LogFormatter)]
    formulas = {label for axis in powers for tick in axis.get_major_ticks() for label in (tick.label1, tick.label2)}
    for text in set(figure.findobj(Text)) - formulas:
        text.set_parse_math(False)


def _break_long_labels(figure: Figure) -> None:
    """In two lines, a label that leaves the figure, or a y label longer than its axis, which would run into a title."""
    for ax in figure.axes:
        beside, below = ax.yaxis.label.get_window_extent(), ax.xaxis.label.get_window_extent()
        too_long = {
            ax.yaxis.label: beside.height > ax.bbox.height,
            ax.xaxis.label: below.x0 < figure.bbox.x0 or below.x1 > figure.bbox.x1,
        }
        for label in (label for label, broken in too_long.items() if broken):
            label.set_text(balanced(label.get_text(), 2))


@themed
def svg(figure: Figure) -> bytes:
    """The figure as SVG, without a date, so that equal figures have equal bytes."""
    _as_they_stand(figure)
    figure.draw_without_rendering()  # only a layout that has been made knows lengths
    _break_long_labels(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
