"""The exact rubric: every criterion decided from the facts behind a dialogue, at two stringencies.

Silence fails: a clause holds only where the note says something that it judges, so that a note that says nothing passes
nothing. The stringencies are a calibration check, not two judges: "lenient" passes whatever "strict" passes, so their
verdicts agree by construction.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd

from proxylib.data import scribe
from proxylib.data.scribe import Encounter, Example
from proxylib.judging.criteria import CRITERIA

STRINGENCIES = ("strict", "lenient")
LENIENT_SHARE = 0.7  # of the facts
NOTHING = "nothing"  # quoted where a note has nothing
SILENCE = (("something", NOTHING),)  # quoted where it has nothing that a clause judges
MOST_QUOTED = 8  # words of a note in one finding
UNITS = ("mg", "d", "allergy")  # words of every fact of a kind
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
    parts: dict[str, str] = {}
    for line in note.splitlines():
        letter, colon, text = line.partition(":")
        if colon and letter.strip() in scribe.SECTIONS:
            parts.setdefault(letter.strip(), text.strip())
    return parts


class Finding(NamedTuple):
    """What decides one clause.

    pairs : what the dialogue gives in the note's words, and what the note has in that place
    about : what the pairs follow from
    """

    pairs: tuple[tuple[str, str], ...]
    about: str = ""

    @property
    def passed(self) -> bool:
        """Whether the clause holds: both of every pair are the same."""
        return all(said == written for said, written in self.pairs)


def findings(example: Example, note: str) -> dict[str, dict[str, Finding]]:
    """Criterion -> clause of `criteria.CLAUSES` -> what decides it.

    Notes
    -----
    Facts are looked for anywhere in their section as whole words; a note that says a fact twice, once wrongly, is complete
    and fails on hallucination. Synonyms fail: the expert's notes have none.
    """
    facts, parts = example.encounter, sections(note)
    return {
        "template": _template(note, parts),
        "inference": _inference(facts, parts),
        "terminology": _terminology(facts, parts, note),
        "completeness": _completeness(facts, parts),
        "no_hallucination": _no_hallucination(facts, note),
    }


def verdicts(example: Example, note: str, stringency: str) -> dict[str, bool]:
    """Criterion -> pass.

    Parameters
    ----------
    example : with the facts behind the dialogue
    note : as a model wrote it
    stringency : of `STRINGENCIES`; strict: every clause holds
    """
    by_criterion = findings(example, note)
    if stringency == "strict":
        return {criterion: all(finding.passed for finding in clauses.values()) for criterion, clauses in by_criterion.items()}
    facts, parts = example.encounter, sections(note)
    complete = list(in_place(facts, parts).values())
    statements = [finding.pairs for finding in by_criterion["no_hallucination"].values() if finding.pairs != SILENCE]
    return {
        "template": by_criterion["template"]["sections"].passed and any(map(WORD.search, parts.values())),
        "inference": by_criterion["inference"]["named"].passed,
        "terminology": by_criterion["terminology"]["term"].passed,
        "completeness": sum(complete) >= LENIENT_SHARE * len(complete),
        "no_hallucination": bool(statements) and false_statements(facts, note) <= 1,
    }


def _template(note: str, parts: dict[str, str]) -> dict[str, Finding]:
    lines = note.strip("\n").splitlines()
    empty = [letter for letter in scribe.SECTIONS if not WORD.search(parts.get(letter, ""))]
    return {
        "sections": _compared(" ".join(scribe.SECTIONS), " ".join(parts)),
        "filled": _compared("all", f"no {empty[0]}" if empty else "all"),
        "alone": _compared(f"{len(scribe.SECTIONS)} lines", f"{len(lines)} lines"),
    }


def _inference(facts: Encounter, parts: dict[str, str]) -> dict[str, Finding]:
    said = parts.get("A", "")
    written = facts.diagnosis if _has(said, facts.diagnosis) else _first(said)
    return {
        "named": _compared(facts.diagnosis, written, f"{facts.term} {facts.degrees}"),
        "only": _compared("alone", "alone" if WORD.fullmatch(said) else "more"),
    }


def _terminology(facts: Encounter, parts: dict[str, str], note: str) -> dict[str, Finding]:
    subjective = parts.get("S", "")
    terms = [symptom.term for symptom in scribe.SYMPTOMS if _has(subjective, symptom.term)]
    frequency = " ".join(word for word in WORD.findall(subjective) if word in scribe.TIMES.values())
    return {
        "term": _compared(facts.term, facts.term if facts.term in terms else " ".join(terms[:1]), facts.complaint),
        "frequency": _compared(scribe.TIMES[facts.times], frequency, facts.times),
        "lay": _compared("clinical", "lay" if _has(note, facts.complaint) else "clinical"),
    }


#: clause -> the facts that it wants
COMPLETE = {
    "medicine": ("drug", "dose", "times"),
    "patient": ("age and sex", "days"),
    "allergy": ("allergy",),
    "measured": ("temperature",),
    "plan": ("start", "start dose", "review"),
    "rare": ("rare",),
}
#: where a note says a fact
SLOTS = {
    "age and sex": r"\d+ [mf]\b",
    "days": r"\d+ d\b",
    "drug": r"[A-Za-z]+(?= \d+ mg)",
    "dose": r"\d+ mg",
    "times": r"\b(?:qd|bid|tid)\b",
    "allergy": r"allergy \w+",
    "temperature": r"\d+\.\d",
    "start": r"[A-Za-z]+(?= \d+ mg)",
    "start dose": r"\d+ mg",
    "review": r"\d+ d\b",
    "rare": "|".join(scribe.RARE.values()),
}


def _completeness(facts: Encounter, parts: dict[str, str]) -> dict[str, Finding]:
    wanted, named = _wanted(facts), in_place(facts, parts)
    findings = {}
    for clause, names in COMPLETE.items():
        asked = [name for name in names if name in wanted]
        pairs = [
            pair
            for name in asked
            for pair in _by_word(wanted[name], wanted[name] if named[name] else _instead(wanted[name], name, parts))
        ]
        findings[clause] = Finding(tuple(pairs) or ((NOTHING, NOTHING),))
    return findings


def _by_word(said: str, written: str) -> list[tuple[str, str]]:
    """A fact's words that differ from visit to visit, beside those of the note in its place."""
    a, b = ([word for word in text.split() if word not in UNITS] for text in (said, written))
    return list(itertools.zip_longest(a, b[: len(a)], fillvalue=NOTHING)) if said != written else list(zip(a, a, strict=True))


