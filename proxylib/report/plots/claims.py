"""The picture of the scoreboard: claims as rows, by document, on one scale of claimed effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from proxylib.report.plots.intervals import hollow, points
from proxylib.report.plots.style import INK, KINDS, QUIET, looks, themed
from proxylib.text import line

#: what is drawn of the scale: the null, the claimed effect, and as much again on both sides
SPAN = (-1.2, 2.2)


@themed
def claims_forest(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Claims as rows under their document: ours with both intervals, in the look of its verdict, the reported value hollow.

    Parameters
    ----------
    frame : columns document, label, verdict, estimate, low, high (thin: over what the claim generalises about), low_given,
        high_given (thick: configurations held fixed), reported; from 0, the null, to 1, the claimed effect

    Notes
    -----
    What lies outside of the scale is cut, with an arrow at its edge.
    """
    heads = frame["document"].ne(frame["document"].shift())
    places = _places(frame)
    rows = frame.assign(place=places)[frame["estimate"].notna()]
    colours = rows["verdict"].map({name: look.colour for name, look in looks(rows["verdict"]).items()})
    for low, high, width in (("low", "high", 1.3), ("low_given", "high_given", 4.2)):
        ends = rows[[low, high]].clip(*SPAN)
        ax.hlines(rows["place"], ends[low], ends[high], color=colours, alpha=0.75, linewidth=width, zorder=0.9)
    for end, side, marker in (("low", SPAN[0], 8), ("high", SPAN[1], 9)):  # matplotlib's carets to the left and right
        cut = rows[rows[end].lt(side) if end == "low" else rows[end].gt(side)]
        ax.scatter(np.full(len(cut), side), cut["place"], marker=marker, c=colours[cut.index], s=26, clip_on=False)
    firm = list(KINDS["verdicts"])
    shown = rows[rows["estimate"].between(*SPAN)].sort_values("verdict", key=lambda words: words.map(firm.index))
    if len(shown):
        points(shown, ax, x="estimate", y="place", by="verdict")
    hollow(rows[rows["reported"].between(*SPAN)], ax, x="reported", y="place", label="as reported")
    ax.axvline(0, color=INK, linewidth=1, zorder=0.8)
    ax.axvline(1, color=QUIET, linewidth=1, linestyle=":", zorder=0.8)
    ax.set_yticks(rows["place"], map(line, rows["label"]), fontsize="small")
    for title, place in zip(frame["document"][heads], places[heads] - frame["estimate"].notna()[heads], strict=True):
        at = {"xycoords": ("figure fraction", "data"), "va": "center", "annotation_clip": False}
        ax.annotate(line(title), (0.01, place), fontsize="small", fontweight="bold", in_layout=False, **at)
    ax.grid(visible=False, axis="y")
    ax.set_xticks([-1, 0, 1, 2], ["the opposite", "null", "as claimed", "twice"])
    ax.set(xlabel="", ylabel="", xlim=SPAN, ylim=(places.max() + 0.6, -0.6))
    return ax


def claims_height(frame: pd.DataFrame) -> float:
    """Inches that `claims_forest` needs."""
    return 1.1 + 0.2 * (_places(frame).max() + 1)


def _places(frame: pd.DataFrame) -> pd.Series:
    """Where each row stands, from the top: a document's title has a line and a half of its own, a row without numbers none."""
    heads = frame["document"].ne(frame["document"].shift())
    return (frame["estimate"].notna() + 1.4 * heads).cumsum() - 1.4
