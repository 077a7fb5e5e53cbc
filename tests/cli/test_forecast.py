"""`proxylib forecast` as a person meets it."""

import numpy as np
import pytest

from proxylib.cli import main


@pytest.fixture
def history(tmp_path, monkeypatch):
    """A run's file in the working folder."""
    monkeypatch.chdir(tmp_path)
    tokens = np.geomspace(1e9, 1e11, 12)
    rows = [f"arc,{x},{0.8 - 0.5 * (x / 1e9) ** -0.3}" for x in tokens]
    (tmp_path / "h.csv").write_text("\n".join(["task,tokens,score", *rows]))
    return tmp_path


def test_one_sentence_says_what_to_expect_and_how_wrong_it_was(history, capsys):
    assert main(["forecast", "h.csv", "--target", "tokens=4e11", "--out", "D"]) == 0
    said = capsys.readouterr()
    assert said.err == "" and said.out.count("\n") == 1
    assert said.out.startswith("At tokens=4e11, 4 times as far as the data go, arc scores 7") and "was wrong by" in said.out
    assert (history / "D" / "forecast.svg").read_text().lstrip().startswith("<?xml")


def test_what_the_data_cannot_tell_ends_with_four(history, capsys):
    assert main(["forecast", "h.csv", "--target", "tokens=1e13", "--out", "D"]) == 4
    said = capsys.readouterr()
    assert "there is no interval" in said.err and said.out.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["h.csv", "--target", "tokens=1e9", "--out", "D"], "parameter target: tokens=1e9 lies behind the data"),
        (["h.csv", "--target", "loss=2", "--out", "D"], "--target: loss is no axis"),
        (["none.csv", "--target", "tokens=1e12", "--out", "D"], "none.csv: no such file"),
        (["h.csv", "--target", "tokens=1e12", "--out", "D", "--fields", "accuracy=score"], "--fields: accuracy is no column"),
        (["h.csv", "--target", "tokens=1e12", "--out", "h.csv"], "h.csv: is a file; give a folder"),
        (["h.csv", "--target", "tokens=1e12", "--out", "D", "--level", "1"], "--level"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(history, refusal, words, said):
    assert refusal("forecast", *words).startswith(said)
    assert not (history / "D").exists()
