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

from proxylib.data.domains.base import CRITERIA, WORD, Case, Example, Rules

STRINGENCIES = ("strict", "lenient")
LENIENT_SHARE = 0.7  # of the facts
NOTHING = "nothing"  # quoted where a note has nothing
SILENCE = (("something", NOTHING),)  # quoted where it has nothing that a clause judges
MOST_QUOTED = 8  # words of a note in one finding


def sections(note: str, heads: Sequence[str]) -> dict[str, str]:
    """Head -> text of the note's lines that begin with a head and a colon; the first of each head."""
    parts: dict[str, str] = {}
    for line in note.splitlines():
        head, colon, text = line.partition(":")
        if colon and head.strip() in heads:
            parts.setdefault(head.strip(), text.strip())
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
    """Criterion -> clause of the domain's prompts -> what decides it.

    Notes
    -----
    Facts are looked for anywhere in their section as whole words; a note that says a fact twice, once wrongly, is complete
    and fails on hallucination. Synonyms fail: the expert's notes have none.
    """
    case, domain = example.case, example.case.domain
    parts = sections(note, domain.rules.sections)
    decided = {
        "template": _template(domain.rules, note, parts),
        "inference": _inference(case, parts),
        "terminology": _terminology(case, parts, note),
        "completeness": _completeness(case, parts),
        "no_hallucination": _no_hallucination(case, note),
    }
    clauses = domain.prompts.clauses
    return {name: dict(zip(clauses[name], found, strict=True)) for name, found in decided.items()}


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
    case = example.case
    complete = list(in_place(case, sections(note, case.domain.rules.sections)).values())
    statements = [finding.pairs for finding in by_criterion["no_hallucination"].values() if finding.pairs != SILENCE]
    first = {criterion: next(iter(clauses.values())).passed for criterion, clauses in by_criterion.items()}
    return {
        "template": first["template"] and any(map(WORD.search, sections(note, case.domain.rules.sections).values())),
        "inference": first["inference"],
        "terminology": first["terminology"],
        "completeness": sum(complete) >= LENIENT_SHARE * len(complete),
        "no_hallucination": bool(statements) and false_statements(case, note) <= 1,
    }


def _template(rules: Rules, note: str, parts: dict[str, str]) -> list[Finding]:
    """All heads in their order; words in each line; nothing else."""
    lines = note.strip("\n").splitlines()
    empty = [head for head in rules.sections if not WORD.search(parts.get(head, ""))]
    return [
        _compared(" ".join(rules.sections), " ".join(parts)),
        _compared("all", f"no {empty[0]}" if empty else "all"),
        _compared(f"{len(rules.sections)} lines", f"{len(lines)} lines"),
    ]


def _inference(case: Case, parts: dict[str, str]) -> list[Finding]:
    """The right conclusion; nothing beside it."""
    said = parts.get(case.domain.rules.concluded, "")
    written = case.conclusion if _has(said, case.conclusion) else _first(said)
    return [
        _compared(case.conclusion, written, case.basis),
        _compared("alone", "alone" if said == case.conclusion or WORD.fullmatch(said) else "more"),
    ]


def _terminology(case: Case, parts: dict[str, str], note: str) -> list[Finding]:
    """The right term; the right abbreviation; no lay words."""
    rules = case.domain.rules
    terms = [term for term in rules.terms if _has(parts.get(rules.termed, ""), term)]
    words = WORD.findall(parts.get(rules.abbreviated, ""))
    short = " ".join(word for word in words if word in rules.abbreviations)
    written, said = case.abbreviation
    return [
        _compared(case.term, case.term if case.term in terms else " ".join(terms[:1]), case.complaint),
        _compared(written, short, said),
        _compared("clinical", "lay" if _has(note, case.complaint) else "clinical"),
    ]


