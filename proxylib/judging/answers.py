"""Verdicts read from what a judge writes.

Notes
-----
A verdict is never guessed from loose text, and what a judge quotes is not its verdict: a note can ask to be passed. Where it
is unclear which of the two an object is, the note stays unscored.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from proxylib.judging import messages
from proxylib.judging.criteria import CRITERIA
from proxylib.judging.objects import AROUND, Members, Object, anywhere, inside, outermost, unpacked

#: around thoughts and around the material: what stands between these is no answer
TAG = re.compile(
    r"(?i)[<◁]\|?(/?)(?:\w+:)?(think|thinking|thoughts?|thought_process|reasoning|analysis|reflection|scratchpad|note|dialogue|"
    r"quote|quotation|blockquote|examples?)\b"
    r"[^<>▷]*[>▷]|\[(/?)(THINK)\]|<\|(?:begin|(end))_of_(thought)\|>|<\|channel\|>(final)<\|message\|>"
)
#: judges name these tags in passing, too, without closing them
MATERIAL = ("note", "dialogue", "quote", "quotation", "blockquote", "example", "examples")
BARE = {"verdict", "rationale", "reason", "reasoning", "explanation"}  # names of an object that gives a verdict and no more
NEAR = 200  # characters before and after an object that are looked at
FENCED = re.compile(r"^```\w*\s*(.*?)\s*```$", re.DOTALL)
FENCE = re.compile(r"```\w*\s*$")
#: ends of a lead-in after which an object is what another says, or an example; none where a full stop ends the sentence
QUOTING = re.compile(
    r"(?i)\b(?:says?|said|states?|stated|reads?|claims?|demands?|asks?(?: for)?|wants|contains?|includes?|quotes?|ends with|"
    r"writes|wrote|for example|for instance|e\.g\.?|such as|(?<!would )like|instead of|rather than|"
    r"to (?:answer|reply|respond|output|write|say|return|give)(?: with)?)(?:\.{2,}|[^\w.!?])*$|"
    r"^\W*(?:an )?example(?: \w+)?\W*$"
)
#: a lead-in to what the judge itself says, whatever goes on behind it
OWN = re.compile(
    r"(?i)\bmy (?:\w+ )?(?:verdict|answer|judge?ment|evaluation|assessment)(?: is| reads)?(?: as follows)?(?:\.{2,}|[^\w.!?])*$"
)
QUOTED = re.compile(r"[\"'“”„‘’«»]$"), re.compile(r"[\"'“”‘’«»]")  # marks on both sides
AMID = re.compile(r"[\w\"'“”„‘’«»()]\s*$"), re.compile(r"[\"'“”‘’«»)]*\s*[,;a-z]")  # a sentence that goes on after it


class Verdict(BaseModel):
    """What a judge answers: the schema that it is given where its server knows schemas."""

    rationale: str = Field(description="at most two sentences that quote what decides")
    verdict: Literal["pass", "fail"]


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
        values = json.loads(stripped, object_pairs_hook=Members)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("not JSON") from None
    return _verdict(_once(values) if isinstance(values, Members) else values)


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
    the material. It must fit the schema, with each name once, in whatever letters, by itself or under a name such as "answer",
    and no other one may contradict it. An object that is not closed or not JSON hides what it holds; see `objects`.
    """
    if not text.strip("\ufeff \n\t"):
        raise ValueError("empty answer")
    answer = _outside(unpacked(text))
    answer = unpacked(FENCED.sub(r"\1", answer.strip()))
    rows = outermost(answer)
    if not rows:
        raise ValueError("no JSON object that is whole" if "{" in answer else "no JSON object")
    theirs = [verdict for verdict in map(_fitting, anywhere(material)) if verdict]
    free = [row for row in rows if not _in_quotes(answer, row) and _fitting(row.members) not in theirs]
    if not free:
        raise ValueError("a verdict that is only quoted")
    try:
        verdict = _of_members(free[-1].members)
    except RecursionError:
        raise ValueError("an object that is nested too deep") from None
    if any(_leaning(row.members) not in ("", verdict.verdict) for row in free):
        raise ValueError("two objects with different verdicts")
    return verdict


