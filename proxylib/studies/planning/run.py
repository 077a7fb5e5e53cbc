"""`proxylib plan`: candidates in; the fitted relation, what to buy next, when to stop, and a page out.

The folder is a work folder (see `runs.folder`). It holds `candidates` (a row per candidate), `plan` (a row per purchase, in
order), `compared` (what the plan is worth against others) and `relation` (the line, and whether size and data say as much),
each as CSV and as Parquet, and `plan.html`. The facts of its manifest hold the sentences that are printed, and the exit code.
"""

from __future__ import annotations

import pandas as pd

from proxylib.runs.files import parquet_bytes, sha256
from proxylib.runs.folder import Finished, Folder, Workspace
from proxylib.studies.planning import candidates, decide, relation, report
from proxylib.studies.planning.candidates import Candidates
from proxylib.studies.planning.settings import Plan, layers

VERSION = 1  # of what is computed: another one is another request
PAGE = "plan.html"
TABLES = ("candidates", "plan", "compared", "relation")
PARTS = (PAGE, *(f"{name}.{kind}" for name in TABLES for kind in ("csv", "parquet")))
ASKED = {"fields", "signals", "percent", "judge", "items", "price", "budget", "tolerance", "level"}


def plan_file(given: Plan) -> Finished:
    """Plan for a table, into a folder; what is finished there is taken from there.

    Raises
    ------
    UserError
        Before anything is written, where the table is wrong; or if the folder belongs to other work.
    """
    known = candidates.load(given)
    offered = layers(given)
    request = {"command": "plan", "version": VERSION, "table": sha256(given.table)}
    request |= given.model_dump(mode="json", include=ASKED)
    request["layers"] = {name: layer.model_dump(mode="json") for name, layer in offered.items()}
    return Folder(given.out, request, PARTS).make(lambda workspace: build(known, given, workspace))


def build(known: Candidates, given: Plan, workspace: Workspace) -> None:
    """Plan, and write all of it."""
    offered = layers(given)
    planned = decide.plan(known, offered, given)
    fit = relation.line(known, given.level)
    predictions = relation.predicted(known, given.level)
    rest = relation.beside(known, given.level)
    lines = predictions.rename(columns={name: f"line_{name}" for name in ("estimate", "low", "high")}).drop(columns="name")
    table = planned.candidates.drop(columns="noise").assign(**{name: lines[name].to_numpy() for name in lines})
    tables = {
        "candidates": table,
        "plan": planned.steps.drop(columns=["at", "option"]),
        "compared": planned.compared,
        "relation": rest if fit is None else pd.concat([fit.rename(columns={"signal": "signals"}), rest], ignore_index=True),
    }
    notes = [*known.notes, *relation.warnings(known)]
    sentences = report.sentences(known, planned, fit, predictions, rest, given)
    for name, frame in tables.items():
        workspace.write(f"{name}.csv", frame.to_csv(index=False).encode())
        workspace.write(f"{name}.parquet", parquet_bytes(frame))
    workspace.write(PAGE, report.page(known, planned, sentences, notes, predictions, fit, given))
    workspace.note(sentences=sentences, notes=notes, code=4 if fit is None else 0)


def planned_with(given: Plan) -> list[str]:
    """What would be planned with, in sentences; nothing is written."""
    known = candidates.load(given)
    return [*known.notes, *report.read_as(known, layers(given))]
