"""What became of the text: one table for `extract`, `rank`, `finetune` and `judge`; it stands in their manifests too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from proxylib.data import repeats

SHORT = 25  # characters: shorter solutions say little
DROPPED = "dropped"  # of an account: reason -> number
#: count -> how the table calls it, in its order; where it is 0 for all, the row is left away unless it is in `ALWAYS`
ROWS = {
    "traces": "traces read",
    "copies": "copies of others",
    "short": f"solutions under {SHORT} characters",
    "repeated": "solutions as those of other prompts",
    "seen": "held out, but among the examples",
    "scored": "traces scored",
    "bos": "traces with bos in front",
    "template": "tokens added by the chat template",
    "stripped": "characters of white space trimmed by it",
    "words": "control words typed, read as text",
    "unknown": "unknown tokens",
    "unknown_bytes": "bytes under them",
    "lost_bytes": "other bytes that no token says",
    "boundary_moves": "boundaries of prompt and solution that move",
    "tokens_scored": "tokens scored",
    "tokens_windowed": "tokens in front of the window",
    "tokens_truncated": "tokens cut off",
    "cut_bytes": "bytes of solutions cut off, prompts stay whole",
    "bytes": "bytes of all solutions",
    "notes_cut": "notes cut at the most tokens",
    "questions": "questions",
    "questions_scored": "questions scored",
}
#: what every command says, also where nothing of the kind happened
ALWAYS = ("traces", "copies", "scored", "bos", "template", "words", "unknown", "boundary_moves", "cut_bytes")
UNSEEN = "–"  # for what an account does not know: the tokens of a judge are its server's


def of_texts(pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Counts of (prompt, solution) before any tokenizer sees them; texts are compared as `repeats.normal` has them."""
    pairs = list(pairs)
    texts = {(repeats.normal(prompt), repeats.normal(solution)) for prompt, solution in pairs}
    return {
        "copies": len(pairs) - len(texts),
        "short": sum(len(solution.strip()) < SHORT for _, solution in pairs),
        "repeated": len(texts) - len({solution for _, solution in texts}),
    }


def table(accounts: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """A column per account, a row per count and per reason for which traces were dropped.

    Parameters
    ----------
    accounts : whose -> counts under the names of `ROWS`, and under "dropped" the number of each reason
    """
    rows = []
    for name, label in ROWS.items():
        counts = [account.get(name) for account in accounts.values()]
        if name in ALWAYS or any(counts):
            missing = UNSEEN if name in ALWAYS else ""
            rows.append((label, *(missing if count is None else str(count) for count in counts)))
    losses = [account.get(DROPPED) for account in accounts.values()]
    reasons = dict.fromkeys(reason for loss in losses for reason in loss or ())
    for reason in reasons or [None]:
        label = DROPPED if reason is None else f"{DROPPED}: {reason}"
        rows.append((label, *(UNSEEN if loss is None else str(loss.get(reason, 0)) for loss in losses)))
    return pd.DataFrame(rows, columns=["what became of the text", *accounts])


def printed(accounts: Mapping[str, Mapping[str, Any]]) -> str:
    """The table for a terminal; labels stand on the left."""
    frame = table(accounts)
    first = frame.columns[0]
    width = max(map(len, [first, *frame[first]]))
    left = lambda text: f"{text:<{width}}"
    return frame.to_string(index=False, formatters={first: left}, header=[left(first), *frame.columns[1:]])
