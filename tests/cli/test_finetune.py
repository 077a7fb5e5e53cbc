"""`proxylib finetune`; the cells themselves: tests/studies/loss/test_hub_cell.py."""

import json

import pytest

from proxylib.cli import main
from proxylib.studies.loss import hub_cell

GIVEN = ("--data", "d.jsonl", "--held-out", "h.jsonl", "--out", "cells")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "finetune: --base is needed, unless --list is given"),
        (("--list", "--lengths"), "finetune: give one of --list, --lengths and --dry-run"),
        (("--list", "-p", "learning_rate", "fast"), "parameter learning_rate: Input should be a valid number (given: 'fast')"),
        (("--list", "-p", "rate", "2e-4"), "parameter rate: Extra inputs are not permitted (given: 0.0002)"),
        (("--base", "b", "--examples", "0"), "--examples: Input should be greater than or equal to 1 (given: 0)"),
    ],
)
def test_what_it_refuses(refusal, words, said):
    assert refusal("finetune", *GIVEN, *words) == said


def test_a_cell_over_all_gpus_is_one_process(capsys):
    assert main(["finetune", *GIVEN, "--list", "-p", "device", "auto"]) == 0
    assert {line.partition(" --base")[0] for line in capsys.readouterr().out.splitlines()} == {"proxylib finetune"}
    assert main(["finetune", *GIVEN, "--list"]) == 0
    starts = {line.partition(" --base")[0] for line in capsys.readouterr().out.splitlines()}
    assert starts == {"accelerate launch -m proxylib finetune"}


def test_think_blocks_are_cut_in_both_files_and_in_every_line_of_the_list(tmp_path, monkeypatch, capsys):
    cells = []
    monkeypatch.setattr(hub_cell, "run", lambda cell, out, told: cells.append(cell))
    monkeypatch.chdir(tmp_path)
    for name in ("d", "h"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"prompt": name, "solution": "<think>hm</think> 4"}))
    assert main(["finetune", "--base", "b", *GIVEN]) == main(["finetune", "--base", "b", *GIVEN, "--think", "cut"]) == 0
    assert [[trace.solution for trace in (*cell.examples, *cell.held_out)] for cell in cells] == [
        ["<think>hm</think> 4"] * 2,
        ["4"] * 2,
    ]
    capsys.readouterr()
    assert main(["finetune", *GIVEN, "--list", "--think", "cut"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines and all("--think cut" in line for line in lines)
