"""JSON objects in text that a model wrote: whole ones, and those that are off by their marks alone.

Whatever is begun and cannot be read hides all that it holds: what stands inside of it may be a quotation.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

BEGINNING = re.compile(r"""\{\s*["'}“]""")
#: first mark of an object -> its texts and braces
TOKENS = {
    '"': re.compile(r'"(?:[^"\\]|\\.)*"|[{}]', re.DOTALL),
    "'": re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[{}]""", re.DOTALL),
    "“": re.compile("“[^”]*”|[{}]"),
    "}": re.compile("[{}]"),
}
MOST = 20_000  # characters of an object whose marks are mended
TRIES = 300  # beginnings in a material that are looked at
#: names under which a judge, or the layer around it, hands its answer over; under any other one it may be a quotation
AROUND = {
    "answer",
    "final",
    "final_answer",
    "result",
    "results",
    "response",
    "output",
    "json",
    "content",
    "verdict",
    "verdicts",
}
AROUND |= {"evaluation", "judgement", "judgment", "assessment", "decision", "arguments", "parameters"}


class Members(list):
    """The members of a JSON object in their order, so that one that is given twice is seen."""


class Object(NamedTuple):
    """An object and where it stands in its text."""

    members: Members
    start: int
    end: int


DECODER = json.JSONDecoder(object_pairs_hook=Members, strict=False)  # not strict: line ends inside of a text are let pass


def outermost(text: str) -> list[Object]:
    """The outermost objects of a text; one that is begun and cannot be read is passed over with all that it may hold."""
    rows, place = [], 0
    while begun := BEGINNING.search(text, place):
        whole = _decoded(text, begun, len(text))
        rows += [whole] if whole else []
        place = whole.end if whole else max(_ends(text, begun, len(text)))
    return rows


def anywhere(text: str) -> Iterator[Members]:
    """Every object of a text, inner ones and those behind one that is broken included."""
    for spelling in dict.fromkeys((text, text.replace('\\"', '"'))):
        for number, begun in enumerate(BEGINNING.finditer(spelling)):
            if number == TRIES:
                break
            if whole := _decoded(spelling, begun, begun.start() + MOST):
                yield whole.members


def inside(members: Members) -> list[tuple[str, Members]]:
    """Objects that stand in an object, alone or in lists, each with its name there; texts of JSON count as objects."""
    return [(str(name).strip().lower(), inner) for name, value in members for inner in _held(value)]


def unpacked(text: str) -> str:
    """What a text that is one JSON text holds: some servers encode twice."""
    bare = text.lstrip("\ufeff").strip()
    if bare.startswith('{\\"'):
        bare = f'"{bare}"'
    try:
        held = json.loads(bare, strict=False) if bare.startswith('"') else text
    except ValueError:
        return text
    return held if isinstance(held, str) else text


def _held(value: Any) -> list[Members]:
    if isinstance(value, str) and BEGINNING.match(value.strip()):
        whole = _decoded(value.strip(), BEGINNING.match(value.strip()), MOST)
        value = whole.members if whole and whole.end == len(value.strip()) else None
    if isinstance(value, Members):
        return [value]
    return [inner for part in value for inner in _held(part)] if isinstance(value, list) else []


def _decoded(text: str, begun: re.Match, limit: int) -> Object | None:
    """The object that begins here, read as it is, or else with its marks mended."""
    start = begun.start()
    try:
        members, place = DECODER.raw_decode(text, start)
        return Object(members, start, place)
    except (ValueError, RecursionError):
        for end in _ends(text, begun, limit):
            if end - start <= MOST and (members := _mended(text[start:end])) is not None:
                return Object(members, start, end)
    return None


def _mended(text: str) -> Members | None:
    """Members of an object with a comma too many, typographic quotation marks, or the marks that Python writes."""
    plain = re.sub(r"[“”]", '"', text) if re.match(r"\{\s*“", text) else text
    try:
        return json.loads(re.sub(r",(\s*})$", r"\1", plain), object_pairs_hook=Members, strict=False)
    except (ValueError, RecursionError):
        pass
    try:
        with warnings.catch_warnings(action="ignore"):
            values = _literal(ast.parse(text, mode="eval").body)
        return values if isinstance(values, Members) else None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _literal(node: ast.expr) -> Any:
    """What an expression of Python's literals is, dicts as `Members`; `ValueError` if it is none."""
    if isinstance(node, ast.Dict):
        if not all(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in node.keys):
            raise ValueError("a name that is no text")
        return Members((key.value, _literal(value)) for key, value in zip(node.keys, node.values, strict=True))
    return [_literal(part) for part in node.elts] if isinstance(node, ast.List) else ast.literal_eval(node)


def _ends(text: str, begun: re.Match, limit: int) -> list[int]:
    """Where an object may end: where its braces are closed, those in its texts left out, and counted; the limit if nowhere."""
    ends = (_closed(tokens, text, begun.start(), limit) for tokens in (TOKENS[begun[0][-1]], TOKENS["}"]))
    return list(dict.fromkeys(ends))


def _closed(tokens: re.Pattern, text: str, start: int, limit: int) -> int:
    depth = 0
    for token in tokens.finditer(text, start, limit):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if not depth:
            return token.end()
    return min(limit, len(text))
