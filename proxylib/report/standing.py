"""How the scoreboard stands: counts, the frame of its picture on one scale of claimed effect, tables for reading."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from proxylib.report import words
from proxylib.report.verdicts import VERDICTS

#: document -> what its claims stand under, sources first
DOCUMENTS = {
    "000": "Post on loss (O'Neill and Kirkby)",
    "001": "Article on the evaluation stack",
    "002": "Blog on proxy metrics (Patel)",
    "003": "Modelwire on the proxy paper",
    "004": "Paper on proxy metrics (Patel et al.)",
    "datadecide": "DataDecide (Magnusson et al.)",
    "ladder": "Model ladders (Bhagia et al.)",
    "gadre": "Scaling over-trained models (Gadre et al.)",
    "flp": "FLP (Chen et al.)",
    "direct": "Scaling of log accuracy (Krajewski et al.)",
    "regmix": "RegMix (Liu et al.)",
    "ours": "Our own questions",
}
OURS = "ours"
ENDS = ("low", "high", "low_given", "high_given")


def of_sources(entries: Sequence[dict]) -> list[dict]:
    """Claims that somebody else made, by document."""
    return [entry for name in DOCUMENTS if name != OURS for entry in entries if entry["document"] == name]


def of_ours(entries: Sequence[dict]) -> list[dict]:
    """Our own questions."""
    return [entry for entry in entries if entry["document"] == OURS]


def tested(entries: Sequence[dict]) -> list[dict]:
    """Claims on which a recorded run has an estimate."""
    return [entry for entry in entries if entry["estimate"] is not None]


def by_chance(entries: Sequence[dict]) -> float:
    """How many tested claims would land on the claimed side of their null if every null were true.

    What is arithmetic of stated inputs has no level: no luck decides it.
    """
    return sum((1 - entry["level"]) / 2 for entry in tested(entries) if entry["level"] is not None)


def counts(entries: Sequence[dict]) -> dict[str, int]:
    """How many claims got each verdict, from firm to open; none that occurs nowhere."""
    each = {verdict: sum(entry["verdict"] == verdict for entry in entries) for verdict in VERDICTS}
    return {verdict: count for verdict, count in each.items() if count}


def counts_table(entries: Sequence[dict]) -> pd.DataFrame:
    """A row per document, a column per verdict."""
    lines = []
    for name, title in DOCUMENTS.items():
        of_it = [entry for entry in entries if entry["document"] == name]
        if of_it:
            each = counts(of_it)
            lines.append({"document": title, "claims": len(of_it)} | {verdict: each.get(verdict, 0) for verdict in VERDICTS})
    return pd.DataFrame(lines)


def effects(entries: Sequence[dict]) -> pd.DataFrame:
    """Tested claims on one scale: 0 is the null, 1 the effect as its source reports it.

    Returns
    -------
    document (its title, with the number of its claims that are not tested), label, verdict, estimate, low, high, low_given,
    high_given, reported (nan where the source gives no value: there 1 is our own estimate, or -1 where it has the other sign).
    A document of which nothing is tested has one row without label and numbers.
    """
    lines = []
    for name, title in DOCUMENTS.items():
        of_it = [entry for entry in entries if entry["document"] == name]
        lacking = len(of_it) - len(tested(of_it))
        group = {"document": title + (f": {lacking} not tested" if lacking else "")}
        lines += [group | _placed(entry) for entry in tested(of_it)]
        if lacking == len(of_it) > 0:
            lines.append(group | {"label": ""})
    return pd.DataFrame(lines, columns=["document", "label", "verdict", "estimate", *ENDS, "reported"])


def _placed(entry: dict) -> dict[str, object]:
    """An entry's numbers on the scale of claimed effect."""
    unit = _unit(entry)
    place = lambda name: np.nan if entry[name] is None else (entry[name] - entry["null"]) / unit
    ends = zip(ENDS, ENDS if unit > 0 else ("high", "low", "high_given", "low_given"), strict=True)
    places = {name: place(name) for name in ("estimate", "reported")} | {name: place(other) for name, other in ends}
    return {"label": entry["label"], "verdict": entry["verdict"]} | places


def _unit(entry: dict) -> float:
    """What is 1: the way from the null to the reported value or, without one on the claimed side, to our estimate."""
    sign, ways = entry["direction"], [entry[name] for name in ("reported", "estimate") if entry[name] is not None]
    claimed = [value - entry["null"] for value in ways if sign * (value - entry["null"]) > 0]
    return claimed[0] if claimed else sign * (abs(entry["estimate"] - entry["null"]) or 1.0)


def table(entries: Sequence[dict]) -> pd.DataFrame:
    """The scoreboard for reading, in the order of the entries."""
    return pd.DataFrame([_shown(entry) for entry in entries])


def _shown(entry: dict) -> dict[str, str]:
    given = [entry[name] for name in ("estimate", "low_given", "high_given")]
    return {
        "verdict": entry["verdict"],
        "claim": entry["claim"],
        "reported": "" if entry["reported"] is None else f"{entry['reported']:g}" + (" (a margin)" if entry["margin"] else ""),
        "ours": "" if entry["estimate"] is None else words.with_interval(_numbers(entry, "estimate", "low", "high")),
        "configurations fixed": "" if None in given else words.with_interval(given).partition(" ")[2],
        "null": "" if entry["estimate"] is None else f"{entry['null']:.3g}",
        "metric (unit)": f"{entry['metric']} ({entry['unit']})",
        "layer, n": entry["layer"] + ("" if entry["n"] is None else f", {entry['n']} {entry['n_unit']}"),
        "why this verdict": entry["reason"],
        "source": entry["source"],
        "id": entry["id"],
    }


def _numbers(entry: dict, *names: str) -> list[float]:
    return [np.nan if entry[name] is None else entry[name] for name in names]
