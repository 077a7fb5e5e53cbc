"""The exact rubric: every criterion decided from the facts behind a dialogue, at two stringencies.

A calibration check, not two judges: "lenient" passes whatever "strict" passes, so their verdicts agree by construction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from ..tasks import scribe
from ..tasks.scribe import TIMES, Encounter, Example
from .criteria import CRITERIA

STRINGENCIES = ("strict", "lenient")
LENIENT_SHARE = 0.7  # of the facts
WORD = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?")
#: words that a note may use whatever was said: its template, every term, diagnosis, abbreviation and rare fact
GIVEN = frozenset(
    WORD.findall(
        " ".join(
            [
                "S O A P t d m f mg allergy none review qd",
                *(f"{symptom.term} {symptom.diagnosis} {symptom.feverish}" for symptom in scribe.SYMPTOMS),
                *scribe.TIMES.values(),
                *scribe.RARE.values(),
            ]
        )
    )
)


def sections(note: str) -> dict[str, str]:
    """Letter -> text of the note's lines that begin with a section's letter and a colon; the first of each letter."""
    found: dict[str, str] = {}
    for line in note.splitlines():
        letter, colon, text = line.partition(":")
        if colon and letter.strip() in scribe.SECTIONS:
            found.setdefault(letter.strip(), text.strip())
    return found


def verdicts(example: Example, note: str, stringency: str) -> dict[str, bool]:
    """Criterion -> pass.

    Parameters
    ----------
    example : with the facts behind the dialogue
    note : as a model wrote it
    stringency : of `STRINGENCIES`

    Notes
    -----
    Facts are looked for anywhere in their section as whole words; a note that says a fact twice, once wrongly, is complete
    and fails on hallucination. Synonyms fail: the expert's notes have none.
    """
    strict = stringency == "strict"
    facts, parts = example.encounter, sections(note)
    found = list(_found(facts, parts).values())
    return {
        "template": _template(note, parts, strict),
        "inference": _inference(facts, parts, strict),
        "terminology": _terminology(facts, parts, note, strict),
        "completeness": sum(found) >= (1.0 if strict else LENIENT_SHARE) * len(found),
        "no_hallucination": len(_made_up(example, note)) <= (0 if strict else 1),
    }


def _template(note: str, parts: dict[str, str], strict: bool) -> bool:
    if strict:
        lines = [line.partition(":") for line in note.strip("\n").splitlines()]
        return tuple(letter for letter, _, _ in lines) == scribe.SECTIONS and all(text.strip() for _, _, text in lines)
    return tuple(parts) == scribe.SECTIONS


def _inference(facts: Encounter, parts: dict[str, str], strict: bool) -> bool:
    said = parts.get("A", "")
    return said == facts.diagnosis if strict else _has(said, facts.diagnosis)


def _terminology(facts: Encounter, parts: dict[str, str], note: str, strict: bool) -> bool:
    term = _has(parts.get("S", ""), facts.term)
    if not strict:
        return term
    frequency = [word for word in WORD.findall(parts.get("S", "")) if word in scribe.TIMES.values()]
    return term and frequency == [scribe.TIMES[facts.times]] and not _has(note, facts.complaint)


PLACES = {"temperature": "O", "start": "P", "start dose": "P", "review": "P"}  # of a fact, where it is not S


def _found(facts: Encounter, parts: dict[str, str]) -> dict[str, bool]:
    """Fact -> whether it stands in its section."""
    wanted = {name: value if name != "allergy" else f"allergy {value}" for name, value in facts.facts.items()}
    return {name: _has(parts.get(PLACES.get(name, "S"), ""), value) for name, value in wanted.items()}


def _made_up(example: Example, note: str) -> list[str]:
    """Words and numbers of a note that neither the facts nor the template give."""
    facts = example.encounter
    known = set(WORD.findall(" ".join([*facts.facts.values(), facts.degrees])))
    return [word for word in WORD.findall(note) if word not in known and word not in GIVEN]


def _has(text: str, value: str) -> bool:
    """Whether a text has a value as whole words: \u201c5 mg\u201d is not in \u201c25 mg\u201d."""
    return re.search(rf"(?<![\w.]){re.escape(value)}(?![\w]|\.\d)", text) is not None


def rationales(example: Example, note: str) -> dict[str, str]:
    """Criterion -> in a few words, what the strict rubric found; what our own judge is taught to say before its verdict."""
    facts, parts = example.encounter, sections(note)
    passed = verdicts(example, note, "strict")
    missing = [name for name, found in _found(facts, parts).items() if not found]
    said = {
        "template": "lines are " + " ".join(line.partition(":")[0][:8] for line in note.strip().splitlines()),
        "inference": f"{facts.term}, {facts.degrees}: {facts.diagnosis}, not {parts.get('A', '')[:24] or 'empty'}",
        "terminology": f"wanted {facts.term} {TIMES[facts.times]}",
        "completeness": f"missing {missing[0]}" if missing else "",
        "no_hallucination": f"made up {' '.join(_made_up(example, note)[:1])}",
    }
    return {criterion: "all right" if passed[criterion] else said[criterion] for criterion in CRITERIA}


def judge(examples: Iterable[Example], notes: Iterable[str]) -> pd.DataFrame:
    """A row per note, criterion and stringency.

    Returns
    -------
    columns id, criterion, stringency, passed
    """
    rows = [
        (example.id, criterion, stringency, passed)
        for example, note in zip(examples, notes, strict=True)
        for stringency in STRINGENCIES
        for criterion, passed in verdicts(example, note, stringency).items()
    ]
    assert {row[1] for row in rows} <= set(CRITERIA)
    return pd.DataFrame(rows, columns=["id", "criterion", "stringency", "passed"])
