"""Pages: escaping, figures, staging, and what refuses to become a page."""

import json
import re

import nbformat
import pandas as pd
import pytest
import yaml

from proxylib import studies
from proxylib.errors import UserError
from proxylib.report import book, pages, plots, scoreboard

HOSTILE = "</div><script>alert(1)</script> & \"quotes\" 'single' \x1b[31m\x00 <img src=x onerror=alert(1)>"


def shown(function, *arguments, **named):
    """The HTML that a page function displays."""
    found = []

    def catch(*objects, **_):
        found.extend(getattr(o, "data", str(o)) for o in objects)

    import unittest.mock

    with unittest.mock.patch.object(pages, "display", catch):
        function(*arguments, **named)
    return "".join(found)


def test_text_that_a_model_wrote_is_escaped_wherever_it_is_shown():
    frame = pd.DataFrame({HOSTILE: [HOSTILE]})
    row = {"member": HOSTILE, "task": "t", "correct": False, "text": HOSTILE, "prompt": HOSTILE, "solution": HOSTILE}
    for html in (
        shown(pages.answer, row),
        shown(pages.trace, row),
        shown(pages.table, frame, HOSTILE),
        pages.figure_html(plots.canvas()[0], HOSTILE, HOSTILE),
    ):
        assert "<script" not in html and "<img src=x" not in html and "onerror=alert(1)>" not in html
        assert "&#60;script&#62;" in html and "\x1b" not in html and "\x00" not in html


def test_a_figure_has_alternative_text_and_a_caption():
    html = pages.figure_html(plots.canvas()[0], "caption", "alternative")
    assert 'alt="alternative"' in html and re.search(r"<figcaption>.*<span>caption</span>.*</figcaption>", html)


def test_a_page_with_a_failed_cell_is_refused(tmp_path):
    cell = nbformat.v4.new_code_cell("1/0", outputs=[nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "p.ipynb")
    with pytest.raises(UserError, match="failed"):
        book._refuse_failed(tmp_path / "p.ipynb")


def test_shipping_refuses_a_dirty_tree(monkeypatch):
    monkeypatch.setattr(book, "provenance", lambda: {"git": {"commit": "abc", "dirty": True}})
    with pytest.raises(UserError, match="uncommitted"):
        book.ship("smoke", {})


def test_a_book_without_its_pages_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("PROXYLIB_RUNS", str(tmp_path))
    with pytest.raises(UserError, match="proxylib grid --profile lab"):
        book.build("lab", studies.pages("lab"))


def test_the_shipped_pages_are_complete_labelled_and_carry_no_failure():
    label = json.loads((book.SHIPPED / book.LABEL).read_text())
    assert label["profile"] in book.SAYS
    shipped = sorted(book.SHIPPED.glob("*.ipynb"))
    assert {"the_lab", "choosing_a_corpus", "scoreboard"} <= {page.stem for page in shipped} <= set(studies.registry().pages)
    for page in shipped:
        book._refuse_failed(page)
    assert (book.SHIPPED / book.FRONT[1]).read_bytes() == book.front_picture(book.SHIPPED / f"{book.FRONT[0]}.ipynb")


def test_shipped_pages_ask_no_other_host_for_anything():
    for page in book.SHIPPED.glob("*.ipynb"):
        assert not re.findall(r'(?:src|href)=\\?"https?://', page.read_text()), page


def test_one_search_box_stands_on_a_page():
    options = yaml.safe_load((book.ROOT / "_config.yml").read_text())["sphinx"]["config"]["html_theme_options"]
    assert options["navbar_persistent"] == []  # the theme's own is the one in the sidebar


def test_contents_leave_out_the_pages_that_a_book_does_not_have():
    files = re.findall(r"file: (\S+)", book._contents(["the_lab", "scoreboard"]).decode())
    assert "book/executed/the_lab" in files and "book/executed/scoreboard" in files and "book/rerun" in files
    assert not [file for file in files if file.endswith("whose_style")]
    assert "Proxy metrics" not in book._contents(["the_lab"]).decode()  # a part without chapters is no part
    assert "whose_style" in book._contents(studies.registry().pages).decode()


def test_the_front_page_has_the_counts_of_the_sources_and_every_slot_is_filled():
    filled = book.front_words({"whose_style"})
    entries = scoreboard.read()
    others = [entry for entry in entries if entry["document"] != "ours"]
    assert 0 < len(others) < len(entries) and filled["claims"] == str(len(others))
    assert int(filled["holding"]) <= int(filled["tested"]) == sum(entry["estimate"] is not None for entry in others)
    slots = set(re.findall(r"{{ (\w+) }}", (book.ROOT / "book" / "intro.md").read_text()))
    assert slots == {*filled, "which_run"} and "(executed/whose_style.ipynb)" in filled["when"]
