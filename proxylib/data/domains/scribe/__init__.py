"""The clinical scribe: a doctor and a patient talk, and a note in four lines follows."""

from proxylib.data.domains.base import Example
from proxylib.data.domains.scribe.tables import FEVER, RARE, SEXES, SYMPTOMS, TIMES, Symptom
from proxylib.data.domains.scribe.visits import (
    ASK,
    DOMAIN,
    RARE_SHARE,
    STYLES,
    Encounter,
    brief_lines,
    dialogue,
    draw,
    drug,
    note,
    spoilt,
    stock_list,
    textbook,
)

SECTIONS = DOMAIN.rules.sections
brief, excerpt, examples = DOMAIN.brief, DOMAIN.excerpt, DOMAIN.examples
pretraining_text, held_out_text = DOMAIN.pretraining_text, DOMAIN.held_out_text

__all__ = [
    "ASK",
    "DOMAIN",
    "FEVER",
    "RARE",
    "RARE_SHARE",
    "SECTIONS",
    "SEXES",
    "STYLES",
    "SYMPTOMS",
    "TIMES",
    "Encounter",
    "Example",
    "Symptom",
    "brief",
    "brief_lines",
    "dialogue",
    "draw",
    "drug",
    "examples",
    "excerpt",
    "held_out_text",
    "note",
    "pretraining_text",
    "spoilt",
    "stock_list",
    "textbook",
]
