"""A wheel, unpacked away from the repository: what works there, and what says that it does not."""

import json
import math
import os
import subprocess
import sys
import zipfile

import pytest
from models import strange

from proxylib.runs.config import ROOT

CALLS = """
import json, sys
from proxylib import cli
import proxylib
codes = {"where": proxylib.__file__}
for name, words in json.loads(sys.argv[1]).items():
    codes[name] = cli.main(words)
    sys.stderr.write(f"-- {name}\\n")
print("\\n" + json.dumps(codes))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Folder in which a wheel of this tree is unpacked, inside of somebody's repository."""
    place = tmp_path_factory.mktemp("installed")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "--message", "theirs"]):
        subprocess.run([*git, *words], cwd=place, check=True)
    build = "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1]))"
    source = place / "source"
    for name in ("proxylib", "pyproject.toml", "README.md", "LICENSE"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).symlink_to(ROOT / name)
    done = subprocess.run([sys.executable, "-c", build, place], cwd=source, capture_output=True, text=True, check=True)
    zipfile.ZipFile(place / done.stdout.split()[-1]).extractall(place / "site")
    return place / "site"


def called(copy, folder, calls):
    """Codes of commands, stdout and stderr, run in a folder by the unpacked copy."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "HF_HUB_OFFLINE": "1", "PROXYLIB_CONFIGS": ""}
    done = subprocess.run(
        [sys.executable, "-c", CALLS, json.dumps(calls)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    codes = json.loads(done.stdout.splitlines()[-1])
    assert codes.pop("where").startswith(str(copy))
    return codes, done.stdout, done.stderr


def test_commands_for_your_own_things_work_in_an_installed_copy(copy, tmp_path):
    history = [f"t,{step},{0.6 - 0.4 * math.exp(-step / 8)},{1 + math.exp(-step / 8)}" for step in range(1, 21)]
    (tmp_path / "history.csv").write_text("task,step,score,loss\n" + "\n".join(history) + "\n")
    traces = [{"prompt": f"ask {number}", "solution": f"answer {number}\n"} for number in range(6)]
    (tmp_path / "t.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in traces))
    (tmp_path / "notes.jsonl").write_text(json.dumps({"id": "1", "dialogue": "Doctor: hello", "note": "Well."}) + "\n")
    models = [str(strange.saved(tmp_path / name)) for name in ("one", "two")]
    calls = {
        "forecast": ["forecast", "history.csv", "--target", "step=40", "--out", "forecast"],
        "monitor": ["monitor", "history.csv", "--out", "monitored"],
        "extract": ["extract", "--model", models[0], "--traces", "t.jsonl", "--out", "rows"],
        "rank": ["rank", "--models", *models, "--traces", "t.jsonl", "--out", "ranked"],
        "judge": ["judge", "--model", "openai-api/mine/x", "--notes", "notes.jsonl", "--out", "judged", "--dry-run"],
    }
    codes, _, said = called(copy, tmp_path, calls)
    assert codes == dict.fromkeys(calls, 0), said
    manifest = json.loads((tmp_path / "rows" / "manifest.json").read_text())
    assert manifest["git"] == {"commit": None, "dirty": None}  # not that of a repository around it


def test_commands_that_want_the_repository_say_so(copy, tmp_path):
    (tmp_path / "t.jsonl").write_text('{"prompt": "a", "solution": "b"}\n')
    (tmp_path / "h.jsonl").write_text('{"prompt": "c", "solution": "d"}\n')
    calls = {
        "grid": ["grid", "--profile", "lab"],
        "book": ["book", "--shipped"],
        "scoreboard": ["scoreboard"],
        "finetune": ["finetune", "--list", "--data", "t.jsonl", "--held-out", "h.jsonl", "--out", "cells"],
    }
    codes, _, said = called(copy, tmp_path, calls)
    assert codes == dict.fromkeys(calls, 2)
    lines = [line for line in said.splitlines() if not line.startswith("-- ")]
    assert len(lines) == len(calls) and all("installed copy; clone the repository" in line for line in lines)
