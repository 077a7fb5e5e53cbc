"""The recipe for models of the hub, line by line, on stand-ins of their formats; every model and revision that it names."""

import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
import torch
from models import olmo_stand_in

from proxylib.cli import main
from proxylib.data.published import problems
from proxylib.models import architectures, folders, tokenizers
from proxylib.models.settings import Model

RERUN = Path(__file__).resolve().parents[1] / "book" / "rerun.md"
SECTION = re.search(r"^## Small models of a hub.*?(?=^## )", RERUN.read_text(), re.M | re.S)[0]
LINES = [line for block in re.findall(r"^```\n(.*?)^```", SECTION, re.M | re.S) for line in block.splitlines()]
COMMANDS = [shlex.split(line)[1:] for line in LINES if line.startswith("proxylib ")]
#: corpora, steps and seeds that public code names
STEP = re.compile(r"step\d+-seed-(default|small-aux-2)|stage1-step\d+-tokens\d+B")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The hub's models as tiny stand-ins, problems of our own under the name of the set; which revisions were asked for."""
    asked = []

    def downloaded(repository, revision):
        asked.append((repository, revision))
        folder = tmp_path / "hub" / f"{repository.replace('/', '--')}@{revision}"
        seed = sum(map(ord, f"{repository}{revision}"))
        if "DataDecide" in repository:
            return olmo_stand_in.write(folder, seed)
        torch.manual_seed(seed)
        spec = Model(architecture="olmo2", tokenizer="byte", width=16, depth=1, mix="expert", post="none", share=1.0)
        architectures.build(spec, 259, 128).save_pretrained(folder)
        tokenizers.train("byte", [], 300).save_pretrained(folder)
        return folder

    data = tmp_path / "gsm8k" / "data"
    data.mkdir(parents=True)
    rows = [{"question": f"What is {n} + 2?", "answer": f"{n} and 2 make {n + 2}.\n#### {n + 2}"} for n in range(16)]
    (data / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr(folders, "_downloaded", downloaded)
    monkeypatch.setattr(problems.registry, "fetch", lambda name: tmp_path / name)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    return asked


def test_every_line_of_the_recipe_runs_and_asks_for_what_it_names(hub, capsys):
    lines = [
        [word.replace("cuda", "cpu") for word in command] + ["--threads", "1"] for command in COMMANDS if command[0] != "fetch"
    ]
    assert len(lines) == 6
    for command in lines:
        assert main(command) == 0, command
    named = {tuple(word.split("@")) for command in lines for word in command if word.startswith("allenai/")}
    assert set(hub) == named and all(STEP.fullmatch(revision) for _, revision in named)
    said = capsys.readouterr().out
    assert "of 10 pairs told apart" in said and "the luck of its seed is in none of these numbers" in said
    pairs = pd.read_csv("corpora/150M/pairs.csv")
    assert len(pairs) == 10 and pairs["problems"].isna().equals(pairs["told"])
    assert len(pd.read_csv("corpora/seeds/ranking.csv")) == 2 and len(pd.read_csv("olmo/ranking.csv")) == 2


def test_what_was_extracted_alone_is_not_measured_again(hub, monkeypatch):
    apart = [[word.replace("cuda", "cpu") for word in command] + ["--threads", "1"] for command in COMMANDS]
    *extracted, together = [command for command in apart if any("corpora/1B" in word for word in command)]
    assert [command[0] for command in extracted] == ["extract", "extract"] and together[0] == "rank"
    assert all(main(command) == 0 for command in extracted)
    rows = {path: path.read_bytes() for path in Path("corpora/1B/models").rglob("manifest.json")}
    assert main(together) == 0 and len(rows) == 2
    assert all(path.read_bytes() == data for path, data in rows.items())


def test_the_recipe_fetches_what_it_reads_and_names_no_shell_but_its_own():
    assert ["fetch", "gsm8k"] in COMMANDS and len(COMMANDS) == 7
    rest = [line for line in LINES if not line.startswith("proxylib ")]
    assert rest[0] == "pip install ." and rest[1].startswith("python -c ") and len(rest) == 2
    compile(shlex.split(rest[1])[2], "recipe", "exec")
