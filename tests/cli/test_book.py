"""`proxylib book`."""

import pytest


@pytest.mark.parametrize("words", [(), ("--profile", "smoke", "--shipped")])
def test_it_builds_one_book(refusal, words):
    assert refusal("book", *words) == "book: give --profile or --shipped, one of them"
