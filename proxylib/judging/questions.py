"""What a judge is asked about a note, and the row that comes of it.

A judge that fails to answer leaves a note *unscored*; that is never a fail, and its rate stands beside every pass rate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

from proxylib.judging import criteria

COLUMNS = ("id", "criterion", "repeat", "status", "reason", "rationale", "text", "tokens_in", "tokens_out")
PASS, FAIL, UNSCORED = "pass", "fail", "unscored"


class Ask(NamedTuple):
    """One question to a judge; `repeat` tells apart the same question asked again, `clauses` are all where None."""

    id: str
    criterion: str
    dialogue: str
    note: str
    repeat: int = 0
    clauses: tuple[str, ...] | None = None

    @property
    def prompt(self) -> str:
        return criteria.prompt(self.criterion, self.dialogue, self.note, self.clauses)


def remembering(judge: Callable[[Sequence[Ask]], pd.DataFrame]) -> Callable[[Sequence[Ask]], pd.DataFrame]:
    """The judge, but a question that was put before is not put again."""
    known: dict[Ask, tuple] = {}

    def ask(questions: Sequence[Ask]) -> pd.DataFrame:
        new = [question for question in dict.fromkeys(questions) if question not in known]
        known.update(zip(new, judge(new).itertuples(index=False, name=None), strict=True))
        return pd.DataFrame([known[question] for question in questions], columns=list(COLUMNS))

    return ask
