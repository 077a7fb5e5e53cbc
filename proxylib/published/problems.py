"""Published problems with worked solutions, as rows for `traces.read`: `set:gsm8k`, `set:math500`, `set:humaneval`, ..."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import UserError
from . import registry


class Source(NamedTuple):
    """Where a set lies and what it calls the fields of a trace."""

    dataset: str
    file: str
    prompt: str
    solution: str
    ending: str  # put after the prompt, where the set ends it without a break
    id: str | None = None
    answer: str | None = None


SOURCES = {
    "gsm8k": Source("gsm8k", "data/test.jsonl", "question", "answer", "\n"),
    "math500": Source("math500", "test.jsonl", "problem", "solution", "\n", answer="answer"),
    "humaneval": Source("humaneval", "data/HumanEval.jsonl.gz", "prompt", "canonical_solution", "", id="task_id"),
    "mbpp": Source("mbpp_codet", "mbpp_sanitized_for_code_generation.jsonl", "prompt", "canonical_solution", "", id="task_id"),
}
FINAL = "#### "  # before the answer at the end of a solution of GSM8K


def rows(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, fields of a trace) of every problem.

    Raises
    ------
    UserError
        For an unknown name, or a set that neither mirror, cache nor network holds.
    """
    if name not in SOURCES:
        raise UserError(f"set:{name}: unknown; there are {', '.join(f'set:{known}' for known in SOURCES)}")
    source = SOURCES[name]
    path = registry.fetch(source.dataset) / source.file
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            found = json.loads(line)
            solution = found[source.solution]
            answer = found[source.answer] if source.answer else solution.partition(FINAL)[2]
            row = {"task": name, "prompt": found[source.prompt] + source.ending, "solution": solution, "answer": answer}
            row |= {"source": source.dataset} | ({"id": found[source.id]} if source.id else {})
            yield f"set:{name}, line {number}", row
