"""What a page shows: sentences, figures, tables and the footer that says how to make the page again.

Everything shown is static HTML or Markdown. Figures are inline SVG images with alternative text. Text that a model
wrote passes through `escape`.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown, display
from matplotlib.figure import Figure

from . import plots
from .stats import Interval
from .store import Run


def escape(text: str) -> str:
    """HTML-escape a text that a model wrote; control characters become visible, so that none acts on the page."""
    visible = "".join(c if c in "\n\t" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return html.escape(visible, quote=True)


def say(text: str) -> None:
    """Show a sentence whose numbers come from the run (Markdown)."""
    display(Markdown(text))


def figure(fig: Figure, caption: str, alt: str) -> None:
    """Show a figure with its caption (layer, n, kind of interval, seeds) and a text for those who cannot see it."""
    display(HTML(figure_html(fig, caption, alt)))


def figure_html(fig: Figure, caption: str, alt: str) -> str:
    """The figure as one HTML element with the picture inside."""
    data = base64.b64encode(svg(fig)).decode()
    return (
        f'<figure class="proxylib-figure"><img src="data:image/svg+xml;base64,{data}" alt="{html.escape(alt, quote=True)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def svg(fig: Figure) -> bytes:
    """The figure as SVG, without a date, so that equal figures have equal bytes."""
    buffer = io.BytesIO()
    with mpl.rc_context(plots.STYLE):
        fig.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def table(frame: pd.DataFrame, caption: str) -> None:
    """Show a table as it stands: sort and round it first. Cells are escaped; wide tables scroll by themselves."""
    body = frame.to_html(index=False, escape=True, border=0, classes="proxylib-table", na_rep="", justify="left")
    display(HTML(f'<div class="proxylib-scroll">{body}</div><p class="proxylib-caption">{html.escape(caption)}</p>'))


def rounded(value: float, half_width: float) -> str:
    """A number with the digits that its interval supports: one digit of the interval's half width, two if it is a 1.

    >>> rounded(0.82967, 0.043), rounded(0.82967, 0.013), rounded(1234.5, 80)
    ('0.83', '0.830', '1230')
    """
    if not np.isfinite(value):
        return "undefined"
    if not np.isfinite(half_width) or half_width <= 0:
        return f"{value:.3g}"
    exponent = int(np.floor(np.log10(half_width)))
    if half_width / 10**exponent < 2:
        exponent -= 1
    return f"{value:.{max(0, -exponent)}f}" if exponent < 0 else f"{round(value, -exponent):.0f}"


def with_interval(interval: Interval | Sequence[float], scale: float = 1.0) -> str:
    """`0.83 [0.74, 0.88]`, rounded to what the interval supports; `scale` 100 turns shares into percent."""
    estimate, low, high = (float(value) * scale for value in tuple(interval)[:3])
    half = (high - low) / 2
    return f"{rounded(estimate, half)} [{rounded(low, half)}, {rounded(high, half)}]"


def footer(runs: Iterable[Run], command: str, settings: Mapping[str, object] | None = None) -> None:
    """Where the page's numbers come from, and the exact command that makes the page again."""
    rows, notes = [], []
    for run in runs:
        git = run.manifest["git"]
        commit = "unknown" if git["commit"] is None else git["commit"][:10] + (" + changes" if git["dirty"] else "")
        rows.append(
            {
                "stage": run.manifest["stage"],
                "run": run.run_id,
                "code": commit,
                "seconds": f"{run.manifest['seconds']:.1f}",
                "kept": "recorded" if "withheld" in run.manifest else "made here",
            }
        )
        notes.append(run.manifest["versions"])
    shown = ", ".join(f"{name} {version}" for name, version in sorted(notes[0].items())) if notes else "none"
    extra = "".join(f" {name}: {html.escape(str(value))}." for name, value in (settings or {}).items())
    table_html = pd.DataFrame(rows).to_html(index=False, border=0, classes="proxylib-table", justify="left") if rows else ""
    display(
        HTML(
            '<details class="proxylib-footer" open><summary>How to rerun this page, and where its numbers come from</summary>'
            f"<pre>{html.escape(command)}</pre>"
            f'<div class="proxylib-scroll">{table_html}</div><p>Packages: {html.escape(shown)}.{extra}</p></details>'
        )
    )
