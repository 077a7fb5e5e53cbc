"""`proxylib plan`: candidates in; the fitted relation, what to buy next, when to stop, and a page out.

The folder is a work folder (see `runs.folder`). It holds `candidates` (a row per candidate), `plan` (a row per purchase, in
order), `compared` (what the plan is worth against others) and `relation` (the line, and whether size and data say as much),
each as CSV and as Parquet, and `plan.html`. The facts of its manifest hold the sentences that are printed, and the exit code.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.runs.files import parquet_bytes, sha256
from proxylib.runs.folder import Finished, Folder, Workspace
from proxylib.studies.planning import came, candidates, decide, relation, report
from proxylib.studies.planning.came import Came
from proxylib.studies.planning.candidates import Candidates
from proxylib.studies.planning.decide import Reckoned
from proxylib.studies.planning.settings import Plan, layers

VERSION = 2  # of what is computed: another one is another request
PAGE = "plan.html"
TABLES = ("candidates", "plan", "compared", "relation")
PARTS = (PAGE, *(f"{name}.{kind}" for name in TABLES for kind in ("csv", "parquet")))
STEPS, COMPARED = ["name", "layer", "items", "price", "spent", "regret"], ["what", "price", "regret"]
STOPS = ("tolerance", "nothing")  # why a plan ends where it says stop
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
    past = came.recorded(given.tolerance)
    request["promises"] = None if past is None else past.run
    request["layers"] = {name: layer.model_dump(mode="json") for name, layer in offered.items()}
    return Folder(given.out, request, PARTS).make(lambda workspace: build(known, given, past, workspace))


def build(known: Candidates, given: Plan, past: Came | None, workspace: Workspace) -> None:
    """Plan, and write all of it.

    Parameters
    ----------
    past : what came of promises like the one with which buying ends
    """
    reckoned = decide.reckon(known, given)
    notes = [*known.notes, *relation.warnings(known)]
    sentences = report.sentences(known, reckoned, given)
    if past is not None and reckoned.planned is not None and reckoned.planned.why in STOPS:
        sentences.append(came.in_words(past))
    for name, frame in tables(known, reckoned).items():
        workspace.write(f"{name}.csv", frame.to_csv(index=False).encode())
        workspace.write(f"{name}.parquet", parquet_bytes(frame))
    workspace.write(PAGE, report.page(known, reckoned, sentences, notes, given))
    workspace.note(sentences=sentences, notes=notes, code=4 if reckoned.planned is None else 0)


def tables(known: Candidates, reckoned: Reckoned) -> dict[str, pd.DataFrame]:
    """The tables of the folder, by name; those that would hold an order are empty, or lack it, where there is none."""
    fit, rest, planned = reckoned.fit, reckoned.rest, reckoned.planned
    nothing = dict.fromkeys(("expected", "low", "high", "best"), np.nan)
    candidates = known.frame.assign(**nothing) if planned is None else planned.candidates
    lines = reckoned.predictions.rename(columns={name: f"line_{name}" for name in ("estimate", "low", "high")})
    lines = lines.drop(columns="name")
    return {
        "candidates": candidates.drop(columns="noise").assign(**{name: lines[name].to_numpy() for name in lines}),
        "plan": pd.DataFrame(columns=STEPS) if planned is None else planned.steps[STEPS],
        "compared": pd.DataFrame(columns=COMPARED) if planned is None else planned.compared,
        "relation": rest if fit is None else pd.concat([fit.rename(columns={"signal": "signals"}), rest], ignore_index=True),
    }


def planned_with(given: Plan) -> list[str]:
    """What would be planned with, in sentences; nothing is written."""
    known = candidates.load(given)
    return [*known.notes, *report.read_as(known, layers(given))]
