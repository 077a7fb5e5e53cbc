"""How a clinical note is judged: where each fact stands, what a note may claim, and which words are the clinic's own."""

from __future__ import annotations

import re

from proxylib.data.domains.base import WORD, Rules, Slot
from proxylib.data.domains.scribe.tables import RARE, SYMPTOMS, TIMES

NAME = r"[A-Za-z]+(?= \d+ mg)"
DOSE, DAYS = r"\d+ mg", r"\d+ d\b"
_any = "|".join
_given = [
    "S O A P t d m f mg allergy none review qd",
    *(f"{symptom.term} {symptom.diagnosis} {symptom.feverish}" for symptom in SYMPTOMS),
    *TIMES.values(),
    *RARE.values(),
]
_claims = (
    r"(?P<sex>(?<=\d )[mf]\b)",
    r"(?P<times>\b(?:qd|bid|tid)\b)",
    rf"(?P<term>\b(?:{_any(symptom.term for symptom in SYMPTOMS)})\b)",
    rf"(?P<rare>\b(?:{_any(RARE.values())})\b)",
    rf"(?P<diagnosis>\b(?:{_any(name for symptom in SYMPTOMS for name in symptom[2:])})\b)",
)

RULES = Rules(
    sections=("S", "O", "A", "P"),
    termed="S",
    abbreviated="S",
    concluded="A",
    slots={
        "age and sex": Slot("S", r"\d+ [mf]\b"),
        "days": Slot("S", DAYS),
        "drug": Slot("S", NAME),
        "dose": Slot("S", DOSE),
        "times": Slot("S", r"\b(?:qd|bid|tid)\b"),
        "allergy": Slot("S", r"allergy \w+", "allergy "),
        "temperature": Slot("O", r"\d+\.\d"),
        "start": Slot("P", NAME),
        "start dose": Slot("P", DOSE),
        "review": Slot("P", DAYS),
        "rare": Slot("S", _any(RARE.values())),
    },
    complete={
        "medicine": ("drug", "dose", "times"),
        "patient": ("age and sex", "days"),
        "allergy": ("allergy",),
        "measured": ("temperature",),
        "plan": ("start", "start dose", "review"),
        "rare": ("rare",),
    },
    terms=tuple(symptom.term for symptom in SYMPTOMS),
    abbreviations=tuple(TIMES.values()),
    units=("mg", "d", "allergy"),
    claims=re.compile(_any(_claims)),
    named=NAME + r"|(?<=allergy )\w+",
    given=frozenset(WORD.findall(" ".join(_given))),
)
