"""`proxylib judge` as a visitor meets it: a file, a server, a folder; and one line for what is wrong."""

import json

import pandas as pd
import pytest
from faulty_server import serving

from proxylib import cli

NOTES = [{"id": f"n{n}", "dialogue": "d: hello", "note": f"S: {n} {'good' if n % 2 else 'bad'}"} for n in range(6)]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINE_API_KEY", "canary-key-77aa")
    write(tmp_path / "notes.jsonl", NOTES)
    return tmp_path


def write(path, rows):
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))


GIVEN = ["judge", "--model", "openai-api/mine/m", "--notes", "notes.jsonl", "--out", "judged"]


def test_notes_are_judged_and_a_second_call_asks_nobody(place, monkeypatch, capsys):
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        assert cli.main(GIVEN) == 0
        said = capsys.readouterr().out
        assert "30 calls" in said and "completeness" in said and server.calls == 30
        found = pd.read_parquet("judged/verdicts.parquet")
        assert len(found) == 30 and set(found["status"]) == {"pass", "fail"}
        assert cli.main(GIVEN) == 0 and server.calls == 30
        assert cli.main([*GIVEN[:-1], "again", "--repeats", "2"]) == 0 and server.calls == 90
        about = json.loads((place / "judged" / "about.json").read_text())
        assert about["model"] == "openai-api/mine/m" and len(about["criteria"]) == 64
        capsys.readouterr()
        assert cli.main(["judge", "--model", "openai-api/mine/other", *GIVEN[3:]]) == 2
        assert "holds verdicts of another judge" in capsys.readouterr().err
    assert not any(b"canary-key-77aa" in path.read_bytes() for path in place.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "no notes"),
        (["{"], "line 1: not JSON"),
        (["[]"], "line 1: id is missing or no text"),
        ([NOTES[0], {"id": "x", "note": "y"}], "line 2: dialogue is missing or no text"),
        ([NOTES[0], NOTES[0]], "line 2: id n0 occurs twice"),
        ([{"id": 3, "dialogue": "", "note": ""}], "line 1: id is missing or no text"),
    ],
)
def test_a_bad_file_is_one_line_and_nothing_is_written(place, rows, said, capsys):
    write(place / "notes.jsonl", rows)
    assert cli.main(GIVEN) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and said in lines[0] and not (place / "judged").exists()


def test_a_missing_key_is_one_line(place, monkeypatch, capsys):
    monkeypatch.delenv("MINE_API_KEY")
    monkeypatch.setenv("MINE_BASE_URL", "http://127.0.0.1:9/v1")
    assert cli.main(GIVEN) == 2
    error = capsys.readouterr().err
    assert (
        "MINE_API_KEY" in error
        and len(error.strip().splitlines()) == 1
        and not (place / "judged" / "verdicts.parquet").exists()
    )


def test_a_cost_limit_without_prices_is_refused(place, capsys):
    assert cli.main([*GIVEN, "--limit-cost", "1"]) == 2
    assert "needs price_in and price_out" in capsys.readouterr().err
