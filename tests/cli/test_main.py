"""The command line as a person meets it."""

import subprocess
import sys

import pytest

from proxylib.cli import main


def call(*arguments):
    return subprocess.run([sys.executable, "-m", "proxylib", *arguments], capture_output=True, text=True)


def test_help_names_every_command():
    out = call("--help").stdout
    for name in ("rank", "extract", "judge", "finetune", "run", "grid", "fetch", "book", "ship", "scoreboard"):
        assert f"    {name} " in out or f"    {name}\n" in out


def test_help_starts_neither_torch_nor_a_validator_of_notebooks():
    code = "import sys; from proxylib.cli.main import parser; parser(); print({'torch', 'nbformat'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["grid"], "--profile"),
        (["grid", "--profile", "huge"], "invalid choice"),
        (["grid", "--profile", "smoke", "--jobs", "0"], "--jobs: Input should be greater than or equal to 1 (given: 0)"),
        (["grid", "--profile", "smoke", "--list", "--only", "train/none"], "no step is called train/none"),
        (["run", "nowhere.ipynb"], "no such file"),
        (["run", "notebooks/stages/train.ipynb", "-p", "model", "gpt-9"], "'gpt-9' is not in this profile"),
        (["run", "notebooks/stages/train.ipynb", "-y", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["fetch", "everything"], "everything"),
        (["book"], "book: give --profile or --shipped, one of them"),
        (["book", "--profile", "smoke", "--shipped"], "book: give --profile or --shipped, one of them"),
        (["rank", "--models", "a", "--traces", "t", "--out", "o", "--window", "0"], "--window: Input should be greater"),
        (["extract", "--model", "a", "--traces", "t", "--out", "o", "--top", "65"], "--top: Input should be less than"),
        (
            ["judge", "--notes", "n", "--out", "o", "--model", "m", "--limit-cost", "1"],
            "--limit-cost: needs price_in or price_out",
        ),
        (["finetune", "--data", "d", "--held-out", "h", "--out", "o"], "finetune: --base is needed"),
        (["finetune", "--data", "d", "--held-out", "h", "--out", "o", "--list", "--lengths"], "not both"),
        (
            ["finetune", "--data", "d", "--held-out", "h", "--out", "o", "--list", "-p", "learning_rate", "fast"],
            "parameter learning_rate: ",
        ),
        ([], "COMMAND"),
    ],
)
def test_bad_usage_is_exit_2_and_says_what(arguments, said, capsys):
    code = main(arguments)
    (line,) = capsys.readouterr().err.splitlines()
    assert code == 2 and line.startswith("proxylib: error: ") and said in line


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
