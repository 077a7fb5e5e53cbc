"""The scoreboard: every claim beside our estimate, with the verdict of the rule in `verdicts`.

`claims.csv` is the one table of claims and of the values that their sources report. Estimates come from the `estimates`
tables of recorded runs; nothing else writes `results/scoreboard.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.report import verdicts
from proxylib.report.verdicts import NOT_YET, Claim
from proxylib.runs import store
from proxylib.runs.config import ROOT
from proxylib.runs.files import write_atomic
from proxylib.runs.store import MANIFEST, Run

CLAIMS = Path(__file__).with_name("claims.csv")
TARGET = ROOT / "results" / "scoreboard.json"
#: of a row of `claims.csv`, what an entry says again
SAID = ("id", "chapter", "document", "label", "claim", "source", "layer", "metric", "unit", "direction", "reported", "margin")
ENDS = ("estimate", "low", "high", "low_given", "high_given")
#: of an entry, what a run decides; None without one
MEASURED = (*ENDS, "level", "n", "n_unit")


def claims(path: Path = CLAIMS) -> pd.DataFrame:
    """The table of claims; empty cells are None."""
    texts = dict.fromkeys(("document", "reason", "otherwise", "row"), str)
    table = pd.read_csv(path, dtype=texts | {"direction": "Int64"})
    said = table.astype(object).where(table.notna(), None)
    return said.assign(margin=table["margin"].eq("yes").astype(object))


def reported(stage: str, path: Path = CLAIMS) -> dict[str, float]:
    """Row of a stage's `estimates` -> the value that a source reports, where one does."""
    table = claims(path)
    known = table[table["stage"].eq(stage) & table["reported"].notna()]
    return {claim["row"] or claim["id"]: float(claim["reported"]) for claim in known.to_dict("records")}


def rows(results: Path = ROOT / "results", path: Path = CLAIMS) -> list[dict]:
    """One entry per claim, in the order of the table of claims."""
    table = claims(path)
    estimates = {stage: _estimates(results, stage) for stage in table["stage"].dropna().unique()}
    entries = []
    for claim in table.to_dict("records"):
        run_id, values = estimates.get(claim["stage"], {}).get(claim["row"] or claim["id"], (None, None))
        said = {name: claim[name] for name in SAID}
        judged = _open(claim) if values is None else _judged(claim, values) | {"runs": [run_id]}
        entries.append(said | judged | {"page": claim["page"]})
    return entries


def _open(claim: Mapping[str, object]) -> dict[str, object]:
    why = (claim["reason"] if claim["otherwise"] else None) or "No recorded run holds an estimate yet"
    null = None if claim["null"] is None else float(claim["null"])
    return dict.fromkeys(MEASURED) | {"null": null, "verdict": claim["otherwise"] or NOT_YET, "reason": why, "runs": []}


def _judged(claim: Mapping[str, object], values: Mapping[str, object]) -> dict[str, object]:
    """What a run says of a claim; the interval over what the claim generalises about decides, and holds the other.

    What the table of claims gives as a reason stands behind the rule's: by construction, by arithmetic, other problems.
    """
    numbers = {name: _number(values.get(name)) for name in (*ENDS, "level")}
    for wide, given, widest in (("low", "low_given", min), ("high", "high_given", max)):
        if None not in (numbers[wide], numbers[given]):
            numbers[wide] = widest(numbers[wide], numbers[given])
    null = _number(values.get("null"))
    null = float(claim["null"]) if null is None else null
    asked = Claim(claim["direction"], null, claim["reported"], claim["margin"])
    said = None if claim["otherwise"] else claim["reason"]  # else it is why there might have been no estimate
    low, high = (np.nan if numbers[end] is None else numbers[end] for end in ("low", "high"))
    word = verdicts.verdict(low, high, asked)
    return (
        numbers
        | {"n": int(values["n"]), "n_unit": values["n_unit"], "null": null, "verdict": word}
        | {"reason": "; ".join(filter(None, (verdicts.reason(word, low, high, asked), said)))}
    )


def _number(value: object) -> float | None:
    """A number with as many digits as bear comparison across machines; None for none."""
    return None if value is None or not np.isfinite(value) else round(float(value), 6)


def _estimates(results: Path, stage: str) -> dict[str, tuple[str, dict]]:
    """By name the rows of a stage's recorded runs, each with the id of its run; a row without an estimate is none.

    Runs of one stage with other parameters have rows of other names (`domains.row`); two runs with one row are a stale record.
    """
    known: dict[str, tuple[str, dict]] = {}
    for path in sorted(results.glob(f"*/{stage}/*/{MANIFEST}")):
        run = store.read(path.parent)
        rows = run.table("estimates").to_dict("records") if "estimates" in run.tables else []
        twice = [known[row["claim"]][0] for row in rows if row["claim"] in known]
        if twice:
            raise UserError(f"{results}: several recorded {stage} runs ({twice[0]}, {run.run_id}); remove the stale one")
        known |= {row["claim"]: (run.run_id, row) for row in rows}
    return {name: (run_id, row) for name, (run_id, row) in known.items() if pd.notna(row["estimate"])}


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
