"""What servers say, shown: one line, no keys, nothing that a terminal or a page obeys."""

import pytest

from proxylib.judging import messages


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "busy", "code": 429}}, "busy"),
        ({"error": "busy"}, "busy"),
        ({"object": "error", "message": "busy", "code": 400}, "busy"),
        ({"detail": "busy"}, "busy"),
        ({"error": {"type": "x"}}, '{"type": "x"}'),
        ({"choices": []}, "neither an answer nor an error"),
        (None, "neither an answer nor an error"),
        ("busy", "busy"),
    ],
)
def test_a_servers_words_are_found_where_servers_put_them(body, words):
    assert str(messages.ServerError(body)) == words


def test_a_status_is_taken_from_the_body():
    assert messages.status(messages.ServerError({"error": {"message": "busy", "code": 429}})) == 429
    assert messages.status(messages.ServerError({"error": {"message": "busy", "code": "rate_limit"}})) is None
    assert messages.lasting(messages.ServerError({"message": "no", "code": 400}))
    assert not messages.lasting(messages.ServerError({"message": "busy", "code": 503}))


def test_control_characters_are_spelt_out_and_lines_joined():
    shown = messages.shown("a\x1b[31mred\x07\n\tb \u202eabc\u2028 \x00 \ud83d")
    assert shown == r"a\x1b[31mred\x07 b \u202eabc \x00 ?" and shown.isprintable()


def test_a_key_is_left_out_before_the_text_is_cut(monkeypatch):
    monkeypatch.setenv("MINE_API_KEY", "abcdefgh-1")
    monkeypatch.setenv("MINE_TOKEN", "abcdefgh-1-longer")
    assert messages.kept("x abcdefgh-1-longer abcdefgh-1") == "x <MINE_TOKEN> <MINE_API_KEY>"
    assert "abcd" not in messages.shown("y" * (messages.REASON - 4) + "abcdefgh-1")


@pytest.mark.parametrize(
    ("reason", "option"),
    [
        ("BadRequestError (400): temperature must be 1", "--temperature"),
        ("BadRequestError (400): 'response_format' is not known", "--no-schema"),
        ("BadRequestError (400): maximum context length is 4096", "--max-new-tokens"),
        ("AuthenticationError (401): no", "key"),
        ("NotFoundError (404): no such model", "--model"),
        ("RateLimitError (429): too many requests", "--connections"),
        ("AttemptTimeoutError: 120 seconds", "--timeout"),
        ("APIConnectionError: Connection error.", "whether the server runs"),
        ("InternalServerError (500): oops", "the same command"),
        ("limit", "--limit-tokens"),
        ("malformed: no JSON object", "--again"),
    ],
)
def test_a_refusal_names_the_option_to_change(reason, option):
    assert option in messages.remedy(reason)
    assert messages.remedy("ValueError: oops") == ""
