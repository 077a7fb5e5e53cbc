"""What a page shows: figures in two widths, captions and wide tables that unfold."""

import base64
import re

import pandas as pd
import pytest

from proxylib.report import pages, plots


@pytest.fixture
def shown(monkeypatch):
    """The list of what page functions display."""
    objects = []
    monkeypatch.setattr(pages, "display", lambda shown: objects.append(shown.data))
    return objects


def test_a_figure_is_drawn_as_wide_as_the_text_and_once_more_for_a_phone():
    html = pages.figure_html(plots.finding(plots.canvas(height=3)[0], "a finding " * 9), "caption", "alternative")
    pictures = [base64.b64decode(data).decode() for data in re.findall(r"svg\+xml;base64,([A-Za-z0-9+/=]+)", html)]
    sizes = [re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture).groups() for picture in pictures]
    assert [float(width) / 72 for width, _ in sizes] == pytest.approx([plots.WIDE, plots.NARROW]) and {
        height for _, height in sizes
    } == {"216"}
    source = html.index("<source media=")
    assert source < html.index("<img src="), "a browser takes the first that fits"


def test_a_caption_of_more_than_two_lines_unfolds():
    short, long = (pages.figure_html(plots.canvas()[0], "word " * count, "") for count in (5, 80))
    assert 'class="proxylib-more short"' in short and 'class="proxylib-more"' in long


def test_only_a_table_wider_than_the_text_is_folded_under_what_it_shows(shown):
    narrow, wide = (pd.DataFrame([["x" * 20] * count], columns=list("abcdefgh")[:count]) for count in (3, 8))
    pages.table(narrow, "Lab, profile lab. Some rows.")
    pages.table(wide, "Lab, profile lab; 3 models. Some rows. More of them.")
    assert 'class="proxylib-fold"' not in shown[0]
    assert shown[1].startswith('<details class="proxylib-fold"><summary>Table: Some rows</summary>')
    assert pages.letters_across(narrow) == 3 * (20 + pages.GUTTER)


def test_a_table_that_a_figure_has_shown_is_folded_where_asked(shown):
    pages.table(pd.DataFrame({"a": [1]}), "Some rows.", fold=True)
    assert shown[0].startswith('<details class="proxylib-fold"><summary>Table: Some rows</summary>')
