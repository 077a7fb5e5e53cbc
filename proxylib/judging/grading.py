"""A graded score of a note beside the rubric's pass or fail: each criterion from 0 to 1, from the same facts.

A rate of passes says nothing of notes that nearly pass; the mean of the five grades, times 100, says how much of a note is
right. Silence has 0 on each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from proxylib.data import scribe
from proxylib.data.scribe import Example
from proxylib.judging import rubric


def grades(example: Example, note: str) -> dict[str, float]:
    """Criterion -> how far a note meets it, from 0 to 1.

    Notes
    -----
    template: share of the four lines that are there with a word in them; inference: whether the diagnosis is named;
    terminology: share of term and frequency that are right; completeness: share of the dialogue's facts that stand in their
    line; no_hallucination: these facts, as a share of them and of everything made up.
    """
    facts, parts, findings = example.encounter, rubric.sections(note), rubric.findings(example, note)
    complete = list(rubric.in_place(facts, parts).values())
    statements = sum(complete) + rubric.false_statements(facts, note)
    return {
        "template": _share([rubric.WORD.search(parts.get(letter, "")) for letter in scribe.SECTIONS]),
        "inference": _share([findings["inference"]["named"].passed]),
        "terminology": _share([findings["terminology"][clause].passed for clause in ("term", "frequency")]),
        "completeness": _share(complete),
        "no_hallucination": sum(complete) / statements if statements else 0.0,
    }


def _share(holds: Sequence[object]) -> float:
    return sum(map(bool, holds)) / len(holds)


def graded(examples: Iterable[Example], notes: Iterable[str]) -> pd.DataFrame:
    """A row per note and criterion: id, criterion, grade."""
    rows = [
        (example.id, criterion, grade)
        for example, note in zip(examples, notes, strict=True)
        for criterion, grade in grades(example, note).items()
    ]
    return pd.DataFrame(rows, columns=["id", "criterion", "grade"])
