"""`proxylib grid`."""

import pytest

from proxylib.cli import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "the following arguments are required: --profile"),
        (("--profile", "huge"), "--profile: invalid choice: 'huge'"),
        (("--profile", "smoke", "--jobs", "0"), "--jobs: Input should be greater than or equal to 1 (given: 0)"),
        (("--profile", "smoke", "--list", "--only", "train/none"), "no step is called train/none"),
    ],
)
def test_what_it_refuses(refusal, words, said):
    assert said in refusal("grid", *words)


def test_list_shows_every_step_and_runs_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PROXYLIB_RUNS", str(tmp_path))
    assert main(["grid", "--profile", "smoke", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("train/llama-bpe-32-seed1" in line for line in lines)
    assert {line.split()[0] for line in lines} <= {"missing", "recorded"}
    assert not list(tmp_path.rglob("*.parquet"))


def test_only_may_name_several_steps_at_once_or_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PROXYLIB_RUNS", str(tmp_path))
    listed = []
    for words in (["--only", "material", "corpora"], ["--only", "material", "--only", "corpora"]):
        assert main(["grid", "--profile", "smoke", "--list", *words]) == 0
        listed.append([line.split()[-1] for line in capsys.readouterr().out.splitlines()])
    assert listed[0] == listed[1] and set(listed[0]) == {"material", "corpora"}
