"""Verdicts read from what a judge writes.

Notes
-----
A verdict is never guessed from loose text, and what a judge quotes is not its verdict: a note can ask to be passed. Where it
is unclear which of the two an object is, the note stays unscored.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from proxylib.judging import messages

#: around thoughts and around the material: what stands between these is no answer
TAG = re.compile(r"(?i)<(/?)(think|thinking|thoughts?|reasoning|note|dialogue)\b[^<>]*>|\[(/?)(THINK)\]")
MATERIAL = ("note", "dialogue")  # judges name these tags in passing, too, without closing them
AROUND = 200  # characters before and after an object that are looked at
BEGINNING = re.compile(r'\{\s*["}]')
FENCE = re.compile(r"```\w*\s*$")
#: ends of a lead-in after which an object is what another says, or an example
QUOTING = re.compile(
    r"(?i)\b(?:says?|said|states?|stated|reads?|claims?|demands?|asks?(?: for)?|wants|contains?|includes?|quotes?|ends with|"
    r"writes|wrote|for example|for instance|e\.g|such as|like|instead of|"
    r"to (?:answer|reply|respond|output|write|say|return|give)(?: with)?)\W*$"
)
QUOTED = re.compile(r"[\"'“”„‘’«»]$"), re.compile(r"[\"'“”‘’«»]")  # marks on both sides
AMID = re.compile(r"[\w\"'“”„‘’«»()]\s*$"), re.compile(r"[\"'“”‘’«»)]*\s*[,;a-z]")  # a sentence that goes on after it


class Verdict(BaseModel):
    """What a judge answers: the schema that it is given where its server knows schemas."""

    rationale: str = Field(description="at most two sentences that quote what decides")
    verdict: Literal["pass", "fail"]


class _Pairs(list):
    """The members of a JSON object in their order, so that one that is given twice is seen."""


class _Object(NamedTuple):
    members: _Pairs
    start: int
    end: int


DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, strict=False)  # not strict: line ends inside of a text are let pass


def exact(text: str) -> Verdict:
    """The verdict in an answer that is one JSON object as asked for, alone or in a fence.

    Raises
    ------
    ValueError
        Anything else.
    """
    stripped = text.strip()
    if stripped.startswith("```"):
        stripped = re.sub(r"^```\w*\n|\n?```$", "", stripped)
    try:
        values = json.loads(stripped)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("not JSON") from None
    return _verdict(values)


def read(text: str, material: str = "") -> Verdict:
    """The verdict in an answer, however it is wrapped: in prose, fences or tags, after thoughts with or without their tags.

    Parameters
    ----------
    text : the answer
    material : what is judged; a verdict that stands in it word for word is quoted from there

    Raises
    ------
    ValueError
        In a user's terms, why there is none.

    Notes
    -----
    The last JSON object counts, after those that are quoted are set aside: objects between the tags of thoughts or material
    (or before a closing tag that lacks its opening one, or after an opening one that is never closed), in block quotes, in
    quotation marks or in the middle of a sentence, after a lead-in such as "the note says" or "for example", and objects of
    the material. It must fit the schema, with each name once. An object that is not closed or not JSON hides what it holds.
    """
    if not text.strip():
        raise ValueError("empty answer")
    answer = _outside(_unpacked(text))
    objects = _objects(answer)
    if not objects:
        raise ValueError("no JSON object that is whole" if "{" in answer else "no JSON object")
    theirs = [_fitting(found) for found in _objects(material)]
    for found in reversed(objects):
        verdict = _fitting(found)
        if not _in_quotes(answer, found) and (verdict is None or verdict not in theirs):
            return _of_members(found.members)
    raise ValueError("a verdict that is only quoted")


def _objects(text: str) -> list[_Object]:
    """The outermost JSON objects of a text; one that is begun and cannot be read is passed over with all that it holds."""
    found, place = [], 0
    while begun := BEGINNING.search(text, place):
        try:
            members, place = DECODER.raw_decode(text, begun.start())
            found.append(_Object(members, begun.start(), place))
        except (ValueError, RecursionError):
            place = _closed(text, begun.start())
    return found


def _closed(text: str, start: int) -> int:
    """Where as many braces are closed as were opened; the text's end if that never happens."""
    depth = 0
    for brace in re.compile(r"[{}]").finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.end()
    return len(text)


def _unpacked(text: str) -> str:
    """What a text that is one JSON text holds: some servers encode twice."""
    try:
        held = json.loads(text) if text.lstrip().startswith('"') else text
    except ValueError:
        return text
    return held if isinstance(held, str) else text


def _outside(text: str) -> str:
    """The text without thoughts and material; tags inside of an object are no tags."""
    objects, opened, spans = _objects(text), {}, []
    for tag in TAG.finditer(text):
        if any(found.start <= tag.start() < found.end for found in objects):
            continue
        name = (tag[2] or tag[4]).lower()
        if tag[1] or tag[3]:
            spans.append((opened.pop(name, 0), tag.end()))
        else:
            opened.setdefault(name, tag.start())
    spans += [(start, len(text)) for name, start in opened.items() if name not in MATERIAL]
    for start, end in spans:
        text = text[:start] + "\n" * (end - start) + text[end:]
    return text


def _in_quotes(text: str, found: _Object) -> bool:
    """Whether the words around an object make it a quotation or an example."""
    begun = text.rfind("\n", 0, found.start) + 1
    line = text[max(begun, found.start - AROUND) : found.start]
    rest = text[found.end : found.end + AROUND].partition("\n")[0]
    lead = FENCE.sub("", text[max(0, found.start - AROUND) : found.start]).rstrip().rpartition("\n")[2]
    around = re.search(r"\w", line) and any(head.search(line) and tail.match(rest) for head, tail in (QUOTED, AMID))
    return text.startswith(">", begun) or bool(around) or bool(QUOTING.search(lead))


def _of_members(members: _Pairs) -> Verdict:
    names = [str(name).strip().lower() for name, _ in members]
    for name in Verdict.model_fields:
        if names.count(name) > 1:
            raise ValueError(f"{name} is given twice")
    return _verdict(dict(members))


def _fitting(found: _Object) -> Verdict | None:
    try:
        return _of_members(found.members)
    except ValueError:
        return None


def _verdict(values: Any) -> Verdict:
    try:
        verdict = Verdict.model_validate(values, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'answer'}: {first['msg']}") from None
    return verdict.model_copy(update={"rationale": messages.encodable(verdict.rationale)})
