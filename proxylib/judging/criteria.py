"""The five criteria: the prompts that every LLM judge is given, word for word.

A prompt lists clauses, one to a line. All of them stand in the file; a draft of a prompt leaves some out, and refining it
means to find which of them bring a judge closest to the expert's labels.
"""

from __future__ import annotations

import re
from functools import lru_cache

from proxylib.data.domains.base import CRITERIA, Domain
from proxylib.data.domains.scribe import DOMAIN as SCRIBE
from proxylib.runs.files import sha256

#: criterion -> its clauses, of the clinical scribe
CLAUSES = SCRIBE.prompts.clauses
#: the naive prompts: one clause each, the first that one would write down
NAIVE = {criterion: clauses[:1] for criterion, clauses in CLAUSES.items()}
#: judges of a grid: the exact rubric at two stringencies, and a model of ours
STRICT, LENIENT, LM_JUDGE = "rubric, strict", "rubric, lenient", "LM judge"
#: beside them, from the same facts: no judge that passes or fails, see `grading`
GRADED = "graded score"
#: the LM judge under prompts of `refine.build` -> what their verdicts are called; all clauses are the prompt files as they are
PROMPTED = {"all clauses": LM_JUDGE, "naive": f"{LM_JUDGE}, naive prompts", "refined": f"{LM_JUDGE}, refined prompts"}


@lru_cache
def template(criterion: str, domain: Domain = SCRIBE) -> str:
    """The prompt file of a criterion, with places for dialogue and note."""
    prompts = domain.prompts
    return (prompts.folder / f"{criterion}-v{prompts.versions[criterion]}.txt").read_text(encoding="utf-8")


def prompt(criterion: str, dialogue: str, note: str, clauses: tuple[str, ...] | None = None, domain: Domain = SCRIBE) -> str:
    """What a judge is asked. Dialogue and note go in as they are, once each; braces in them stay braces.

    Parameters
    ----------
    criterion : of `CRITERIA`
    dialogue, note : what is judged
    clauses : those that the prompt lists; None for all of the domain's
    domain : whose prompts
    """
    text = _only(template(criterion, domain), clauses)
    for place, lines in domain.prompts.tables.items():
        text = text.replace(f"{{{place}}}", "\n".join(f"* {line}" for line in lines))
    before, _, after = text.partition("{dialogue}")
    between, _, end = after.partition("{note}")
    return f"{before}{held(dialogue)}{between}{held(note)}{end}"


def _only(text: str, clauses: tuple[str, ...] | None) -> str:
    """The text without the lines of the other clauses."""
    if clauses is None:
        return text
    return re.sub(r"^- (\w+):.*\n", lambda match: match[0] if match[1] in clauses else "", text, flags=re.MULTILINE)


def held(text: str) -> str:
    """The text with the markers' angle brackets made harmless, so that a note cannot close its own marker."""
    return text.strip().replace("</", "<\u200b/")


def fingerprint(domain: Domain = SCRIBE) -> str:
    """SHA-256 of all five prompts as they are filled in: part of the identity of every judged run."""
    return sha256("\x00".join(prompt(name, "", "", domain=domain) for name in CRITERIA).encode())