def _outside(text: str) -> str:
    """The text without thoughts and material; tags inside of an object are no tags."""
    objects, opened, spans = outermost(text), {}, []
    for tag in TAG.finditer(text):
        if any(row.start <= tag.start() < row.end for row in objects):
            continue
        if tag[0].endswith("/>"):
            continue
        name = next(filter(None, (tag[2], tag[4], tag[6], tag[7]))).lower()
        if tag[1] or tag[3] or tag[5] or tag[7]:
            spans.append((opened.pop(name, 0), tag.end()))
        else:
            opened.setdefault(name, tag.start())
    spans += [(start, len(text)) for name, start in opened.items() if name not in MATERIAL]
    for start, end in spans:
        text = text[:start] + "\n" * (end - start) + text[end:]
    return text


def _in_quotes(text: str, row: Object) -> bool:
    """Whether the words around an object make it a quotation or an example."""
    begun = text.rfind("\n", 0, row.start) + 1
    line = text[max(begun, row.start - NEAR) : row.start]
    rest = text[row.end : row.end + NEAR].partition("\n")[0]
    lead = FENCE.sub("", text[max(0, row.start - NEAR) : row.start]).rstrip().rpartition("\n")[2]
    around = re.search(r"\w", line) and any(head.search(line) and tail.match(rest) for head, tail in (QUOTED, AMID))
    led = not OWN.search(lead) and (bool(around) or bool(QUOTING.search(lead)))
    return text.startswith(">", begun) or led


def _of_members(members: Members) -> Verdict:
    """The verdict of an object, or of the one that it hands over.

    Raises
    ------
    ValueError
        If there is none, or more than one.
    """
    values = _plain(_once(members))
    inner = inside(members)
    handed = [row for name, row in inner if name in AROUND or name in CRITERIA]
    if isinstance(values.get("verdict"), str):
        if any(_leaning(row) not in ("", values["verdict"]) for row in handed):
            raise ValueError("several objects in one")
        return _verdict(values)
    if len(handed) > 1 or sum("verdict" in dict(row) for _, row in inner) > 1:
        raise ValueError("several objects in one")
    return _of_members(handed[0]) if handed else _verdict(values)


def _once(members: Members) -> dict[str, Any]:
    """The members by name; `ValueError` if one of the verdict's is there twice, in whatever letters."""
    names = [str(name).strip().lower() for name, _ in members]
    for name in Verdict.model_fields:
        if names.count(name) > 1:
            raise ValueError(f"{name} is given twice")
    return dict(members)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """The members with the verdict's names and its word as the schema spells them: judges write "Verdict": "PASS"."""
    plain = {low if (low := str(name).strip().lower()) in Verdict.model_fields else name: part for name, part in values.items()}
    word = plain.get("verdict")
    if isinstance(word, str) and (low := word.strip(" \t\r\n.*").lower()) in ("pass", "fail"):
        plain["verdict"] = low
    return plain


def _leaning(members: Members) -> str:
    """The verdict that an object gives, even if it does not say why; "" for none."""
    if fitting := _fitting(members):
        return fitting.verdict
    values = _plain(dict(members))
    word = values.get("verdict") if values.keys() <= BARE else None
    return word if word in ("pass", "fail") else ""


def _fitting(members: Members) -> Verdict | None:
    try:
        return _of_members(members)
    except (ValueError, RecursionError):
        return None


def _verdict(values: Any) -> Verdict:
    try:
        verdict = Verdict.model_validate(values, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'answer'}: {first['msg']}") from None
    return verdict.model_copy(update={"rationale": messages.encodable(verdict.rationale)})
