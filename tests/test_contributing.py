"""CONTRIBUTING's examples, written into a copy of the repository and run: a study, a page, a claim, a set, a judge."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```\w*\n# (\S+)\n(.*?)^```$", re.M | re.S)
PUBLISHED = "proxylib/data/published"
APPENDED = (
    "configs/base.yaml",
    "_toc.yml",
    "proxylib/report/claims.csv",
    f"{PUBLISHED}/sets.yaml",
    f"{PUBLISHED}/checksums.txt",
)


def notebook(text):
    """Cells of a script, parted by `# %%` with the kind of the next one in brackets."""
    made = nbformat.v4.new_notebook()
    for kind, source in re.findall(r"^# %%(?: \[(\w+)\])?\n(.*?)(?=^# %%|\Z)", text, re.M | re.S):
        if kind == "markdown":
            made.cells.append(nbformat.v4.new_markdown_cell(re.sub(r"^# ?", "", source, flags=re.M).strip()))
        else:
            tags = {"tags": [kind]} if kind else {}
            made.cells.append(nbformat.v4.new_code_cell(source.strip(), metadata=tags))
    return nbformat.writes(made)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A copy of the repository with every example's files in it."""
    place = tmp_path_factory.mktemp("copy")
    for name in ("proxylib", "configs", "notebooks", "benchmarks"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "results").mkdir()
    for name in ("_toc.yml", "results/scoreboard.json"):
        shutil.copy(ROOT / name, place / name)
    blocks = BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text())
    assert len(blocks) == 10
    for name, text in blocks:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in APPENDED:
            assert path.exists(), name
            path.write_text(path.read_text().rstrip("\n") + "\n" + text)
        else:
            assert not path.exists(), name
            path.write_text(notebook(text) if path.suffix == ".ipynb" else text)
    smoke = place / "configs" / "smoke.yaml"
    smoke.write_text(re.sub(r"^pages: \[", "pages: [lengths, ", smoke.read_text(), count=1, flags=re.M))
    return place


def run(place, *command, **env):
    whole = os.environ | {"PYTHONPATH": str(place), "PROXYLIB_RUNS": str(place / "runs"), "HF_HUB_OFFLINE": "1"} | env
    done = subprocess.run([sys.executable, *command], cwd=place, env=whole, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_study_runs_its_page_is_made_and_its_claim_is_judged(place):
    said = run(place, "-m", "proxylib", "grid", "--profile", "smoke", "--jobs", "2", "--record", "--only", "page/lengths")
    assert re.search(r"done +lengths", said) and re.search(r"done +page/lengths", said)
    run(place, "-m", "proxylib", "scoreboard")
    claims = {claim["id"]: claim for claim in json.loads((place / "results" / "scoreboard.json").read_text())}
    assert 0 <= claims["ours-short"]["low"] <= claims["ours-short"]["high"] <= 1 and claims["ours-short"]["runs"]


def test_the_rooms_allow_what_the_examples_do(place):
    shutil.copytree(ROOT / "tests", place / "tests", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    run(place, "-m", "pytest", "-q", "tests/test_house.py", "-k", "lengths or always or heights or docstring or own_room")


def test_the_published_set_is_read_from_a_mirror_and_refused_where_it_is_another(place, tmp_path):
    (tmp_path / "heights").mkdir()
    file = tmp_path / "heights" / "heights.csv"
    file.write_text("name,height\nAda,1.65\n")
    read = "from proxylib.data.published.heights import heights; print(heights().to_csv(index=False))"
    assert "Ada,1.65" in run(place, "-c", read, PROXYLIB_MIRROR=str(tmp_path))
    file.write_text("name,height\nAda,1.66\n")
    with pytest.raises(AssertionError, match="checksum"):
        run(place, "-c", read, PROXYLIB_MIRROR=str(tmp_path))


@pytest.mark.slow
def test_a_domain_is_a_folder_and_a_line_of_settings(place):
    """The claims under another name: every test of a domain asks of it, and the grid has it, with no other file touched."""
    folder = place / "proxylib" / "data" / "domains"
    shutil.copytree(folder / "claims", folder / "letters")
    for path in (folder / "letters").glob("*.py"):
        text = path.read_text().replace("proxylib.data.domains.claims", "proxylib.data.domains.letters")
        path.write_text(text.replace('name="claims"', 'name="letters"'))
    base = place / "configs" / "base.yaml"
    base.write_text(re.sub(r"^domains:\n", "domains:\n  letters: {seeds: [5]}\n", base.read_text(), count=1, flags=re.M))
    declared = (
        "from proxylib import studies; from proxylib.runs.step import with_parents; "
        "print(*(step.name for step in with_parents([studies.declare('second_domain', 'smoke')])))"
    )
    names = run(place, "-c", declared).split()
    assert {"domain_material/letters", "loss_fits/letters", "verdicts/letters", "second_domain"} <= set(names)
    assert sum(name.startswith("cell/letters-") for name in names) == 4
    shutil.copytree(ROOT / "tests", place / "tests", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    asked = ("tests/data/domains/test_base.py", "tests/judging/test_rubric.py", "tests/judging/test_grading.py")
    assert " passed" in run(place, "-m", "pytest", "-k", "letters", "--no-header", "-v", *asked)


def test_the_judge_judges(place, tmp_path):
    notes = tmp_path / "notes.jsonl"
    notes.write_text(json.dumps({"id": "1", "dialogue": "doctor: hello", "note": "S: nothing"}) + "\n")
    command = f"['judge', '--model', 'always/yes', '--notes', {str(notes)!r}, '--out', {str(tmp_path / 'out')!r}]"
    said = run(place, "-c", f"import proxylib.judging.always; from proxylib.cli import main; raise SystemExit(main({command}))")
    assert re.search(r"template +100 +1 +0", said)
