"""What to use when: decisions, the signal that we would use for each, how far to trust it, its cost, the command.

`decisions.csv` holds the words; which of them are said, and every number, comes from the scoreboard.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from proxylib.report import words
from proxylib.report.verdicts import HOLDS, IN_PART

DECISIONS = Path(__file__).with_name("decisions.csv")
COLUMNS = ("decision", "what we would use", "how far to trust it", "what it costs", "command")
SHOWN = (*COLUMNS[:3], "what it costs, and the command")  # few enough columns for a phone


def table(entries: Sequence[Mapping], path: Path = DECISIONS) -> pd.DataFrame:
    """A row per decision: the columns of `COLUMNS`, and page (None where none is written).

    Parameters
    ----------
    entries : of the scoreboard
    path : decision, decides (the claim which, where it holds at least in part, makes us use `signal`, else `otherwise`),
        signal, otherwise, claims (what is said of trust, by id), cost, command, page

    Raises
    ------
    KeyError
        Naming a claim that the scoreboard does not have.
    """
    known = {entry["id"]: entry for entry in entries}
    lines = []
    for row in pd.read_csv(path, keep_default_na=False).to_dict("records"):
        use = row["signal"] if known[row["decides"]]["verdict"] in (HOLDS, IN_PART) else row["otherwise"]
        trust = "; ".join(trusted(known[claim]) for claim in row["claims"].split(";"))
        lines.append((row["decision"], use, trust, row["cost"], row["command"], row["page"] or None))
    return pd.DataFrame(lines, columns=[*COLUMNS, "page"])


def trusted(entry: Mapping) -> str:
    """What the scoreboard says of one claim, in a few words; its unit stands there."""
    said = f"{entry['label']}: {entry['verdict']}"
    if entry["estimate"] is None:
        return said
    ends = [np.nan if entry[name] is None else entry[name] for name in ("estimate", "low", "high")]
    return f"{said}, {words.with_interval(ends)}"


def markdown(frame: pd.DataFrame, pages: Collection[str]) -> str:
    """The table for the front page; a decision leads to its page where the book has it."""
    lines = ["| " + " | ".join(SHOWN) + " |", "|" + " --- |" * len(SHOWN)]
    for row in frame.to_dict("records"):
        cells = [row["what we would use"], row["how far to trust it"], f"{row['what it costs']}: `{row['command']}`"]
        head = f"[{row['decision']}](executed/{row['page']}.ipynb)" if row["page"] in pages else row["decision"]
        lines.append(f"| {' | '.join([head, *cells])} |")
    return "\n".join(["```{container} proxylib-when", *lines, "```"])
