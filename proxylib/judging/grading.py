"""A graded score of a note beside the rubric's pass or fail: each criterion from 0 to 1, from the same facts.

A rate of passes says nothing of notes that nearly pass; the mean of the five grades, times 100, says how much of a note is
right. Silence has 0 on each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from proxylib.data.domains.base import Example
from proxylib.judging import rubric


def grades(example: Example, note: str) -> dict[str, float]:
    """Criterion -> how far a note meets it, from 0 to 1.

    Notes
    -----
    template: share of the lines that are there with a word in them; inference: whether the conclusion is named;
    terminology: share of term and abbreviation that are right; completeness: share of the dialogue's facts that stand in their
    line; no_hallucination: these facts, as a share of them and of everything made up.
    """
    case, rules = example.case, example.case.domain.rules
    parts, findings = rubric.sections(note, rules.sections), rubric.findings(example, note)
    first = lambda criterion, count: [finding.passed for finding in [*findings[criterion].values()][:count]]
    complete = list(rubric.in_place(case, parts).values())
    statements = sum(complete) + rubric.false_statements(case, note)
    return {
        "template": _share([rubric.WORD.search(parts.get(head, "")) for head in rules.sections]),
        "inference": _share(first("inference", 1)),
        "terminology": _share(first("terminology", 2)),
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
