"""`proxylib judge`: notes from a file, verdicts into a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from proxylib.errors import UserError
from proxylib.judging import client, criteria
from proxylib.judging.criteria import CRITERIA
from proxylib.judging.questions import Ask
from proxylib.judging.settings import LLMJudge as Settings
from proxylib.runs.store import parquet_bytes, sha256, write_atomic

VERDICTS, ABOUT, CACHE = "verdicts.parquet", "about.json", "cache"
FIELDS = ("id", "dialogue", "note")


class Judged(NamedTuple):
    """What `run` leaves: the folder, a row per question (see `llm.judge`), and the estimate that was said before."""

    folder: Path
    verdicts: pd.DataFrame
    estimate: client.Estimate

    def summary(self) -> str:
        """Pass rates per criterion, with the unscored beside them, for a terminal."""
        rows = []
        for criterion, part in self.verdicts.groupby("criterion", sort=False):
            scored = part[part["status"] != client.UNSCORED]
            rate = "–" if scored.empty else f"{100 * (scored['status'] == client.PASS).mean():.0f}"
            rows.append({"criterion": criterion, "pass, %": rate, "scored": len(scored), "unscored": len(part) - len(scored)})
        reasons = self.verdicts[self.verdicts["status"] == client.UNSCORED]["reason"].value_counts().head(3)
        told = "".join(f"\n{count} x {reason}" for reason, count in reasons.items())
        used = f"{self.verdicts['tokens_in'].sum()} tokens in, {self.verdicts['tokens_out'].sum()} out"
        return f"{pd.DataFrame(rows).to_string(index=False)}{told}\n{used}\n{self.folder}"


def read(path: Path) -> list[dict[str, str]]:
    """Notes of a JSONL file: one object a line with id, dialogue and note, all text.

    Raises
    ------
    UserError
        Naming the line of a missing field, a value that is no text, or an id that came before.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    found: dict[str, dict[str, str]] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # no other separator of lines is escaped by writers of JSON
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; save the file as UTF-8") from None
    for number, line in enumerate(lines, 1):
        place = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise UserError(f"{place}: not JSON; one object a line with {', '.join(FIELDS)}") from None
        for name in FIELDS:
            if not isinstance(row, dict) or not isinstance(row.get(name), str):
                raise UserError(f"{place}: {name} is missing or no text; a note has {', '.join(FIELDS)}")
        note = {name: client.encodable(row[name]) for name in FIELDS}
        if note["id"] in found:
            raise UserError(f"{place}: id {note['id']} occurs twice")
        found[note["id"]] = note
    if not found:
        raise UserError(f"{path}: no notes")
    return list(found.values())


def run(path: Path, settings: Settings, out: Path, repeats: int = 1, say=print) -> Judged:
    """Ask about every note and criterion and write what came of it.

    Parameters
    ----------
    path : see `read`
    settings : see `llm.Settings`
    out : receives verdicts.parquet, about.json, and cache/, from which a call that was cut short goes on
    repeats : times that each question is asked, for the judge's own spread
    say : told the estimate before the first call

    Raises
    ------
    UserError
        Before any call: a bad file, a missing key or package, or a folder with verdicts of another judge, or about notes or
        repeats that are not among these. After a handful: see `llm.judge`.
    """
    notes = read(path)
    asks = [
        Ask(row["id"], criterion, row["dialogue"], row["note"], repeat)
        for row in notes
        for criterion in CRITERIA
        for repeat in range(repeats)
    ]
    about = client.described(settings) | {"repeats": repeats, "notes": {row["id"]: _digest(row) for row in notes}}
    _refuse_others(out, about)
    told = client.estimate(asks, settings)
    say(f"{told}; answers in {out / CACHE} cost nothing again")
    verdicts = client.judge(asks, settings, out / CACHE)
    write_atomic(out / ABOUT, json.dumps(about, indent=1).encode())
    write_atomic(out / VERDICTS, parquet_bytes(verdicts))
    return Judged(out, verdicts, told)


def _digest(note: dict[str, str]) -> str:
    return sha256(json.dumps([note["dialogue"], note["note"]]).encode())[:16]


def _refuse_others(out: Path, about: dict) -> None:
    """Verdicts are only replaced by verdicts of the same judge about the same questions, or about these and more."""
    if not (out / ABOUT).exists():
        return
    try:
        before = {"schema": True} | json.loads((out / ABOUT).read_text(encoding="utf-8"))  # older folders do not say so
    except (ValueError, TypeError):
        raise UserError(f"{out / ABOUT}: damaged; give another folder") from None
    names = [name for name in about if name not in ("repeats", "notes") and before.get(name) != about[name]]
    if names:
        told = "; ".join(f"{name} was {before.get(name)}" for name in names if name != "criteria")
        raise UserError(f"{out}: holds verdicts of another judge or of other prompts ({told or names[0]}); give another folder")
    had = before.get("notes", {})
    if not had and (out / VERDICTS).exists():
        had = dict.fromkeys(pd.read_parquet(out / VERDICTS, columns=["id"])["id"])
    gone = [key for key, digest in had.items() if about["notes"].get(key) is None or digest not in (None, about["notes"][key])]
    if gone:
        raise UserError(
            f"{out}: holds verdicts of {len(gone)} notes that the file lacks or has otherwise, such as {gone[0]}; "
            "give another folder"
        )
    if before.get("repeats", 1) > about["repeats"]:
        raise UserError(
            f"parameter repeats: {about['repeats']}, but {out} holds {before['repeats']}; give as many or another folder"
        )


def prompts() -> str:
    """The five prompts with their places, for reading."""
    return "\n\n".join(f"=== {name}, version {criteria.VERSIONS[name]} ===\n{criteria.template(name)}" for name in CRITERIA)
