"""What the expert itself thought of its solutions: its tokens, joined by bytes, and their log-probabilities."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from proxylib.data.field_paths import kind
from proxylib.errors import UserError

TOKENS, LOGPROBS = EXPERT = ("expert_tokens", "expert_logprobs")
ROUNDING = 1e-4  # nats: a softmax in float32 can end so far above 0; more is no rounding
HALF = "\ufffd"  # what a decoder writes for a token that is no whole character
WRITTEN_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")  # as sentencepiece writes a byte
WRITTEN_BYTES = re.compile(r"bytes:((?:\\x[0-9A-Fa-f]{2})+)")  # as servers write several
Span = tuple[int, int]  # character at which a token begins, and the bytes that are its own


class Expert(NamedTuple):
    """The tokens of one solution: of each its span and nll (nats), and how many log-probabilities were taken as 0."""

    spans: list[Span]
    nll: list[float]
    clipped: int


def read(row: Mapping[str, Any], solution: str, place: str) -> Expert:
    """The expert's tokens of a row.

    Parameters
    ----------
    row : holds `expert_tokens`: texts, or where a token is a piece of a character lists of byte values; and
        `expert_logprobs`, natural logarithms
    solution : what the tokens spell
    place : what errors name

    Raises
    ------
    UserError
        Where the tokens do not spell the solution, or a value is no logarithm of a probability.
    """
    for name in EXPERT:
        if not isinstance(row[name], (list, tuple)):
            raise UserError(f"{place}: {name} is {kind(row[name])}, expected a list")
    tokens, logprobs = row[TOKENS], row[LOGPROBS]
    spans = spans_of(tokens, solution)
    if spans is None:
        raise UserError(
            f"{place}: {TOKENS}, joined, are not the solution; give tokens that are pieces of a character as lists of bytes"
        )
    if len(logprobs) != len(tokens):
        raise UserError(f"{place}: {len(logprobs)} {LOGPROBS} for {len(tokens)} {TOKENS}")
    if not all(_is_number(value) and -math.inf < value <= ROUNDING for value in logprobs):
        raise UserError(f"{place}: {LOGPROBS} holds a value that is not a finite number up to 0")
    return Expert(spans, [max(0.0, -float(value)) for value in logprobs], sum(value > 0 for value in logprobs))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def spans_of(tokens: Sequence[Any], solution: str) -> list[Span] | None:
    """Where each token begins in the solution that they spell; None where they do not, or not in one way alone.

    Notes
    -----
    Tokens inside one character begin at it, and the first of them has its bytes, as in `tokenstats.encode`.
    """
    if not tokens:
        return None
    for spelling, unit in ((_text, _utf8), (_bytes, _utf8), (_bytes_of_alphabet, _utf8), (_utf16, _utf16)):
        pieces = [spelling(token) for token in tokens]
        if None not in pieces and b"".join(pieces) == unit(solution):
            return _placed(list(map(len, pieces)), [len(unit(character)) for character in solution], solution)
    if all(isinstance(token, str) for token in tokens) and HALF in "".join(tokens):
        return _around_halves(tokens, solution)
    return None


def _placed(sizes: list[int], characters: list[int], solution: str) -> list[Span]:
    """Spans of tokens of those sizes over characters of those sizes, both in the same unit."""
    character = [number for number, size in enumerate(characters) for _ in range(size)]  # of each unit
    begins = [character[at] if at < len(character) else len(solution) - 1 for at in itertools.accumulate(sizes[:-1], initial=0)]
    spans, done, at = [], 0, 0
    for begin, size in zip(begins, sizes, strict=True):
        at += size
        end = character[at - 1] + 1 if at else 0  # a character belongs to the first token that has a piece of it
        spans.append((begin, len(solution[done:end].encode())))
        done = max(done, end)
    return spans


def _utf8(text: str) -> bytes:
    return text.encode()


def _text(token: Any) -> bytes | None:
    """A token that is whole characters."""
    try:
        return token.encode() if isinstance(token, str) else None
    except UnicodeEncodeError:
        return None


def _utf16(token: Any) -> bytes | None:
    return token.encode("utf-16-le", "surrogatepass") if isinstance(token, str) else None


def _bytes(token: Any) -> bytes | None:
    """A token as bytes: text, a list of byte values, or a byte in one of the ways in which they are written."""
    if isinstance(token, bytes):
        return token
    if isinstance(token, (list, tuple)):
        return bytes(token) if token and all(type(value) is int and 0 <= value < 256 for value in token) else None
    if not isinstance(token, str):
        return None
    if written := WRITTEN_BYTE.fullmatch(token):
        return bytes.fromhex(written[1])
    if written := WRITTEN_BYTES.fullmatch(token):
        return bytes.fromhex(written[1].replace("\\x", ""))
    try:
        return token.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return None


def _alphabet() -> dict[str, int]:
    """The letters that byte-level tokenizers write for bytes (GPT-2): printable ones as they are, the others from 256 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + number): byte for number, byte in enumerate(others)}


LETTERS = _alphabet()


def _bytes_of_alphabet(token: Any) -> bytes | None:
    known = isinstance(token, str) and all(letter in LETTERS for letter in token)
    return bytes(LETTERS[letter] for letter in token) if known else None


def _around_halves(tokens: Sequence[str], solution: str) -> list[Span] | None:
    """Spans where halves were decoded one by one: each run of them stands for one character between what is spelt out."""
    parts = re.split(f"{HALF}+", "".join(tokens))
    if len("".join(parts)) + len(parts) - 1 != len(solution):
        return None  # several characters in a run, and no telling which half is whose
    pattern = "([^\\x00-\\x7f])".join(map(re.escape, parts))
    if not re.fullmatch(pattern, solution):
        return None
    spans, place, inside = [], 0, False
    for token in tokens:
        begin, size = place - (inside and token.startswith(HALF)), 0
        for letter in token:
            if letter != HALF or not inside:
                size += len(solution[place].encode())
                place += 1
            inside = letter == HALF
        spans.append((min(begin, len(solution) - 1), size))
    return spans
