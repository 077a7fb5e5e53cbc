"""What a page shows: sentences, figures, tables and the footer that says how to make the page again.

Everything shown is static HTML or Markdown. Figures are inline SVG images with alternative text. All text passes through
`escape`; in a sentence, where Markdown is wanted, names from outside do (`text.name`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from numbers import Number

import pandas as pd
from IPython.display import HTML, Markdown, display
from matplotlib.figure import Figure

from proxylib.report import plots
from proxylib.runs.step import Step
from proxylib.runs.store import Run
from proxylib.text import escape, without_keys

#: letters: what two lines of a caption hold beside a laptop's figure; a table's line as wide as the text; between columns
TWO_LINES, TEXT_WIDTH, GUTTER = 210, 112, 3


def say(text: str) -> None:
    """Show a sentence whose numbers come from the run (Markdown); a name from outside enters it by `text.name`."""
    display(Markdown(text))


def figure(fig: Figure, caption: str, alt: str) -> None:
    """Show a figure with its caption (layer, n, kind of interval, seeds) and a text for those who cannot see it."""
    display(HTML(figure_html(fig, caption, alt)))


def figure_html(fig: Figure, caption: str, alt: str) -> str:
    """The figure as one HTML element with the picture inside: drawn as wide as the text, and once more for a phone."""
    wide, narrow = (_data(plots.svg(plots.at_width(fig, width))) for width in (plots.WIDE, plots.NARROW))
    return (
        f'<figure class="proxylib-figure"><picture><source media="(min-width: 42rem)" srcset="{wide}">'
        f'<img src="{narrow}" alt="{escape(alt)}"></picture><figcaption>{_caption(caption)}</figcaption></figure>'
    )


def _data(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def _caption(text: str) -> str:
    """Two lines, and the rest when they are clicked; what fits into two lines of a laptop has nothing to unfold there."""
    short = " short" if len(text) <= TWO_LINES else ""
    return f'<details class="proxylib-more{short}"><summary><span>{escape(text)}</span></summary></details>'


def table(frame: pd.DataFrame, caption: str, wrap: bool = False, fold: bool = False) -> None:
    """Show a table as it stands: sort and round it first. Cells are escaped; a table wider than the text is folded.

    `wrap` lets long sentences in cells break; `fold` folds a table that a figure has shown already.
    """
    body = _table_html(frame, "proxylib-table wrap" if wrap else "proxylib-table")
    html = f'<div class="proxylib-scroll">{body}</div><div class="proxylib-caption">{_caption(caption)}</div>'
    if letters_across(frame) > TEXT_WIDTH or fold:
        html = f'<details class="proxylib-fold"><summary>Table: {escape(_subject(caption))}</summary>{html}</details>'
    display(HTML(html))


def _subject(caption: str) -> str:
    """The first sentence of a caption that says more than which run it is."""
    sentences = [sentence.rstrip(".") for sentence in re.split(r"(?<=\.) ", caption)]
    return next((sentence for sentence in sentences if "profile" not in sentence), sentences[0])


def letters_across(frame: pd.DataFrame) -> int:
    """How wide a table stands: the longest cell or word of a heading of every column, and the space between."""
    widths = [
        max([len(str(value)) for value in frame[column]] + [len(word) for word in str(column).split()], default=0)
        for column in frame.columns
    ]
    return sum(widths) + GUTTER * len(widths)


def _table_html(frame: pd.DataFrame, classes: str) -> str:
    shown = frame.map(lambda value: value if isinstance(value, Number) or value is pd.NA or value is None else escape(value))
    shown.columns = [escape(column) for column in frame.columns]
    return shown.to_html(index=False, escape=False, border=0, classes=classes, na_rep="", justify="left")


def trace(row: Mapping[str, str]) -> None:
    """Show a problem with the expert's solution."""
    text = f"<b>{escape(row['prompt'])}</b>{escape(row['solution'])}"
    display(HTML(f'<div class="proxylib-trace">{text}</div>'))


def coloured_trace(frame: pd.DataFrame, column: str, title: str) -> None:
    """Show a trace with its tokens tinted by a column scaled to a mean of one; decisive tokens are underlined.

    Parameters
    ----------
    frame : columns text, decisive, top1 and `column`, in order; what the model would not have said first is in italics
    """
    pieces = []
    for row in frame.to_dict("records"):
        strength = min(1.0, float(row[column]) / 3)
        style = f"background:rgba(213,94,0,{strength:.2f})"
        style += ";text-decoration:underline" if row["decisive"] else ""
        style += ";font-style:italic" if row["top1"] < 1 else ""
        pieces.append(f'<span style="{style}">{escape(row["text"])}</span>')
    display(HTML(f'<div class="proxylib-trace"><b>{escape(title)}</b>\n{"".join(pieces)}</div>'))


def answer(row: Mapping[str, object]) -> None:
    """Show what a model wrote, escaped, under who wrote it and whether it is right."""
    head = f"{row['member']} on {row['task']}: {'right' if row['correct'] else 'wrong'}"
    display(HTML(f'<div class="proxylib-trace"><b>{escape(head)}</b>\n{escape(str(row["text"]))}</div>'))


def footer(runs: Iterable[Run], step: Step) -> None:
    """Where the page's numbers come from, and the exact commands that make the page again."""
    rows, notes = [], []
    for run in runs:
        git = run.manifest["git"]
        commit = "unknown" if git["commit"] is None else git["commit"][:10] + (" + changes" if git["dirty"] else "")
        rows.append(
            {
                "stage": run.stage,
                "run": run.run_id,
                "code": commit,
                "seconds": f"{run.manifest['seconds']:.1f}",
                "kept": "recorded" if run.recorded else "made here",
            }
        )
        notes.append(run.manifest["versions"])
    shown = ", ".join(f"{name} {version}" for name, version in sorted(notes[0].items())) if notes else "none"
    table_html = _table_html(pd.DataFrame(rows), "proxylib-table") if rows else ""
    commands = f"{step.command}\nproxylib grid --profile {step.store.profile} --only {step.name}   # with all that it needs"
    display(
        HTML(
            '<details class="proxylib-footer" open><summary>How to rerun this page, and where its numbers come from</summary>'
            f"<pre>{escape(without_keys(commands))}</pre>"
            f'<div class="proxylib-scroll">{table_html}</div><p>Packages: {escape(shown)}.</p></details>'
        )
    )
