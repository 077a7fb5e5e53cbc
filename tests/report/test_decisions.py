"""What to use when: words change with verdicts, numbers are the scoreboard's, links lead to pages that there are."""

import re
import shlex

import pandas as pd
import pytest

from proxylib import cli, studies
from proxylib.report import decisions, scoreboard, verdicts

HEAD = "decision,decides,signal,otherwise,claims,cost,command,page\n"


def entry(id, verdict, estimate=None, low=None, high=None):
    return {"id": id, "label": f"label of {id}", "verdict": verdict, "unit": "points"} | {
        "estimate": estimate,
        "low": low,
        "high": high,
    }


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_text(
        HEAD + "Which?,one,Use it,Do without,one;two,little,proxylib it,the_lab\nWhen?,two,Now,Later,two,much,proxylib x,\n"
    )
    return path


@pytest.mark.parametrize("word", verdicts.VERDICTS)
def test_a_signal_is_used_where_its_claim_holds_at_least_in_part(word, path):
    table = decisions.table([entry("one", word), entry("two", "holds")], path)
    assert table["what we would use"].tolist() == ["Use it" if word in ("holds", "in part") else "Do without", "Now"]


def test_trust_says_verdicts_with_the_numbers_of_the_scoreboard(path):
    entries = [entry("one", "holds", 3.2, 2.5, 4.1), entry("two", "undecided", 0.5)]
    table = decisions.table(entries, path)
    assert table["how far to trust it"].tolist() == [
        "label of one: holds, 3.2 [2.5, 4.1]; label of two: undecided, 0.5 [–, –]",
        "label of two: undecided, 0.5 [–, –]",
    ]
    assert decisions.trusted(entry("two", "not tested yet")) == "label of two: not tested yet"


def test_a_claim_that_the_scoreboard_does_not_have_is_named(path):
    with pytest.raises(KeyError, match="two"):
        decisions.table([entry("one", "holds")], path)


def test_links_lead_only_to_pages_that_the_book_has(path):
    table = decisions.table([entry("one", "holds"), entry("two", "holds")], path)
    fence, *lines, end = decisions.markdown(table, {"the_lab"}).split("\n")
    assert (fence, end) == ("```{container} proxylib-when", "```")
    assert len(lines) == 4 and {line.count(" | ") for line in (lines[0], *lines[2:])} == {3}
    assert lines[2].startswith("| [Which?](executed/the_lab.ipynb) | Use it |") and lines[3].startswith("| When? | Now |")
    assert lines[2].endswith("| little: `proxylib it` |") and "](executed" not in decisions.markdown(table, set())


def test_the_committed_decisions_ask_claims_pages_and_commands_that_exist_and_hold_no_number():
    raw = pd.read_csv(decisions.DECISIONS, keep_default_na=False)
    blank = {"verdict": "not tested yet", "estimate": None, "low": None, "high": None}
    table = decisions.table([claim | blank for claim in scoreboard.claims().to_dict("records")])
    assert list(table["decision"]) == list(raw["decision"]) and len(table) >= 5
    assert set(table["page"].dropna()) <= set(studies.registry().pages)
    words = " ".join(raw[["decision", "signal", "otherwise", "cost"]].to_numpy().ravel())
    assert not re.search(r"\d", words) and "|" not in words
    for command in raw["command"]:
        assert cli.parser().parse_args(shlex.split(command)[1:]).command in command
