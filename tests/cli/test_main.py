"""The command line as a person meets it."""

import subprocess
import sys

import pytest

from proxylib.cli import main


def call(*arguments):
    return subprocess.run([sys.executable, "-m", "proxylib", *arguments], capture_output=True, text=True)


def test_help_names_every_command():
    out = call("--help").stdout
    for name in ("run", "grid", "fetch", "book", "ship", "scoreboard"):
        assert name in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["grid"], "--profile"),
        (["grid", "--profile", "huge"], "invalid choice"),
        (["grid", "--profile", "smoke", "--jobs", "0"], "whole number from 1"),
        (["grid", "--profile", "smoke", "--list", "--only", "train/none"], "no step is called train/none"),
        (["run", "nowhere.ipynb"], "no such file"),
        (["run", "notebooks/stages/train.ipynb", "-p", "model", "gpt-9"], "'gpt-9' is not in this profile"),
        (["run", "notebooks/stages/train.ipynb", "-y", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["fetch", "everything"], "everything"),
        ([], "COMMAND"),
    ],
)
def test_bad_usage_is_exit_2_and_says_what(arguments, said, capsys):
    try:
        code = main(arguments)
    except SystemExit as stop:  # argparse ends by itself
        code = stop.code
    assert code == 2
    assert said in capsys.readouterr().err


def test_list_shows_every_step_and_runs_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PROXYLIB_RUNS", str(tmp_path))
    assert main(["grid", "--profile", "smoke", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("train/llama-bpe-32-seed1" in line for line in lines)
    assert {line.split()[0] for line in lines} <= {"missing", "recorded"}
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_step_without_its_parents_says_which_and_how(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PROXYLIB_RUNS", str(tmp_path))
    assert main(["run", "notebooks/stages/measure.ipynb", "-p", "model", "llama-bpe-32"]) == 2
    err = capsys.readouterr().err
    assert "needs train/llama-bpe-32-seed1, material" in err and "--only train/llama-bpe-32-seed1" in err


def test_fetch_without_a_name_lists_sets_with_licences(capsys):
    assert main(["fetch"]) == 0
    out = capsys.readouterr().out
    assert "datadecide" in out and "gsm8k" in out and "MIT" in out


def test_the_committed_scoreboard_is_what_the_recorded_runs_say():
    assert main(["scoreboard", "--check"]) == 0
