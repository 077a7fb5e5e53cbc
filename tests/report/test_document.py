"""A page by itself: nothing of a stranger acts in it, and it asks no other host."""

import pandas as pd

from proxylib.report import document, plots


def test_text_of_strangers_stays_text():
    page = document.whole("<b>", document.table(pd.DataFrame({"<i>": ["<script>alert(1)</script>"]}))).decode()
    assert "<script" not in page and "<i>" not in page and "&#60;b&#62;" in page
    assert "default-src 'none'" in page and "http://" not in page and "https://" not in page


def test_a_figure_lies_inside():
    canvas, _ = plots.canvas()
    shown = document.image(canvas, 'a "name"')
    assert shown.startswith('<p><img src="data:image/svg+xml;base64,') and 'alt="a &#34;name&#34;"' in shown
