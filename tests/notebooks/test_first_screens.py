"""The first screen of every page: a question, the answer in plain words, the figure that carries it, what to do with it.

A page is read as its notebook stands (slots are taken for one word each), as the smoke grid executed it and as it was
shipped, where these come from the same source.
"""

import ast
import re

import nbformat
import pytest

from proxylib import studies
from proxylib.report import book
from proxylib.runs import execute
from proxylib.runs.config import ROOT

#: what a practitioner does not have to know before the first figure
JARGON = re.compile(
    r"\b(kappa|nll|spearman|rho|bootstrap|percentile|quantile|logits?|R2|wilson|eigen\w*|partial correlation"
    r"|leave-\w+-out|held-in|cluster\w*|forest plot|ordinal|null hypothesis|confidence interval|components?)\b",
    re.IGNORECASE,
)
SENTENCES, NUMBERS, WORDS_A_SENTENCE, WORDS_OF_QUESTION, WORDS_OF_ADVICE = 2, 3, 35, 60, 90
SLOT = "slot"


def spoken(node):
    """What a string in the source says; every slot is one word."""
    if isinstance(node, ast.JoinedStr):
        return "".join(spoken(value) for value in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else SLOT


def pieces_of_source(source):
    """(kind, text) of every sentence, figure and table that a cell would show, in order."""
    kinds = {"say": "text", "figure": "figure", "table": "table"}
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and getattr(node.func.value, "id", "") == "pages"
        and node.func.attr in kinds
    ]
    return [(kinds[call.func.attr], spoken(call.args[0])) for call in sorted(calls, key=lambda call: call.lineno)]


def pieces_of_outputs(outputs):
    pieces = []
    for output in outputs:
        data = output.get("data", {})
        html = data.get("text/html", "")
        if "text/markdown" in data:
            pieces.append(("text", data["text/markdown"]))
        elif "proxylib-figure" in html:
            pieces.append(("figure", ""))
        elif "proxylib-table" in html:
            pieces.append(("table", ""))
    return pieces


def pieces(notebook):
    """(kind, text) of all that a page shows, in order."""
    shown = []
    executed = any(cell.get("outputs") for cell in notebook.cells)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            shown += [("text", paragraph) for paragraph in cell.source.split("\n\n")]
        elif cell.cell_type == "code":
            shown += pieces_of_outputs(cell.outputs) if executed else pieces_of_source(cell.source)
    return shown


def sentences(text):
    """Sentences without marks, addresses of links, and the label of the layer."""
    text = re.sub(r"\*\*(Layer|What to do)[^*]*\*\*|\]\([^)]*\)|[*_`\[]", "", text)
    return [part for part in re.split(r"(?<=[.?!])\s+", text.strip()) if part]


def numbers(text):
    """Numbers in digits; names such as GPT-4, MT-Bench, top-1 are none."""
    return re.findall(r"(?<![\w.,-])[-+−]?\d[\d.,]*", text)


def faults(notebook):
    """What is wrong with the first screen of a page: sentences for its author."""
    shown = pieces(notebook)
    kinds = [kind for kind, _ in shown]
    if "figure" not in kinds:
        return ["no figure"]
    first = kinds.index("figure")
    title, *opening = [text for _, text in shown[:first]]
    bold = [text for text in opening if re.fullmatch(r"\*\*(?!Layer)[^*]+\*\*", text.strip())]
    plain = [text for text in opening if text not in bold and not text.startswith("*Shown from")]
    after = [text for kind, text in shown[first + 1 :] if kind == "text"]
    problems = []
    if not re.fullmatch(r"# [^\n]+\?", title):
        problems.append(f"the title is no question: {title}")
    if "table" in kinds[:first]:
        problems.append("a table stands before the first figure")
    if len(bold) != 1:
        problems.append(f"{len(bold)} paragraphs in bold before the figure, where the one answer should stand")
    problems += [f"{len(sentences(text))} sentences of answer" for text in bold if len(sentences(text)) > SENTENCES]
    if (words := sum(len(text.split()) for text in plain)) > WORDS_OF_QUESTION:
        problems.append(f"{words} words beside the answer")
    for place, text in {"before": " ".join(opening), "after": " ".join(after[:1])}.items():
        if len(digits := numbers(text)) > NUMBERS:
            problems.append(f"{len(digits)} numbers {place} the figure: {' '.join(digits)}")
    if not after or not after[0].startswith("**What to do.**"):
        problems.append("what follows the figure is not **What to do.**")
    for text in [*opening, *after[:1]]:
        problems += [f"{len(part.split())} words: {part}" for part in sentences(text) if len(part.split()) > WORDS_A_SENTENCE]
    if after and len(after[0].split()) > WORDS_OF_ADVICE:
        problems.append(f"{len(after[0].split())} words of advice")
    for text in [title, *opening]:
        problems += [f"a term that nobody has explained: {term}" for term in JARGON.findall(text)]
    return problems