def _completeness(case: Case, parts: dict[str, str]) -> list[Finding]:
    """A finding for each clause: its facts in their lines."""
    rules, wanted, named = case.domain.rules, _wanted(case), in_place(case, parts)
    findings = []
    for names in rules.complete.values():
        asked = [name for name in names if name in wanted]
        pairs = [
            pair
            for name in asked
            for pair in _by_word(
                rules, wanted[name], wanted[name] if named[name] else _instead(rules, wanted[name], name, parts)
            )
        ]
        findings.append(Finding(tuple(pairs) or ((NOTHING, NOTHING),)))
    return findings


def _by_word(rules: Rules, said: str, written: str) -> list[tuple[str, str]]:
    """A fact's words that differ from case to case, beside those of the note in its place."""
    a, b = ([word for word in text.split() if word not in rules.units] for text in (said, written))
    return list(itertools.zip_longest(a, b[: len(a)], fillvalue=NOTHING)) if said != written else list(zip(a, a, strict=True))


def _instead(rules: Rules, wanted: str, name: str, parts: dict[str, str]) -> str:
    """What the note has in the place of a fact that it does not have."""
    slot = rules.slots[name]
    match = re.search(slot.pattern, parts.get(slot.section, ""))
    return NOTHING if match is None or match[0] == wanted else match[0]


def _no_hallucination(case: Case, note: str) -> list[Finding]:
    """No name, no claim and no number but the dialogue's."""
    made_up = _made_up(case, note)
    words = [word for word in made_up if not word[0].isdigit()]
    named = re.findall(case.domain.rules.named, note)
    return [
        _known(case.names, [*named, *(word for word in words if word not in named)], made_up),
        Finding(_quoted(_claims(case, note))),
        _known(case.numbers, [word for word in WORD.findall(note) if word[0].isdigit()], made_up),
    ]


def _known(facts: Sequence[object], written: list[str], made_up: list[str]) -> Finding:
    """What a note names, place by place, up to the first that is made up, which stands beside the fact of its place."""
    beside = lambda place: str(facts[place]) if place < len(facts) else NOTHING
    return Finding(_quoted([(beside(place) if word in made_up else word, word) for place, word in enumerate(written)]))


def _quoted(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The last pairs up to the first that differs; without any, silence beside what was wanted."""
    kept = next((place for place, (said, written) in enumerate(pairs) if said != written), len(pairs))
    return tuple(pairs[: kept + 1][-MOST_QUOTED:]) or SILENCE


def _claims(case: Case, note: str) -> list[tuple[str, str]]:
    """What the dialogue gives beside each claim of a note, in the note's order; the conclusion's line is judged apart."""
    rules, claims = case.domain.rules, []
    for line in note.splitlines():
        head = line.partition(":")[0].strip()
        if head == rules.concluded:
            continue
        borne = case.claims(head)
        claims += [(borne.get(match.lastgroup, NOTHING), match[0]) for match in rules.claims.finditer(line)]
    return claims


def _compared(said: str, written: str, about: str = "") -> Finding:
    return Finding(((said, written or NOTHING),), about)


def _first(text: str) -> str:
    return (WORD.findall(text) or [NOTHING])[0]


def _wanted(case: Case) -> dict[str, str]:
    """Fact -> how a note says it."""
    return {name: case.domain.rules.slots[name].before + value for name, value in case.facts.items()}


def in_place(case: Case, parts: dict[str, str]) -> dict[str, bool]:
    """Fact -> whether it stands in its section."""
    slots = case.domain.rules.slots
    return {name: _has(parts.get(slots[name].section, ""), value) for name, value in _wanted(case).items()}


def _made_up(case: Case, note: str) -> list[str]:
    """Words and numbers of a note that neither the facts nor the domain's language give."""
    known = set(WORD.findall(" ".join(case.facts.values()))) | case.domain.rules.given
    return [word for word in WORD.findall(note) if word not in known]


def false_statements(case: Case, note: str) -> int:
    """Words and numbers that are made up, and claims that the dialogue does not bear out; what is repeated counts again."""
    return len(_made_up(case, note)) + sum(said != written for said, written in _claims(case, note))


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
