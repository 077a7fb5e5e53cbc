"""Text of strangers: shown as it is, acting nowhere, and without keys."""

import html.parser
import json
import urllib.parse

import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.myst_role import myst_role_plugin
from mdit_py_plugins.substitution import substitution_plugin

from proxylib import text
from proxylib.errors import UserError
from proxylib.report import pages, plots
from proxylib.runs.config import ROOT
from proxylib.stats import Bootstrap
from proxylib.studies.your_models import compare, rank
from proxylib.studies.your_models.compare import Measured

NAMES = (
    "<img src=x onerror=alert(1)>",
    "</td></table><script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](https://example.org/y.png)",
    "https://example.org www.example.org a@example.org <javascript:alert(1)>",
    "`code` **bold** _it_ ~~s~~ | a | b |",
    "$x$ $$\\href{javascript:alert(1)}{y}$$ \\(z\\) \\[w\\]",
    "a$\\frac$b",
    "a\n\n# head\n- item\n1. one\n    code\n---\n> quote\n",
    "\x1b[31mred\x07 \u202eevil\u202c \u2066x \u200b \x00 \x9b2J",
    "{doc}`x` {{ which_run }} :::{note}\n%comment\n+++",
    "&lt;b&gt; &#60;b&#62; &amp; \" ' onload=x",
    "llama-bpe_64.v2 [a] (b) 0.83",
    "\ud83d half",
)
MARKDOWN = (
    MarkdownIt("gfm-like").use(dollarmath_plugin).use(myst_role_plugin).use(substitution_plugin),
    MarkdownIt("js-default", {"html": True}),
)


class Parsed(html.parser.HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(source)
        self.close()
        self.text = "".join(self.texts)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    handle_decl = handle_pi = unknown_decl = handle_comment


def plain(shown):
    return shown.replace(text.JOINER, "")


def acts_nowhere(name):
    for parser in MARKDOWN:
        for sentence in ("**By the proxy, {} stands first.**", "{}", "1 of {}: {}"):
            source = sentence.format(*[text.name(name)] * sentence.count("{}"))
            rendered = Parsed(parser.render(source))
            assert set(rendered.tags) <= {"p", "strong"} and not rendered.attributes, source
            assert plain(rendered.text).count(text.line(name).strip()) >= sentence.count("{}") or not text.line(name)
    for source in (f"<td>{text.escape(name)}</td>", f'<td title="{text.escape(name)}">x</td>'):
        rendered = Parsed(source)
        assert rendered.tags == ["td"] and len(rendered.attributes) == source.count("title=")
        shown = rendered.attributes[0][1] if rendered.attributes else rendered.text
        assert plain(shown) == text.visible(name)
    assert not any(bad in Parsed(text.escape(name)).text for bad in ("$$", "\\(", "\\[", "\\href", "\\begin"))


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_a_tag_a_link_or_a_formula(name):
    acts_nowhere(name)
    assert text.line(name).isprintable() and str(UserError(f"model {name}")).isprintable()


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("<>[]()!`*_~|$\\&#;:{}\"'=+-/.%@ \n\t1axé\x1b\u202e\ud83d"), max_size=24))
def test_no_mixture_of_marks_acts(name):
    acts_nowhere(name.strip())


def rows(skill):
    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame({"task": "t", "id": str(number), "position": np.arange(9), "token": rng.integers(0, 30, 9)}).assign(
            offset=np.arange(9), n_bytes=2, nll=1.0, entropy=1.0, n_greater=(rng.random(9) > skill) * 3, n_equal=1, p_max=0.5
        )
        for number in range(6)
    ]
    return Measured(pd.concat(frames, ignore_index=True), 40)


