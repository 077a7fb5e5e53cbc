"""`proxylib ship`; what is shipped: tests/report/test_book.py."""


def test_a_profile_is_needed(refusal):
    assert refusal("ship") == "the following arguments are required: --profile; see proxylib ship --help"
