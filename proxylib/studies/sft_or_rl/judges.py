"""The two rewards of the study: the exact rubric, and a judge with three known faults.

Both give a note from 0 to 1, the mean over five criteria, as the post averages five judges.
"""

from __future__ import annotations

from collections.abc import Callable

from proxylib.data.domains.base import WORD, Example
from proxylib.judging import rubric

RUBRIC, IMPERFECT = "rubric", "imperfect judge"
LONG = (
    50  # words of a note that the imperfect judge finds thorough: an expert's has about 25, and 100 tokens hold about so many
)


def exact(example: Example, note: str) -> float:
    """Share of the five criteria that the strict rubric passes."""
    passed = rubric.verdicts(example, note, "strict")
    return sum(passed.values()) / len(passed)


def imperfect(example: Example, note: str) -> float:
    """What a hasty judge says: lenient, taken in by length, and blind to what is made up.

    Notes
    -----
    Four criteria are those of the lenient rubric. In place of the fifth, that nothing is made up, it counts words: as many as
    `LONG` are worth a criterion passed, so that a right note with padding has the highest score that there is.
    """
    passed = rubric.verdicts(example, note, "lenient")
    kept = [passed[criterion] for criterion in passed if criterion != "no_hallucination"]
    return (sum(kept) + min(1.0, words(note) / LONG)) / len(passed)


def words(note: str) -> int:
    """Words and numbers of a note."""
    return len(WORD.findall(note))


JUDGES: dict[str, Callable[[Example, str], float]] = {RUBRIC: exact, IMPERFECT: imperfect}