def source(name):
    return nbformat.read(ROOT / "notebooks" / "pages" / f"{name}.ipynb", as_version=4)


def same_source(executed, notebook):
    """Whether a page was made from the notebook as it stands; papermill writes parameters into a cell of its own."""
    code = lambda page: [
        cell.source for cell in page.cells if not {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", []))
    ]
    return code(executed) == code(notebook)


@pytest.mark.parametrize("name", book.listed())
def test_a_page_opens_with_question_answer_figure_and_advice(name):
    assert faults(source(name)) == [], name


@pytest.mark.parametrize("name", book.listed())
def test_so_does_the_page_that_smoke_made(name, monkeypatch):
    """Sentences with their numbers; `make test` has run the smoke grid by then."""
    monkeypatch.delenv("PROXYLIB_RUNS", raising=False)
    step = studies.pages("smoke").get(name)
    run = None if step is None else step.store.find(step.key)
    if run is None:
        pytest.skip("no smoke run of this page as it stands")
    assert faults(nbformat.read(run.path(execute.PAGE), as_version=4)) == [], name


@pytest.mark.parametrize("name", book.listed())
def test_so_does_the_page_that_is_shipped(name):
    if not (book.SHIPPED / f"{name}.ipynb").exists():
        pytest.skip("not shipped yet")
    page = nbformat.read(book.SHIPPED / f"{name}.ipynb", as_version=4)
    if not same_source(page, source(name)):
        pytest.skip("shipped from an older source")
    assert faults(page) == [], name


GOOD = {
    "title": "# Is it right?\n\n**Layer: lab.** A question of few words.",
    "answer": 'pages.say(f"**It is {word} in {share} of 100 cases. So it is.**")',
    "figure": 'pages.figure(fig, f"caption", "alt")',
    "advice": "**What to do.** Look at it.",
}


def page(**changed):
    cells = GOOD | changed
    code = lambda text: nbformat.v4.new_code_cell(text)
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(cells["title"]), code(cells["answer"]), code(cells["figure"])]
        + [nbformat.v4.new_markdown_cell(cells["advice"])]
    )


def test_a_good_page_has_no_faults():
    assert faults(page()) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title": "# It is right\n\nWords."}, "no question"),
        ({"title": "# Is it right?\n\n" + "word. " * 70}, "70 words beside"),
        ({"title": "# Is its kappa right?\n\nWords."}, "explained: kappa"),
        ({"answer": 'pages.say("It is.")'}, "0 paragraphs in bold"),
        ({"answer": 'pages.say("**It is. It was. It will be.**")'}, "3 sentences"),
        ({"answer": 'pages.say("**It is 1, 2 and 3, or 4.5.**")'}, "4 numbers"),
        ({"answer": f'pages.say("**{"word " * 36}.**")'}, "37 words"),
        ({"answer": 'pages.say("**It is.**")\npages.table(frame, "c")'}, "table stands before"),
        ({"figure": 'pages.table(frame, "c")'}, "no figure"),
        ({"advice": "Look at it."}, "not **What to do.**"),
        ({"advice": "**What to do.** " + "Look. " * 100}, "words of advice"),
    ],
)
def test_each_fault_is_named(changed, said):
    assert any(said in problem for problem in faults(page(**changed))), faults(page(**changed))


def test_names_with_digits_are_no_numbers():
    assert numbers("GPT-4 in top-1 of 82 % [-4.7, -1.2] at 150M") == ["82", "-4.7,", "-1.2", "150"]
    assert len(numbers("GPT-3.5 agrees")) == 0
