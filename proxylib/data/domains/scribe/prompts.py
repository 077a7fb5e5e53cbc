"""The five prompts of the clinical scribe."""

from __future__ import annotations

from pathlib import Path

from proxylib.data.domains.base import CRITERIA, Prompts
from proxylib.data.domains.scribe.rules import RULES
from proxylib.data.domains.scribe.tables import SYMPTOMS

PROMPTS = Prompts(
    folder=Path(__file__).parent / "criteria",
    clauses={
        "template": ("sections", "filled", "alone"),
        "inference": ("named", "only"),
        "terminology": ("term", "frequency", "lay"),
        "completeness": tuple(RULES.complete),
        "no_hallucination": ("drugs", "claims", "numbers"),
    },
    versions=dict.fromkeys(CRITERIA, 1) | {"template": 2, "no_hallucination": 3},
    tables={
        "rule": [f"{s.term}: {s.diagnosis} without fever, {s.feverish} with fever" for s in SYMPTOMS],
        "terms": [f"{' or '.join(s.lay)}: {s.term}" for s in SYMPTOMS],
    },
)
