"""The five prompts of insurance claims."""

from __future__ import annotations

from pathlib import Path

from proxylib.data.domains.base import CRITERIA, Prompts
from proxylib.data.domains.claims.rules import RULES
from proxylib.data.domains.claims.tables import DAMAGES, LARGE

PROMPTS = Prompts(
    folder=Path(__file__).parent / "criteria",
    clauses={
        "template": ("lines", "filled", "alone"),
        "inference": ("settled", "only"),
        "terminology": ("term", "payment", "lay"),
        "completeness": tuple(RULES.complete),
        "no_hallucination": ("names", "statements", "numbers"),
    },
    versions=dict.fromkeys(CRITERIA, 1),
    tables={
        "rule": [f"{d.term}: {d.small} below {LARGE} k, {d.large} from {LARGE} k on" for d in DAMAGES],
        "terms": [f"{' or '.join(d.lay)}: {d.term}" for d in DAMAGES],
    },
)
