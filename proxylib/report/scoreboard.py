"""The scoreboard: every claim beside our estimate, with a verdict by a rule that was fixed before looking.

`claims.csv` is the one table of reported values. Estimates come from the `estimates` tables of recorded runs; nothing
else writes `results/scoreboard.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.report import words
from proxylib.runs import store
from proxylib.runs.config import ROOT
from proxylib.runs.files import write_atomic
from proxylib.runs.store import MANIFEST, Run

CLAIMS = Path(__file__).with_name("claims.csv")
TARGET = ROOT / "results" / "scoreboard.json"
#: from firm to open
VERDICTS = ("holds", "in part", "does not hold", "undecided", "not testable here")


def verdict(low: float, high: float, direction: int, null: float, reported: float | None) -> str:
    """Judge an interval by the rule.

    Parameters
    ----------
    low, high : ends of the interval
    direction : +1 where the claim says that the quantity lies above the null, -1 for below
    null : the value that would make the claim empty
    reported : the value of the source, None where it gives none

    Returns
    -------
    "holds": the interval lies on the claimed side of the null and contains the reported value or lies beyond it.
    "in part": on the claimed side of the null, short of the reported value. "does not hold": on the other side.
    "undecided": the interval contains the null.

    Notes
    -----
    A claim that is false by a hair holds when n is small enough for no interval to exclude anything else; read the
    interval, not the word.
    """
    near, far = (low, high) if direction > 0 else (-high, -low)
    null, reported = direction * null, None if reported is None else direction * reported
    if far < null:
        return "does not hold"
    if near <= null:
        return "undecided"
    return "holds" if reported is None or far >= reported else "in part"


def rows(results: Path = ROOT / "results", claims: Path = CLAIMS) -> list[dict]:
    """One entry per claim, in the order of the table of claims."""
    table = pd.read_csv(claims, dtype={"reason": str})
    estimates = {stage: _estimates(results, stage) for stage in table["stage"].dropna().unique()}
    entries = []
    for claim in table.replace({np.nan: None}).to_dict("records"):
        run_id, estimated = estimates.get(claim["stage"], (None, None)) if claim["stage"] else (None, None)
        entry = {name: claim[name] for name in ("id", "chapter", "claim", "source", "layer", "metric", "unit", "reported")}
        row = None if estimated is None else estimated[estimated["claim"] == claim["id"]]
        if row is None or row.empty:
            blank = dict.fromkeys(("estimate", "low", "high", "level", "n", "n_unit"))
            why = claim["reason"] or "No recorded run holds an estimate yet"
            entry |= blank | {"verdict": "not testable here", "reason": why, "runs": []}
        else:
            values = row.iloc[0]
            numbers = {name: round(float(values[name]), 6) for name in ("estimate", "low", "high", "level")}
            word = verdict(numbers["low"], numbers["high"], int(claim["direction"]), claim["null"], claim["reported"])
            entry |= numbers | {"n": int(values["n"]), "n_unit": values["n_unit"], "verdict": word}
            entry |= {"reason": _reason(word, claim, numbers), "runs": [run_id]}
        entries.append(entry | {"page": claim["page"]})
    return entries


def _reason(word: str, claim: dict, numbers: dict[str, float]) -> str:
    side = "above" if int(claim["direction"]) > 0 else "below"
    null = f"{claim['null']:g}"
    width = f"{numbers['high'] - numbers['low']:.2f}"
    return {
        "holds": f"the interval lies {side} {null}"
        + ("" if claim["reported"] is None else f" and reaches the reported value; it is {width} wide"),
        "in part": f"the interval lies {side} {null} but short of the reported value",
        "does not hold": f"the interval lies on the other side of {null}",
        "undecided": f"the interval contains {null}",
    }[word]


def _estimates(results: Path, stage: str) -> tuple[str | None, pd.DataFrame | None]:
    folders = {path.parent.name: path.parent for path in sorted(results.glob(f"*/{stage}/*/{MANIFEST}"))}
    if len(folders) > 1:
        raise UserError(f"{results}: several recorded {stage} runs ({', '.join(folders)}); remove the stale one")
    for run_id, folder in folders.items():
        return run_id, store.read(folder).table("estimates")
    return None, None


def document(results: Path = ROOT / "results") -> bytes:
    """The file's bytes."""
    return (json.dumps(rows(results), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def refuse_damage(results: Path) -> None:
    """`Damaged`, naming what is wrong, unless every recorded run is whole: those, too, on which these runs were built."""
    for folder in sorted(path for path in results.glob("*/*/*") if path.is_dir()):
        store.read(folder)


def write() -> int:
    """Write the scoreboard from the recorded runs."""
    refuse_damage(TARGET.parent)
    write_atomic(TARGET, document())
    print(TARGET)
    return 0


def check() -> int:
    """Exit code 0 if every recorded run is whole, and the committed scoreboard is what they say."""
    refuse_damage(TARGET.parent)
    if TARGET.read_bytes() == document():
        print("scoreboard: agrees with the recorded runs")
        return 0
    print(f"proxylib: {TARGET} differs from the recorded runs; proxylib scoreboard writes it anew", file=sys.stderr)
    return 1


def by_chance(entries: list[dict]) -> float:
    """How many tested claims would land on the claimed side of their null if every null were true."""
    return sum((1 - entry["level"]) / 2 for entry in entries if entry["estimate"] is not None)


def read(path: Path = TARGET) -> list[dict]:
    """The committed scoreboard, if it is what the recorded runs beside it say."""
    data = path.read_bytes()
    if data != document(path.parent):
        raise UserError(f"{path}: differs from the recorded runs; proxylib scoreboard writes it anew")
    return json.loads(data)


def runs(entries: list[dict], results: Path = ROOT / "results") -> list[Run]:
    """The recorded runs behind the entries, each once."""
    ids = sorted({run_id for entry in entries for run_id in entry["runs"]})
    manifests = {path.parent.name: path for path in results.glob(f"*/*/*/{MANIFEST}")}
    missing = [run_id for run_id in ids if run_id not in manifests]
    if missing:
        raise UserError(f"{TARGET}: run {missing[0]} is not recorded any more; proxylib scoreboard writes it anew")
    return [store.read(manifests[run_id].parent) for run_id in ids]


def counts(entries: list[dict]) -> dict[str, int]:
    """How many claims got each verdict, from firm to open; none that occurs nowhere."""
    each = {verdict: sum(entry["verdict"] == verdict for entry in entries) for verdict in VERDICTS}
    return {verdict: count for verdict, count in each.items() if count}


def table(entries: list[dict]) -> pd.DataFrame:
    """The scoreboard for reading, verdicts from firm to open."""
    shown = [
        {
            "verdict": entry["verdict"],
            "ours": "" if entry["estimate"] is None else words.with_interval([entry[k] for k in ("estimate", "low", "high")]),
            "reported": "" if entry["reported"] is None else f"{entry['reported']:g}",
            "claim": entry["claim"],
            "metric (unit)": f"{entry['metric']} ({entry['unit']})",
            "layer, n": entry["layer"] + ("" if entry["n"] is None else f", {entry['n']} {entry['n_unit']}"),
            "why this verdict": entry["reason"],
            "source": entry["source"],
        }
        for entry in sorted(entries, key=lambda entry: VERDICTS.index(entry["verdict"]))
    ]
    return pd.DataFrame(shown)
