"""The API page: docstrings as the book shows them, and its example."""

import re

import pytest
from models import strange

from proxylib.report import docstrings
from proxylib.runs.config import ROOT

PAGE = (ROOT / "book" / "api.md").read_text()


def test_sections_become_rubrics_and_entries_terms():
    lines = [
        "Do `x`.",
        "",
        "Parameters",
        "----------",
        "a, b : two `words`",
        "    and more",
        "",
        "Notes",
        "-----",
        "A ratio 1 : 2.",
    ]
    assert docstrings.restructured(lines) == [
        *("Do ``x``.", "", "", ".. rubric:: Parameters", "", "``a, b``", "    two ``words``", "    and more", ""),
        *("", ".. rubric:: Notes", "", "A ratio 1 : 2."),
    ]


def test_what_is_code_already_stays():
    assert docstrings.restructured(["see ``x`` and `y`"]) == ["see ``x`` and ``y``"]


def test_the_example_of_the_page_runs(tmp_path, monkeypatch):
    strange.saved(tmp_path / "path" / "to" / "one")
    (tmp_path / "traces.jsonl").write_text('{"prompt": "ask", "solution": "answer"}\n')
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", PAGE, re.S)[1]
    names = {}
    exec(code, names)
    assert names["rows"].tokens["nll"].notna().all()


@pytest.mark.parametrize("name", re.findall(r"auto(?:function|class):: (\S+)", PAGE))
def test_every_name_of_the_page_exists_and_says_what_it_is(name):
    module, _, thing = name.rpartition(".")
    assert getattr(__import__(module, fromlist=[thing]), thing).__doc__
