"""Names of metrics: which may be chosen for the cells, and which only stand beside them. Fixed before any was looked at."""

from __future__ import annotations

BREVITY = "brevity"
BY_WORDS = (
    "ROUGE-1",
    "ROUGE-2",
    "ROUGE-L",
    "recall of words",
    "precision of words",
    "content covered",
    "numbers and negations",
    "supported by the dialogue",
)
LIKELIHOODS = ("note given dialogue", "... beyond the note alone", "reference given note", "note given reference")
FORMS = ("faithful", "complete", "good")
PACKAGE = "package's criterion"
CANDIDATES = (*BY_WORDS, *LIKELIHOODS, *FORMS)
#: beside the forms of the judge; the first two need no reference
BASELINES = (BREVITY, "supported by the dialogue", "ROUGE-1")
DEFAULT = "ROUGE-1"  # for the cells, where no candidate follows people's scores
EXAMPLES, FINAL, HELD_OUT = "log examples", "final loss", "held-out loss"
SIGNALS = (FINAL, HELD_OUT, EXAMPLES)
