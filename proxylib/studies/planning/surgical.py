"""Which cells of a domain's grid to evaluate next, its losses being known: the stage `surgical`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from proxylib.data import domains
from proxylib.runs.store import Workspace
from proxylib.stats import mean_interval
from proxylib.studies.planning import grids, summaries
from proxylib.studies.planning.grids import Grid
from proxylib.studies.planning.policies import PLAN, RANDOM, UNSURE
from proxylib.studies.planning.settings import SurgicalSettings


def build(step: Any, workspace: Workspace) -> None:
    """Try every policy on every seed, judge and number of notes.

    Parameters
    ----------
    step : its parents are `loss_fits` and `verdicts`
    workspace : receives `curves`, `promises` and `estimates`
    """
    settings: SurgicalSettings = step.settings
    fits, judged = step.parent("loss_fits"), step.parent("verdicts")
    domain = step.parents["verdicts"].settings.domain
    known = list(grids.scribe(fits.table("cells"), judged.table("verdicts"), judged.table("grades"), domain))
    judge = next(judge for judge in grids.DECIDING if any(grid.score == judge for grid in known))
    deciding = [grid for grid in known if grid.score == judge]
    beside = [grid for grid in known if grid.score != judge]
    rows = [summaries.traces(deciding, notes, **_how(settings)) for notes in settings.planning.notes]
    rows.append(summaries.traces(beside, settings.planning.notes_decided, **_how(settings)))
    rows = pd.concat(rows, ignore_index=True)
    workspace.write_table("curves", summaries.curves(rows, settings.bootstrap.level))
    workspace.write_table("promises", summaries.promises(rows))
    workspace.write_table("estimates", estimates(deciding, rows, settings, domain))
    chosen = settings.planning
    facts = {"notes": chosen.notes_decided, "decided": chosen.decided, "repeats": chosen.repeats}
    workspace.note(cells=len(deciding[0].truth), seeds=len(deciding), level=settings.bootstrap.level, **facts)


def _how(settings: SurgicalSettings) -> dict[str, int]:
    chosen = settings.planning
    return {"cells": chosen.cells, "repeats": chosen.repeats, "seed": settings.bootstrap.seed}


def estimates(deciding: list[Grid], rows: pd.DataFrame, settings: SurgicalSettings, domain: str) -> pd.DataFrame:
    """The claims of a domain, in points, over bases and seeds."""
    level, chosen = settings.bootstrap.level, settings.planning
    how = _how(settings) | {"cells": chosen.decided, "items": chosen.notes_decided}
    over = lambda *which: summaries.over_groups(deciding, *which, how, level)
    bases = deciding[0].cells["group"].nunique()
    shown = {
        "loss-surgical": over((UNSURE, True), (UNSURE, False), "error"),
        "loss-surgical-regret": over((PLAN, True), (PLAN, False), "regret"),
        "ours-surgical-where": over((UNSURE, True), (RANDOM, True), "error"),
        "ours-plan": over((PLAN, True), (RANDOM, True), "regret"),
    }
    out = [summaries.estimate(claim, ends, level, bases, "bases") for claim, ends in shown.items()]
    bought = rows[(rows["items"] == chosen.notes_decided) & (rows["score"] == deciding[0].score)]
    promised = mean_interval(summaries.kept(bought, "part"), level)
    out.append(summaries.estimate("ours-plan-promise", promised, level, len(deciding), "seeds"))
    return domains.named(pd.DataFrame(out), domain)
