"""An expert's tokens, joined by bytes: however pieces of characters are written, the spans are those of the bytes."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxylib.data import expert, traces
from proxylib.errors import UserError
from proxylib.measure.proxies import rbridge

TEXT = "Zürich 🙂\n你好"


def oracle(pieces, text):
    """Spans from the bytes alone: a token begins at the character of its first byte; the first to touch a character has it."""
    owner = [number for number, character in enumerate(text) for _ in character.encode()]
    spans, at, seen = [], 0, set()
    for piece in pieces:
        touched = [owner[place] for place in range(at, at + len(piece))]
        fresh = sum(len(text[number].encode()) for number in dict.fromkeys(touched) if number not in seen)
        spans.append((touched[0], fresh))
        seen |= set(touched)
        at += len(piece)
    return spans


LETTER_OF = {byte: letter for letter, byte in expert.LETTERS.items()}
FORMS = {
    "lists of byte values": list,
    "bytes": bytes,
    "the alphabet of GPT-2": lambda piece: "".join(LETTER_OF[byte] for byte in piece),
    "surrogate escapes": lambda piece: piece.decode("utf-8", "surrogateescape"),
    "as servers write them": lambda piece: "bytes:" + "".join(f"\\x{byte:02x}" for byte in piece),
}


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_tokens_may_be_any_pieces_of_the_bytes(form, text, data):
    whole = text.encode()
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(whole) - 1)))) - {len(whole)})
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert expert.spans_of([FORMS[form](piece) for piece in pieces], text) == oracle(pieces, text)


def test_bytes_stand_beside_text():
    tokens = ["Z", [195], [188], "rich ", "<0xF0>", "<0x9F>", "bytes:\\x99\\x82", "\n", b"\xe4\xbd", b"\xa0", "好"]
    pieces = [b"Z", b"\xc3", b"\xbc", b"rich ", b"\xf0", b"\x9f", b"\x99\x82", b"\n", b"\xe4\xbd", b"\xa0", "好".encode()]
    assert expert.spans_of(tokens, TEXT) == oracle(pieces, TEXT)


def test_halves_of_pairs_are_joined():
    tokens = json.loads('["Z\\u00fcrich ", "\\ud83d", "\\ude42", "\\n\\u4f60\\u597d"]')
    assert expert.spans_of(tokens, TEXT) == [(0, 8), (7, 4), (7, 0), (8, 7)]


def test_halves_that_were_decoded_one_by_one_stand_for_one_character():
    assert expert.spans_of(["Z\ufffd", "\ufffdrich", " ", "\ufffd", "\ufffd", "\ufffd\n", "你好"], TEXT) == [
        (0, 3),
        (1, 4),
        (6, 1),
        (7, 4),
        (7, 0),
        (7, 1),
        (9, 6),
    ]
    assert expert.spans_of(["a\ufffdc"], "abc") is None  # no half of a character is one byte
    assert expert.spans_of(["a", "\ufffd"], "a\ufffd") == [(0, 1), (1, 3)]  # the solution has it itself


@pytest.mark.parametrize(
    "tokens",
    [
        ["Zürich ", "\ufffd", "\ufffd", "\ufffd", "\ufffd"],  # two characters in one run, or what follows
        ["Zürich ", [240, 159], [153], "\n你好"],
        ["Zürich ", [240, 159, 153, 130, 256]],
        ["Zürich ", [], "🙂\n你好"],
        ["Zürich ", [True, 159, 153, 130], "\n你好"],
        ["Zürich", "🙂\n你好"],
        ["Zürich 🙂\n你", None],
        [],
        [3],
        ["\ufffd" * 9],
        ["Z\ufffdrich x\n你好"],
    ],
)
def test_tokens_that_do_not_spell_the_solution_in_one_way_are_refused(tokens):
    assert expert.spans_of(tokens, TEXT) is None


def read(tmp_path, logprobs, tokens=("4", " ok")):
    line = {"prompt": "p", "solution": "4 ok", "expert_tokens": tokens, "expert_logprobs": logprobs}
    (tmp_path / "mine.jsonl").write_text(
        "\n".join([json.dumps(line | {"prompt": "q", "expert_logprobs": [-1, 0]}), json.dumps(line)])
    )
    return traces.reading(tmp_path / "mine.jsonl")


@pytest.mark.parametrize("value", [1e-7, 1e-300, 5e-5])
def test_what_rounding_puts_above_zero_is_zero_and_counted(tmp_path, value):
    found = read(tmp_path, [value, -2.5])
    assert found.expert["nll"].tolist() == [1, 0, 0, 2.5] and found.counts.clipped == 1
    assert "1 log-probabilities just above 0" in found.counts.summary()
    assert "just above" not in read(tmp_path, [-0.0, 0]).counts.summary()


@pytest.mark.parametrize("value", [2e-4, 0.1, 1e400, -1e400, None, "0", True])
def test_what_no_rounding_explains_is_refused_by_line(tmp_path, value):
    with pytest.raises(UserError, match="line 2: "):
        read(tmp_path, [value, -1])


def test_rbridge_of_pieces_is_that_of_the_whole_character():
    """Three pieces of a character with the probability of the whole between them weigh as one token of it does."""
    text = "a你b好c"
    candidate = pd.DataFrame(
        {"task": "t", "id": "1", "position": range(5), "offset": range(5), "nll": [1.0, 2.0, 3.0, 4.0, 5.0]}
    )

    def rows(tokens, nll):
        spans = expert.spans_of(tokens, text)
        table = [("t", "1", place, *span, value) for place, (span, value) in enumerate(zip(spans, nll, strict=True))]
        return pd.DataFrame(table, columns=["task", "id", "position", "offset", "n_bytes", "nll"])

    whole = rows(list(text), [0.1, 0.9, 0.3, 0.6, 0.2])
    pieces = rows(["a", [228], [189, 160], "b", "好", "c"], [0.1, 0.4, 0.5, 0.3, 0.6, 0.2])
    halves = rows(["a", "\ufffd", "\ufffd", "b", "好", "c"], [0.1, 0.4, 0.5, 0.3, 0.6, 0.2])
    texts = pd.Series([text], pd.MultiIndex.from_tuples([("t", "1")], names=["task", "id"]))
    values = [rbridge(candidate, table, texts)["t"] for table in (whole, pieces, halves)]
    np.testing.assert_allclose(values, values[0])
