"""`proxylib finetune`; the cells themselves: tests/studies/loss/test_hub_cell.py."""

import pytest

GIVEN = ("--data", "d.jsonl", "--held-out", "h.jsonl", "--out", "cells")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "finetune: --base is needed, unless --list is given"),
        (("--list", "--lengths"), "finetune: give --list or --lengths, not both"),
        (("--list", "-p", "learning_rate", "fast"), "parameter learning_rate: Input should be a valid number (given: 'fast')"),
        (("--list", "-p", "rate", "2e-4"), "parameter rate: Extra inputs are not permitted (given: 0.0002)"),
        (("--base", "b", "--examples", "0"), "--examples: Input should be greater than or equal to 1 (given: 0)"),
    ],
)
def test_what_it_refuses(refusal, words, said):
    assert refusal("finetune", *GIVEN, *words) == said
