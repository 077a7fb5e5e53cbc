"""The five criteria: the prompts that every LLM judge is given, word for word."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ..store import sha256
from ..tasks import scribe

CRITERIA = ("template", "inference", "terminology", "completeness", "no_hallucination")
VERSION = 1
FOLDER = Path(__file__).parent / "criteria"


@lru_cache
def template(criterion: str, version: int = VERSION) -> str:
    """The prompt file of a criterion, with places for dialogue and note."""
    return (FOLDER / f"{criterion}-v{version}.txt").read_text(encoding="utf-8")


def prompt(criterion: str, dialogue: str, note: str, version: int = VERSION) -> str:
    """What a judge is asked. Dialogue and note go in as they are, once each; braces in them stay braces."""
    rule = "\n".join(f"- {s.term}: {s.diagnosis} without fever, {s.feverish} with fever" for s in scribe.SYMPTOMS)
    terms = "\n".join(f"- {' or '.join(s.lay)}: {s.term}" for s in scribe.SYMPTOMS)
    text = template(criterion, version).replace("{rule}", rule).replace("{terms}", terms)
    before, _, after = text.partition("{dialogue}")
    between, _, end = after.partition("{note}")
    return f"{before}{_held(dialogue)}{between}{_held(note)}{end}"


def _held(text: str) -> str:
    """The text with the markers' angle brackets made harmless, so that a note cannot close its own marker."""
    return text.strip().replace("</", "<\u200b/")


def fingerprint(version: int = VERSION) -> str:
    """SHA-256 of all five prompts as they are filled in: part of the identity of every judged run."""
    return sha256("\x00".join(prompt(name, "", "", version) for name in CRITERIA).encode())
