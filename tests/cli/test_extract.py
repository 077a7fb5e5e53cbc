"""`proxylib extract`; what it leaves: tests/measure/tokenstats/test_shards.py and tests/studies/your_models/test_rank.py."""

import pytest

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
