"""Published problems with worked solutions, as rows for `traces.read`: `set:gsm8k`, `set:math500`, `set:humaneval`, ...

Clinical dialogues with an expert's note are such problems too: `set:mts_dialog-train`, `set:aci_bench-test1`, ...
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from proxylib.data.published import registry
from proxylib.errors import UserError


class Source(NamedTuple):
    """Where a set lies and how its fields make a trace; `prompt` is a template over them."""

    dataset: str
    file: str
    prompt: str
    solution: str
    id: str | None = None
    answer: str | None = None


#: the note is asked for in words of ours, and where the set has notes by section, by the section's name
DIALOG = "{dialogue}\n\nClinical note, section {section_header}:\n"
ENCOUNTER = "{dialogue}\n\nClinical note:\n"
MTS = {
    "train": "TrainingSet",
    "valid": "ValidationSet",
    "test1": "TestSet-1-MEDIQA-Chat-2023",
    "test2": "TestSet-2-MEDIQA-Sum-2023",
}
ACI = {
    "train": "train",
    "valid": "valid",
    "test1": "clinicalnlp_taskB_test1",
    "test2": "clinicalnlp_taskC_test2",
    "test3": "clef_taskC_test3",
}
SOURCES = {
    "gsm8k": Source("gsm8k", "data/test.jsonl", "{question}\n", "answer"),
    "math500": Source("math500", "test.jsonl", "{problem}\n", "solution", answer="answer"),
    "humaneval": Source("humaneval", "data/HumanEval.jsonl.gz", "{prompt}", "canonical_solution", id="task_id"),
    "mbpp": Source("mbpp_codet", "mbpp_sanitized_for_code_generation.jsonl", "{prompt}", "canonical_solution", id="task_id"),
    **{
        f"mts_dialog-{part}": Source("mts_dialog", f"Main-Dataset/MTS-Dialog-{name}.csv", DIALOG, "section_text", id="ID")
        for part, name in MTS.items()
    },
    **{
        f"aci_bench-{part}": Source("aci_bench", f"data/challenge_data/{name}.csv", ENCOUNTER, "note", id="encounter_id")
        for part, name in ACI.items()
    },
}
FINAL = "#### "  # before the answer at the end of a solution of GSM8K


def source(name: str) -> Source:
    """Where a set of problems comes from; `UserError` for an unknown name."""
    if name not in SOURCES:
        raise UserError(f"set:{name}: unknown; there are {', '.join(f'set:{known}' for known in SOURCES)}")
    return SOURCES[name]


def rows(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, fields of a trace) of every problem.

    Raises
    ------
    UserError
        For an unknown name, or a set that neither mirror, cache nor network holds.
    """
    origin = source(name)
    for place, record in records(name):
        solution = record[origin.solution]
        answer = record[origin.answer] if origin.answer else solution.partition(FINAL)[2]
        row = {"task": name, "prompt": origin.prompt.format_map(record), "solution": solution, "answer": answer}
        row |= {"source": origin.dataset} | ({"id": record[origin.id]} if origin.id else {})
        yield f"set:{name}, {place}", row


def records(name: str, file: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, fields as the set has them) of every problem of a set, or of another file of it; see `rows`."""
    origin = source(name)
    return _records(registry.fetch(origin.dataset) / (file or origin.file))


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    opened = gzip.open if path.suffix == ".gz" else open
    # line ends are made alike on the way: one part of MTS-Dialog has another kind inside its texts than the others
    with opened(path, "rt", encoding="utf-8") as file:
        if path.suffix == ".csv":
            for number, record in enumerate(csv.DictReader(file), 1):
                yield f"row {number}", record
        else:
            for number, line in enumerate(file, 1):
                yield f"line {number}", json.loads(line)
