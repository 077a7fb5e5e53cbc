"""`proxylib plan` as a person meets it."""

import pandas as pd
import pytest
from studies.planning.tables import grid

from proxylib.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grid().to_csv("t.csv", index=False)
    return tmp_path


def test_a_plan_is_said_and_extrapolations_are_named(folder, capsys):
    assert main(["plan", "t.csv", "--out", "D"]) == 0
    said = capsys.readouterr()
    assert (
        "next, buy " in said.out
        and "extrapolated: loss lies outside of the evaluated 0.5291 to 0.7347 for 1.7B-1293, " in said.err
    )
    assert (folder / "D" / "plan.html").read_text().startswith("<!doctype html>")


def test_too_few_scores_end_with_four(folder, capsys):
    grid((1, 2)).to_csv("few.csv", index=False)
    assert main(["plan", "few.csv", "--out", "D"]) == 4
    said = capsys.readouterr().out
    assert said.startswith("no order: cannot tell how scores follow loss") and said.count("\n") == 1


def test_a_slope_of_either_sign_ends_with_four_and_no_order(folder, capsys):
    frame = grid()
    frame.loc[frame["score"].notna(), "score"] = [0.5, 0.4, 0.45, 0.5, 0.4]
    frame.to_csv("flat.csv", index=False)
    assert main(["plan", "flat.csv", "--out", "D"]) == 4
    said = capsys.readouterr().out
    assert said.startswith("no order: scores are not shown to be higher or lower") and "next, buy" not in said
    assert pd.read_csv("D/plan.csv").empty and pd.read_csv("D/candidates.csv")["expected"].isna().all()
    page = (folder / "D" / "plan.html").read_text()
    assert "candidates get no order" in page and "What to buy" not in page and "chance to be best" not in page


def test_a_dry_run_writes_nothing(folder, capsys):
    assert main(["plan", "t.csv", "--out", "D", "--dry-run"]) == 0
    assert "15 candidates, 5 evaluated; signals: loss, size and data" in capsys.readouterr().out
    assert not (folder / "D").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.csv", "--out", "D"], "none.csv: no such file"),
        (["t.txt", "--out", "D"], "t.txt: candidates are read from .csv"),
        (["t.csv"], "the following arguments are required: --out"),
        (["t.csv", "--out", "D", "--fields", "lost=x"], "--fields: lost is nothing that a candidate has"),
        (["t.csv", "--out", "D", "--fields", "loss=x"], "--fields: t.csv has no column x"),
        (["t.csv", "--out", "D", "--fields", "loss=size", "size=size"], "--fields: column size cannot be both loss and size"),
        (["t.csv", "--out", "D", "--signals", "bpb"], "--signals: t.csv has no column bpb"),
        (["t.csv", "--out", "D", "--items", "0"], "--items: a number of items"),
        (["t.csv", "--out", "D", "--judge", "ann"], "--judge: t.csv has no column judge"),
        (["t.csv", "--out", "D", "--layers", "none.yaml"], "none.yaml: no such file"),
        (["t.csv", "--out", "D", "--budget", "0"], "--budget"),
        (["t.csv", "--out", "D", "--tolerance", "2"], "--tolerance"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(folder, refusal, words, said):
    assert refusal("plan", *words).startswith(said)
    assert not (folder / "D").exists()