def _instead(wanted: str, name: str, parts: dict[str, str]) -> str:
    """What the note has in the place of a fact that it does not have."""
    match = re.search(SLOTS[name], parts.get(PLACES.get(name, "S"), ""))
    return NOTHING if match is None or match[0] == wanted else match[0]


def _no_hallucination(facts: Encounter, note: str) -> dict[str, Finding]:
    made_up = _made_up(facts, note)
    drugs = [facts.drug, facts.allergy or "none", facts.start]
    numbers = [facts.age, facts.days, facts.dose, facts.degrees, facts.start_dose, facts.review]
    words = [word for word in made_up if not word[0].isdigit()]
    named = re.findall(SLOTS["drug"] + r"|(?<=allergy )\w+", note)
    return {
        "drugs": _known(drugs, [*named, *(word for word in words if word not in named)], made_up),
        "claims": Finding(_quoted(_claims(facts, note))),
        "numbers": _known(numbers, [word for word in WORD.findall(note) if word[0].isdigit()], made_up),
    }


def _known(facts: Sequence[object], written: list[str], made_up: list[str]) -> Finding:
    """What a note names, place by place, up to the first that is made up, which stands beside the fact of its place."""
    beside = lambda place: str(facts[place]) if place < len(facts) else NOTHING
    return Finding(_quoted([(beside(place) if word in made_up else word, word) for place, word in enumerate(written)]))


def _quoted(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The last pairs up to the first that differs; without any, silence beside what was wanted."""
    kept = next((place for place, (said, written) in enumerate(pairs) if said != written), len(pairs))
    return tuple(pairs[: kept + 1][-MOST_QUOTED:]) or SILENCE


#: how a note says what has no number and is no drug
CLAIMS = re.compile(
    "|".join(
        (
            r"(?P<sex>(?<=\d )[mf]\b)",
            r"(?P<times>\b(?:qd|bid|tid)\b)",
            rf"(?P<term>\b(?:{'|'.join(symptom.term for symptom in scribe.SYMPTOMS)})\b)",
            rf"(?P<rare>\b(?:{'|'.join(scribe.RARE.values())})\b)",
            rf"(?P<diagnosis>\b(?:{'|'.join(name for symptom in scribe.SYMPTOMS for name in symptom[2:])})\b)",
        )
    )
)


def _claims(facts: Encounter, note: str) -> list[tuple[str, str]]:
    """What the dialogue gives beside each claim of a note, in the note's order; line "A:" is judged by another criterion."""
    facts_said = {
        "sex": scribe.SEXES[facts.sex],
        "times": scribe.TIMES[facts.times],
        "term": facts.term,
        "rare": scribe.RARE[facts.rare] if facts.rare else NOTHING,
        "diagnosis": NOTHING,
    }
    claims = []
    for line in note.splitlines():
        if line.partition(":")[0].strip() == "A":
            continue
        for match in CLAIMS.finditer(line):
            said = facts_said[match.lastgroup]
            ordered = match.lastgroup == "times" and line.partition(":")[0].strip() == "P"
            claims.append(("qd" if ordered else said, match[0]))  # what the doctor orders is taken once a day
    return claims


def _compared(said: str, written: str, about: str = "") -> Finding:
    return Finding(((said, written or NOTHING),), about)


def _first(text: str) -> str:
    return (WORD.findall(text) or [NOTHING])[0]


PLACES = {"temperature": "O", "start": "P", "start dose": "P", "review": "P"}  # of a fact, where it is not S


def _wanted(facts: Encounter) -> dict[str, str]:
    """Fact -> how a note says it."""
    return {name: value if name != "allergy" else f"allergy {value}" for name, value in facts.facts.items()}


def in_place(facts: Encounter, parts: dict[str, str]) -> dict[str, bool]:
    """Fact -> whether it stands in its section."""
    wanted = _wanted(facts)
    return {name: _has(parts.get(PLACES.get(name, "S"), ""), value) for name, value in wanted.items()}


def _made_up(facts: Encounter, note: str) -> list[str]:
    """Words and numbers of a note that neither the facts nor the clinic's language give."""
    known = set(WORD.findall(" ".join([*facts.facts.values(), facts.degrees])))
    return [word for word in WORD.findall(note) if word not in known and word not in GIVEN]


def false_statements(facts: Encounter, note: str) -> int:
    """Words and numbers that are made up, and claims that the dialogue does not bear out; what is repeated counts again."""
    return len(_made_up(facts, note)) + sum(said != written for said, written in _claims(facts, note))


def _has(text: str, value: str) -> bool:
    """Whether a text has a value as whole words: \u201c5 mg\u201d is not in \u201c25 mg\u201d."""
    return re.search(rf"(?<![\w.]){re.escape(value)}(?![\w]|\.\d)", text) is not None


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
