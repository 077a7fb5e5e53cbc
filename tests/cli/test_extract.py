"""`proxylib extract`; what it leaves: tests/measure/tokenstats/test_shards.py and tests/studies/your_models/test_rank.py."""

import json

import pytest
from models import strange

from proxylib import cli

GIVEN = ("--model", "nowhere/at/all", "--traces", "t.jsonl", "--out", "rows")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--top", "65"), "--top: Input should be less than or equal to 64 (given: 65)"),
        (("--window", "0"), "--window: Input should be greater than or equal to 1 (given: 0)"),
        (("--threads", "0"), "--threads: Input should be greater than or equal to 1 (given: 0)"),
        ((), "t.jsonl: no such file"),
    ],
)
def test_what_it_refuses(refusal, words, said):
    assert refusal("extract", *GIVEN, *words) == said


def test_a_row_that_is_there_twice_is_read_and_counted_once_in_every_line(tmp_path, capsys):
    rows = [{"id": str(number % 3), "prompt": f"ask {number % 3}", "solution": f"answer {number % 3}\n"} for number in range(4)]
    (tmp_path / "t.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    words = ("--model", strange.saved(tmp_path / "model"), "--traces", tmp_path / "t.jsonl", "--out", tmp_path / "rows")
    assert cli.main(["extract", *map(str, words)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "4 traces read; 3 problems; 1 copy" in lines
    assert {"traces read 4", "copies of others 1", "traces scored 3"} <= set(lines)
