"""`proxylib preferences` as a person meets it."""

import pandas as pd
import pytest
from judging.ballots import ballots

from proxylib.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with votes.csv."""
    monkeypatch.chdir(tmp_path)
    votes = ballots((0.9, 0.0, -0.9), 400, seed=1).assign(question=range(400))
    winners = votes["points"].map({1.0: "model_a", 0.5: "tie", 0.0: "model_b"})
    votes.drop(columns="points").assign(winner=winners).to_csv("votes.csv", index=False)
    return tmp_path


def test_one_sentence_says_what_is_settled(folder, capsys):
    assert main(["preferences", "votes.csv", "--out", "D"]) == 0
    said = capsys.readouterr()
    assert said.err == "" and said.out.count("\n") == 1
    assert (
        said.out.startswith("400 votes of 40 judges on 400 questions (2")
        and "settle 3 of 3 orders of 3 models; ada stands first" in said.out
    )
    assert pd.read_csv("D/ratings.csv")["model"].tolist() == ["ada", "bob", "cyd"]
    assert (folder / "D" / "ratings.svg").read_text().lstrip().startswith("<?xml")


def test_what_the_votes_cannot_tell_ends_with_four(folder, capsys):
    pd.read_csv("votes.csv").head(6).to_csv("few.csv", index=False)
    assert main(["preferences", "few.csv", "--out", "D"]) == 4
    assert "settle 0 of" in capsys.readouterr().out


def test_too_many_votes_without_a_winner_end_with_four(folder, capsys):
    rows = pd.read_csv("votes.csv")
    rows.loc[:40, "winner"] = ""
    rows.to_csv("gaps.csv", index=False)
    assert main(["preferences", "gaps.csv", "--out", "D"]) == 4
    assert "more than --limit-unscored" in capsys.readouterr().err
    assert main(["preferences", "gaps.csv", "--out", "E", "--limit-unscored", "0.5"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.csv", "--out", "D"], "none.csv: no such file"),
        (["votes.csv", "--out", "D", "--fields", "loser=b"], "--fields: loser is nothing that a vote has"),
        (["votes.csv", "--out", "D", "--fields", "judge=rater"], "--fields: votes.csv has no column rater"),
        (["votes.csv", "--out", "D", "--winners", "a=1", "b=1"], "--winners: 1 stands for two outcomes"),
        (["votes.csv", "--out", "D", "--baseline", "zoe"], "--baseline: zoe is no model"),
        (["votes.csv", "--out", "votes.csv"], "votes.csv: is a file; give a folder"),
        (["votes.csv", "--out", "D", "--buy", "0"], "--buy"),
        (["votes.csv", "--out", "D", "--level", "1"], "--level"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(folder, refusal, words, said):
    assert refusal("preferences", *words).startswith(said)
    assert not (folder / "D").exists()
