"""`proxylib monitor`: a history in; alarms, the checkpoint to take, tables and a page out.

The folder is a work folder (see `runs.folder`), and may be given again as the history grows. It holds `alarms` (a row an
alarm), `series` (a row a metric) and `choice` (a row a checkpoint among which was chosen), each as CSV and as Parquet, and
`monitor.html`. The facts of its manifest hold the sentences that are printed, and the exit code.
"""

from __future__ import annotations

from typing import Any

from proxylib.data.histories.measured import Measured
from proxylib.runs.files import parquet_bytes
from proxylib.runs.folder import Finished, Folder, Workspace, difference
from proxylib.studies.your_run import compare, history, report
from proxylib.studies.your_run.settings import Monitor
from proxylib.studies.your_run.watch import watch

VERSION = 1  # of what is computed: another one is another request
PAGE = "monitor.html"
TABLES = ("alarms", "series", "choice")
COMPARED = (PAGE, "comparison.csv", "comparison.parquet")
PARTS = (PAGE, *(f"{name}.{kind}" for name in TABLES for kind in ("csv", "parquet")))


def monitor_file(given: Monitor) -> Finished:
    """Watch a history by name, into a folder; what is finished there is taken from there.

    Raises
    ------
    UserError
        Before anything is written, where the history is wrong; or if the folder belongs to other work.
    """
    if given.against is not None:
        return _compared(given)
    known = history.load(given)
    request = {"command": "monitor", "version": VERSION, "history": history.digest(given.history)}
    request |= given.model_dump(mode="json", include={"fields", "losses", "scores", "percent", "error", "last", "weights"})
    if given.same_items:
        request["same_items"] = given.same_items
    return Folder(given.out, request, PARTS, _differs).make(lambda workspace: build(known, given, workspace))


def _compared(given: Monitor) -> Finished:
    """Two models item by item, into a folder; see `compare`."""
    made = compare.compared(given)
    request = {"command": "monitor --against", "version": VERSION, "fields": given.fields, "error": given.error}
    request |= {"margin": given.margin}
    request |= {name: history.digest(path, "*") for name, path in (("before", given.against), ("after", given.history))}

    def write(workspace: Workspace) -> None:
        workspace.write("comparison.csv", made.to_csv(index=False).encode())
        workspace.write("comparison.parquet", parquet_bytes(made))
        said = compare.sentences(made)
        workspace.write(PAGE, report.comparison_page(made, said, compare.code(made)))
        workspace.note(sentences=said, notes=[], code=compare.code(made))

    return Folder(given.out, request, COMPARED).make(write)


def _differs(before: Any, now: Any) -> str | None:
    """A history that has grown is the same work."""
    return difference(*({name: value for name, value in one.items() if name != "history"} for one in (before, now)))


def build(known: Measured, given: Monitor, workspace: Workspace) -> None:
    """Watch, and write all of it."""
    watched = watch(known, given)
    tables = {"alarms": watched.alarms, "series": watched.series, "choice": report.choices(watched)}
    for name, table in tables.items():
        workspace.write(f"{name}.csv", table.to_csv(index=False).encode())
        workspace.write(f"{name}.parquet", parquet_bytes(table))
    sentences = report.sentences(known, watched)
    workspace.write(PAGE, report.page(known, watched, given.history.name))
    workspace.note(sentences=sentences, notes=list(known.notes), code=watched.code)


def planned(given: Monitor) -> list[str]:
    """What would be watched, in sentences; nothing is written."""
    if given.against is not None:
        table = compare.compared(given)
        return [f"{len(table)} metrics, {int(table['items'].sum()):,} pairs of items: {', '.join(table['metric'].head(6))}"]
    known = history.load(given)
    return [*known.notes, *report.plan(known, watch(known, given))]
