"""The stage: prices, checks, and what the claim would need."""

from __future__ import annotations

import pandas as pd

from proxylib.judging.criteria import LM_JUDGE
from proxylib.runs.store import Workspace
from proxylib.studies.scale import claim, extension, power, prices
from proxylib.studies.scale.settings import ScaleSettings


def build(step, workspace: Workspace) -> None:
    """All that is counted.

    Parameters
    ----------
    step : a declared `scale` step; its parent is the fits of the scribe grid
    workspace : receives `cells` and `totals` (prices), `checks` (published throughputs), `ends` (of the post's line), `left`
        (of the loss, by published exponents), `extended` and `checked` (our lines), `needed` (configurations)
    """
    settings: ScaleSettings = step.settings
    level = settings.bootstrap.level
    priced = prices.cells(settings.grid, settings.scale)
    beyond = claim.factors(settings.grid, settings.scale)
    ours = grid(step.parent("loss_fits").table("cells"))
    parameters, examples = ours["parameters"].max(), ours["examples"].max()
    claimed = prices.shapes()[settings.scale.largest].parameters / parameters, settings.scale.most / examples
    at = {"twice as far": (2.0, 2.0), "as far as the claim": (beyond["size"], beyond["data"]), "its very numbers": claimed}
    tables = {
        "cells": priced,
        "totals": prices.totals(priced, settings.grid),
        "checks": prices.checks(),
        "ends": claim.ends(),
        "left": claim.left(beyond["size"], beyond["data"]),
        "extended": extension.extended(ours, LM_JUDGE, at, level),
        "checked": extension.checked(ours, LM_JUDGE),
        "needed": power.table(claim.line()[1], level),
    }
    for name, table in tables.items():
        workspace.write_table(name, table)
    workspace.note(**{f"times_{name}": value for name, value in beyond.items()}, level=level, bases=ours["base"].nunique())


def grid(cells: pd.DataFrame) -> pd.DataFrame:
    """Configurations of the first schedule: means over seeds that did not diverge."""
    kept = cells[(cells["schedule"] == cells["schedule"].iloc[0]) & ~cells["diverged"].astype(bool)]
    return kept.groupby(["base", "parameters", "examples"], as_index=False)[["final_loss", LM_JUDGE]].mean()
