"""`proxylib judge`; what it leaves: tests/judging/test_verdict_folder.py."""

import pytest

GIVEN = ("--model", "openai-api/mine/m", "--notes", "notes.jsonl", "--out", "judged")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--limit-cost", "1"), "--limit-cost: needs price_in or price_out, in US dollars per million tokens"),
        (("--connections", "0"), "--connections: Input should be greater than or equal to 1 (given: 0)"),
        (("--max-new-tokens", "few"), "--max-new-tokens: Input should be a valid integer (given: 'few')"),
        (
            ("--device", "cpu"),
            "--device: is for a model in a folder, hf/FOLDER; openai-api/mine/m runs as its server decides: leave it out",
        ),
        ((), "notes.jsonl: no such file"),
    ],
)
def test_what_it_refuses(refusal, words, said):
    assert refusal("judge", *GIVEN, *words) == said
