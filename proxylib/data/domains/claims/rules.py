"""How a claim report is judged: where each fact stands, what a report may claim, and which words are the insurer's own."""

from __future__ import annotations

import re

from proxylib.data.domains.base import WORD, Rules, Slot
from proxylib.data.domains.claims.tables import DAMAGES, PAID, RARE

COVERED, HOURS = r"[A-Za-z]+(?= \d+ k\b)", r"[A-Za-z]+(?= \d+ h\b)"
DAYS = r"\d+ d\b"
_any = "|".join
_paid = rf"\b(?:{_any(PAID.values())})\b"
_given = [
    "R E L D N o t k h d elsewhere none diary",
    *(f"{damage.term} {damage.small} {damage.large}" for damage in DAMAGES),
    *PAID.values(),
    *RARE.values(),
]
_claims = (
    r"(?P<holder>(?<=\d )[ot]\b)",
    rf"(?P<paid>{_paid})",
    rf"(?P<term>\b(?:{_any(damage.term for damage in DAMAGES)})\b)",
    rf"(?P<rare>\b(?:{_any(RARE.values())})\b)",
    rf"(?P<settled>\b(?:{_any(way for damage in DAMAGES for way in damage[2:])})\b)",
)

RULES = Rules(
    sections=("R", "E", "L", "D", "N"),
    termed="E",
    abbreviated="R",
    concluded="D",
    slots={
        "size and holder": Slot("R", r"\d+ [ot]\b"),
        "policy": Slot("R", COVERED),
        "cover": Slot("R", r"\d+ k\b"),
        "paid": Slot("R", _paid),
        "elsewhere": Slot("R", r"elsewhere \w+", "elsewhere "),
        "rare": Slot("R", _any(RARE.values())),
        "days": Slot("E", DAYS),
        "loss": Slot("L", r"\d+\.\d k\b"),
        "repairer": Slot("N", HOURS),
        "hours": Slot("N", r"\d+ h\b"),
        "diary": Slot("N", DAYS),
    },
    complete={
        "contract": ("policy", "cover", "paid"),
        "risk": ("size and holder",),
        "event": ("days",),
        "elsewhere": ("elsewhere",),
        "amount": ("loss",),
        "next": ("repairer", "hours", "diary"),
        "rare": ("rare",),
    },
    terms=tuple(damage.term for damage in DAMAGES),
    abbreviations=tuple(PAID.values()),
    units=("k", "h", "d", "elsewhere"),
    claims=re.compile(_any(_claims)),
    named=rf"{COVERED}|{HOURS}|(?<=elsewhere )\w+",
    given=frozenset(WORD.findall(" ".join(_given))),
)
