"""The book: executed pages staged beside the narrative ones, then rendered. Nothing is executed here."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import nbformat
import yaml

from proxylib.errors import UserError
from proxylib.report import decisions, scoreboard, standing
from proxylib.report.verdicts import HOLDS
from proxylib.runs import execute
from proxylib.runs.config import ROOT
from proxylib.runs.files import read_sealed, refuse_damage, sha256, write_atomic, write_sealed
from proxylib.runs.provenance import provenance
from proxylib.runs.step import Step

SHIPPED = ROOT / "book" / "executed"
LABEL = "shipped.json"
FRONT = ("choosing_a_corpus", "front.svg")  # the page whose first figure stands on the front page and in the README
SAYS = {
    "smoke": "This is the smoke profile: every path has run, and its numbers mean nothing.",
    "lab": (
        "This is a lab run: small models trained once, in minutes, on one machine. Pages on published runs use real runs. A "
        "question that does not fit into it is shown from the shipped book, if it is there, with the run that it comes from."
    ),
    "tuning": "This is the tuning run: the seed on which tasks and difficulty were decided. Its numbers are reported nowhere.",
    "reference": "This is the reference run: the lab's population with several training seeds.",
}


def build(profile: str, steps: Mapping[str, Step]) -> Path:
    """Render the book of a profile from its page runs; returns the path of its first page.

    Parameters
    ----------
    profile : its name
    steps : the profile's page steps by name; every other page is taken as shipped

    Raises
    ------
    UserError
        A page has not been run, or the renderer warns.
    """
    return _render(_pages(profile, steps), profile, profile)


def build_shipped() -> Path:
    """Render the shipped book from `book/executed/`."""
    label = SHIPPED / LABEL
    if not label.exists():
        raise UserError(f"{label}: no book is shipped here; proxylib ship --profile P makes one from a clean tree")
    return _render(shipped(), read_sealed(label)["profile"], "shipped")


def shipped() -> dict[str, Path]:
    """Page -> notebook of the shipped book, each as it was when it was shipped.

    Raises
    ------
    Damaged
        Naming a page that is not.
    """
    if not (SHIPPED / LABEL).exists():
        return {}
    digests = read_sealed(SHIPPED / LABEL)["files"]
    pages = {name: SHIPPED / f"{name}.ipynb" for name in listed() if f"{name}.ipynb" in digests}
    for path in pages.values():
        refuse_damage(path, digests[path.name])
    return pages


def ship(profile: str, steps: Mapping[str, Step]) -> list[Path]:
    """Copy a profile's executed pages into `book/executed/`, with a label that says which profile and code made them.

    Raises
    ------
    UserError
        The tree has uncommitted changes: numbers of unknown code would enter the book.
    """
    state = provenance()["git"]
    if state["commit"] is None or state["dirty"]:
        raise UserError("the tree has uncommitted changes (or is no git checkout); commit or stash them, then ship")
    written = []
    for name, source in _pages(profile, steps).items():
        written.append(SHIPPED / f"{name}.ipynb")
        write_atomic(written[-1], source.read_bytes())
    for page in SHIPPED.glob("*.ipynb"):  # of a page that the book no longer has
        if page not in written:
            page.unlink()
    written.append(SHIPPED / FRONT[1])
    write_atomic(written[-1], front_picture(SHIPPED / f"{FRONT[0]}.ipynb"))
    files = {path.name: sha256(path) for path in written}
    write_sealed(SHIPPED / LABEL, {"profile": profile, "commit": state["commit"], "files": files})
    return [*written, SHIPPED / LABEL]


def front_words(pages: Collection[str]) -> dict[str, str]:
    """What the front page says of the scoreboard: its counts of the sources' claims, and what to use when."""
    entries = scoreboard.read()
    sources = standing.of_sources(entries)
    counts = {
        "claims": len(sources),
        "tested": len(standing.tested(sources)),
        "holding": standing.counts(sources).get(HOLDS, 0),
    }
    return {name: str(count) for name, count in counts.items()} | {"when": decisions.markdown(decisions.table(entries), pages)}


def front_picture(page: Path) -> bytes:
    """The first figure of an executed page, as SVG, as it is drawn for phones: letters that are read at every width."""
    for cell in nbformat.read(page, as_version=4).cells:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html", "")
            match = re.search(r'<img src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)"', html)
            if match:
                return base64.b64decode(match[1])
    raise UserError(f"{page}: no figure in it")


def listed() -> list[str]:
    """Names of the executed pages, in the order of the table of contents."""
    return re.findall(r"file: book/executed/(\w+)", (ROOT / "_toc.yml").read_text())


def _pages(profile: str, steps: Mapping[str, Step]) -> dict[str, Path]:
    """Page -> executed notebook: the profile's own, and the shipped one of a question that it does not run, if there is one."""
    pages, others = {}, shipped()
    for name in listed():
        if name in steps:
            run = steps[name].store.find(steps[name].key)
            if run is None:
                raise UserError(f"page {name} has not been run; first: proxylib grid --profile {profile}")
            pages[name] = run.path(execute.PAGE)
        elif name in others:
            pages[name] = others[name]
    return pages


def _contents(pages: Iterable[str]) -> bytes:
    """The table of contents, without the executed pages that this book does not have."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    absent = {f"book/executed/{name}" for name in set(listed()) - set(pages)}
    for part in toc["parts"]:
        part["chapters"] = [chapter for chapter in part["chapters"] if chapter["file"] not in absent]
    toc["parts"] = [part for part in toc["parts"] if part["chapters"]]
    return yaml.safe_dump(toc, sort_keys=False).encode()


def _render(pages: dict[str, Path], profile: str, target: str) -> Path:
    stage = ROOT / "runs" / target / "book"
    shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(ROOT / "book", stage / "book", ignore=shutil.ignore_patterns("executed"))
    (stage / "book" / "executed").mkdir()
    for name, source in pages.items():
        _refuse_failed(source)
        shutil.copyfile(source, stage / "book" / "executed" / f"{name}.ipynb")
    (stage / "book" / "executed" / FRONT[1]).write_bytes(front_picture(pages[FRONT[0]]))
    settings = yaml.safe_load((ROOT / "_config.yml").read_text())
    settings.setdefault("parse", {})["myst_substitutions"] = front_words(pages) | {"which_run": SAYS[profile]}
    (stage / "_config.yml").write_text(yaml.safe_dump(settings))
    (stage / "_toc.yml").write_bytes(_contents(pages))

    html = ROOT / "_build" / target / "html"
    start = "from jupyter_book.cli.main import main; main()"  # the package has no __main__
    command = [sys.executable, "-c", start, "build", str(stage), "-n", "-W", "--keep-going", "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-4000:], file=sys.stderr)
        raise UserError(f"the book of {profile} has warnings or errors; they stand above")
    shutil.rmtree(html, ignore_errors=True)
    html.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(stage / "_build" / "html", html)
    return html / "index.html"


def _refuse_failed(page: Path) -> None:
    notebook = nbformat.read(page, as_version=4)
    for cell in notebook.cells:
        if any(output.get("output_type") == "error" for output in cell.get("outputs", [])):
            raise UserError(f"{page}: a cell of it failed; it cannot become a page")
