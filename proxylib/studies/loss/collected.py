"""Cells that commands or the grid left in folders, read for the fits: their facts, and what a judge said of their notes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from proxylib.errors import UserError
from proxylib.runs import folder as work_folder
from proxylib.runs.files import Damaged
from proxylib.runs.folder import MANIFEST, Workspace


def collect(folders: Iterable[Path], judged: str = "judged") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Finished cells of `proxylib finetune` and what `proxylib judge` said of their notes, as `cell_draws.judged` takes them.

    Parameters
    ----------
    folders : one per cell
    judged : the folder in each of them that `proxylib judge --out` wrote

    Returns
    -------
    cells : the facts of each (see `hub`), `cell` being the name of its folder
    verdicts : cell, id, criterion, judge (its model), passed: 1 or 0, missing where unscored, a mean where the judge was asked
        repeatedly

    Raises
    ------
    UserError
        Naming a folder that is no finished cell, has no verdicts, or verdicts of another judge, on some of its notes, on
        others, or twice; cells of the same name or of the same base, examples and seed; other held-out sets.
    """
    rows, held_out, judges, verdicts = [], {}, {}, []
    for folder in map(Path, folders):
        facts = _facts(folder)
        held_out[folder] = facts.pop("held_out_set")
        rows.append(facts | {"cell": folder.name})
        if not facts["diverged"]:
            judges[folder], answers = _verdicts(folder, judged)
            verdicts.append(answers.assign(cell=folder.name))
    if not verdicts:
        raise UserError("collect: no folder of a cell that did not diverge; give those that proxylib finetune --out made")
    _refuse_unlike(held_out, "was measured on another held-out set")
    _refuse_unlike(judges, f"{judged} has verdicts of another judge or of other prompts")
    cells = pd.DataFrame(rows).astype({"diverged": bool})
    for keys in (["cell"], ["base", "examples", "seed"]):
        twice = cells[cells.duplicated(keys)]
        if len(twice):
            which = ", ".join(f"{key} {twice.iloc[0][key]}" for key in keys)
            raise UserError(f"collect: two cells have {which}; leave one out")
    return cells, pd.concat(verdicts, ignore_index=True)[["cell", "id", "criterion", "judge", "passed"]]


def gather(step, workspace: Workspace) -> None:
    """The facts of every cell of the hub's grid in one table.

    Parameters
    ----------
    step : a declared `hub_losses` step; its parents are the cells
    workspace : receives the table `cells`: a row per cell, `cell` being the name of its step, losses in nats per token
    """
    rows = [_flat(step.parent(name).facts) | {"cell": name} for name in step.parents]
    workspace.write_table("cells", pd.DataFrame(rows))


def _facts(folder: Path) -> dict[str, Any]:
    """What a finished cell measured, whether a command made it or the grid."""
    if not (folder / MANIFEST).exists():
        raise UserError(f"{folder}: is no finished cell; run its line of proxylib finetune again, or leave it out")
    try:
        cell = work_folder.read(folder)
    except Damaged as error:
        raise UserError(f"{error}; run the cell's line of proxylib finetune again, or leave it out") from None
    if not {"diverged", "base", "examples", "seed", "held_out_set"} <= set(cell.facts):
        raise UserError(f"{folder}: is no cell of proxylib finetune; leave it out")
    return _flat(cell.facts)


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts that are a row of a table: what became of the text is a table of its own."""
    return {name: fact for name, fact in facts.items() if name != "text"}


def _verdicts(folder: Path, judged: str) -> tuple[dict[str, Any], pd.DataFrame]:
    """What identifies the judge of a cell's notes, and id, criterion, judge, passed of each note and criterion."""
    from proxylib.judging import verdict_folder
    from proxylib.judging.criteria import CRITERIA
    from proxylib.judging.questions import FAIL, PASS
    from proxylib.studies.loss import hub_cell

    place = folder / judged
    again = f"proxylib judge --notes {folder / hub_cell.NOTES} --out {place}"
    if not (place / MANIFEST).exists():
        raise UserError(f"{place}: no verdicts; {again}")
    try:
        finished = work_folder.read(place)
        judge = finished.request["judge"]
        table = pd.read_parquet(place / verdict_folder.VERDICTS)
    except (Damaged, KeyError, OSError) as error:
        raise UserError(f"{place}: verdicts are damaged ({error}); judge again: {again}") from None
    keys = table[["id", "criterion", "repeat"]]
    passed = table["status"].map({PASS: 1.0, FAIL: 0.0}).astype("Float64")
    if keys.duplicated().any():
        note, criterion, _ = keys[keys.duplicated()].iloc[0]
        raise UserError(f"{place}: two verdicts on {criterion} of note {note}; delete the folder and judge again")
    notes = [row["id"] for row in verdict_folder.read(folder / hub_cell.NOTES)]
    wanted = set(itertools.product(notes, CRITERIA, keys["repeat"].unique()))
    there = set(keys.itertuples(index=False, name=None))
    if there != wanted:
        note = min(there ^ wanted)[0]
        raise UserError(
            f"{place}: {len(there & wanted)} of {len(wanted)} verdicts, {len(there - wanted)} on other notes (such as {note}); "
            f"judge the cell's own notes whole: {again}"
        )
    if passed.isna().all():
        raise UserError(f"{place}: no verdict was scored; ask again, or leave the cell out: {again} --again")
    by = table.assign(judge=judge["model"], passed=passed).groupby(["id", "criterion", "judge"], sort=False)
    return judge, by["passed"].mean().reset_index()


def _refuse_unlike(values: Mapping[Path, Any], what: str) -> None:
    """`UserError` naming the first folder whose value is another than that of the first one."""
    first = next(iter(values))
    for folder, value in values.items():
        if value != values[first]:
            raise UserError(f"{folder}: {what} than {first}; leave it out, or make it alike")
