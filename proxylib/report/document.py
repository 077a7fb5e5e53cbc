"""A page by itself, for whoever runs a command: HTML that asks no other host for anything, strangers' text escaped."""

from __future__ import annotations

import base64

import pandas as pd
from matplotlib.figure import Figure

from proxylib.report import plots
from proxylib.text import escape

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
body{color:#1b1b1b;background:#fcfcfa}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}img{max-width:100%;height:auto}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem}th,td{padding:.2rem .6rem;text-align:left;border-bottom:1px solid #d4d4d0}
td{overflow-wrap:anywhere}li.stands{font-weight:600}li.over{color:#6b6b6b}.verdict{font-size:1.15rem;font-weight:600}
@media(prefers-color-scheme:dark){body{background:#181816;color:#e8e8e4}th,td{border-color:#444}img{background:#fcfcfa}
li.over{color:#a0a09a}}"""


def whole(title: str, body: str) -> bytes:
    """A page that asks no other host for anything; `body` is HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    ).encode()


def image(figure: Figure, alt: str) -> str:
    """A figure inside of the page."""
    data = base64.b64encode(plots.svg(figure)).decode()
    return f'<p><img src="data:image/svg+xml;base64,{data}" alt="{escape(alt)}"></p>'


def table(frame: pd.DataFrame) -> str:
    """A table as it stands, every cell escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in frame.columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in frame.to_numpy())
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'