def test_no_name_of_a_model_acts_on_its_page_or_in_its_figure_or_on_a_terminal(monkeypatch, tmp_path):
    """The page *Bring your own models* itself, its cells run here over models of such names."""
    from proxylib.studies.your_models import report

    names = rank.names_of([f"{tmp_path}/{number}/{name.replace('/', '|')}" for number, name in enumerate(NAMES)])
    measured = {name: rows(number / len(NAMES)) for number, name in reversed(list(enumerate(names)))}
    comparison = compare.compare(measured, pd.Series(dtype=str), Bootstrap(draws=50, level=0.95, seed=1))
    accounts = pd.DataFrame({"model": names} | dict.fromkeys(report.ACCOUNT, 6))
    order = pd.DataFrame({"model": names, "score": 0.5, "fitted": 1.0, "rank": 1})
    errors = pd.DataFrame({"signal": ["fitted ranker", compare.WINNER, compare.PER_BYTE], "estimate": 0.1, "low": 0, "high": 1})
    whole = rank.Ranked(tmp_path, comparison, compare.Fitted(order, errors), accounts)
    shown, pictures = [], []
    monkeypatch.setattr(rank, "of", lambda step: whole)
    monkeypatch.setattr(pages, "display", lambda thing: shown.append((type(thing).__name__, thing.data)))
    svg = plots.svg
    monkeypatch.setattr(plots, "svg", lambda figure: pictures.append(svg(figure)) or pictures[-1])
    place = {}
    for cell in nbformat.read(ROOT / "notebooks" / "pages" / "your_models.ipynb", as_version=4).cells:
        if cell.cell_type == "code" and "pages.footer" not in cell.source:
            exec(cell.source, place)
    assert {kind for kind, _ in shown} == {"HTML", "Markdown"} and len(pictures) == 2  # for a laptop, for a phone
    for kind, source in shown:
        rendered = Parsed(source if kind == "HTML" else MARKDOWN[0].render(source))
        allowed = {"p", "strong", "div", "figure", "figcaption", "img", "table", "thead", "tbody", "tr", "th", "td"}
        allowed |= {"picture", "source", "details", "summary", "input", "label", "span"}
        assert set(rendered.tags) <= allowed and {name for name, _ in rendered.attributes} <= {
            "class",
            "src",
            "alt",
            "style",
            "border",
            *("media", "srcset", "open", "id", "for", "type"),
        }
        assert rendered.tags.count("img") == source.count("<figure") and "javascript:" not in dict(rendered.attributes).get(
            "src", ""
        )
    assert sum(plain(Parsed(source).text).count(names[0]) for kind, source in shown if kind == "HTML") >= 4
    for picture in pictures:
        drawing = Parsed("<svg" + picture.decode().split("<svg", 1)[1].replace("<!--", "<i>").replace("-->", "</i>"))
        assert not {"script", "a", "img", "image", "foreignobject"} & set(drawing.tags)
        assert not [name for name, _ in drawing.attributes if name.startswith("on")]
    assert all(line.isprintable() for line in report.summary(whole).splitlines())


def test_terminal_lines_are_visible(capsys):
    text.warn("a\x1b[31m\nb")
    text.say("a\x1b[31m\nb")
    told = capsys.readouterr()
    assert told.err == "proxylib: a\\x1b[31m b\n" and told.out == "a\\x1b[31m\nb\n"


KEY = "s3cr3t/with+odd=chars"


@pytest.mark.parametrize(
    "quoted",
    [
        KEY,
        f"http://example.org/v1?api_key={urllib.parse.quote(KEY, safe='')}&x=1",
        json.dumps({"a": KEY}),
        repr(KEY),
    ],
)
@pytest.mark.parametrize("variable", ["MINE_API_KEY", "hf_token", "DB_PASSWORD", "A_SECRET_2"])
def test_what_the_environment_keeps_secret_is_in_no_text(monkeypatch, quoted, variable):
    monkeypatch.setenv(variable, KEY)
    left = text.without_keys(f"before {quoted} after")
    assert "s3cr3t" not in left and variable in left and left.startswith("before ") and left.endswith(" after")
    assert "s3cr3t" not in str(UserError(quoted))


@pytest.mark.parametrize(
    "quoted",
    [
        "https://user:hunter2hunter@example.org/x",
        "https://hunter2hunter@example.org/x",
        "GET /v1/models?key=hunter2hunter HTTP/1.1",
        "https://example.org/?a=1&access_token=hunter2hunter#x",
        "{'Authorization': 'Bearer hunter2hunter'}",
        '"authorization": "hunter2hunter"',
        '{"x-api-key": "hunter2hunter"}',
        "client(api_key='hunter2hunter')",
        "bearer hunter2hunter",
        "sk-proj-hunter2hunter2hunter2",
        "hf_hunter2hunter2hunter2",
    ],
)
def test_what_looks_like_a_key_is_in_no_text(quoted):
    assert "hunter2" not in text.without_keys(f"x {quoted} y")


@pytest.mark.parametrize(
    "prose",
    [
        "token statistics of the basic model",
        "https://example.org/a?page=2&sort=key",
        '{"eos_token": "<|endoftext|>", "key": "validation set"}',
        "trace a@b: expected a token, found tokens",
        "a token: 'expected'",
        "task-sk-1",
    ],
)
def test_prose_stays_as_it_is(prose):
    assert text.without_keys(prose) == prose
