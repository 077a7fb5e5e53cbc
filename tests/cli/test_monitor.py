"""`proxylib monitor` as a person meets it."""

import json

import pytest
from studies.your_run.histories import clean, results_folder, state, turned

from proxylib.cli import main


@pytest.fixture
def history(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clean().to_csv("clean.csv", index=False)
    turned(clean(), "arc", 23_000, -0.15).to_csv("fallen.csv", index=False)
    return tmp_path


def test_codes_and_sentences(history, capsys):
    assert main(["monitor", "clean.csv", "--out", "A"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "no alarm in 4 series" and said[1].startswith("take step ")
    assert main(["monitor", "fallen.csv", "--out", "B"]) == 3
    assert "regression: arc fell by " in capsys.readouterr().out
    assert (history / "B" / "monitor.html").read_text().startswith("<!doctype html>")


def test_a_dry_run_writes_nothing(history, capsys):
    assert main(["monitor", "clean.csv", "--out", "A", "--dry-run"]) == 0
    assert "2 scores (mmlu and arc), step 500 to 30,000" in capsys.readouterr().out and not (history / "A").exists()


def test_result_files_and_a_trainers_state_are_read_as_they_are(history, capsys):
    results_folder(history / "evals")
    assert main(["monitor", "evals", "--out", "A"]) == 0
    (history / "trainer_state.json").write_text(json.dumps(state()))
    assert main(["monitor", "trainer_state.json", "--out", "B"]) == 0
    assert "take step" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.csv", "--out", "D"], "none.csv: no such file or folder"),
        (["clean.csv"], "the following arguments are required: --out"),
        (["clean.csv", "--out", "D", "--fields", "loss=x"], "--fields: loss is no column of a history"),
        (["clean.csv", "--out", "D", "--losses", "mmul"], "parameter losses: clean.csv has no metric mmul"),
        (["clean.csv", "--out", "D", "--weights", "mmlu=much"], "--weights: mmlu=much is no number"),
        (["clean.csv", "--out", "D", "--error", "2"], "--error"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(history, refusal, words, said):
    assert refusal("monitor", *words).startswith(said)
    assert not (history / "D").exists()
