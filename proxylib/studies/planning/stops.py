"""What comes of the promise with which a plan says stop: the stage `plan_stops`.

A correction of promises is learnt on all studies but one and tried on that one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from proxylib.runs.store import Workspace
from proxylib.stats import Interval, mean_interval
from proxylib.studies.planning import grids, summaries
from proxylib.studies.planning.policies import NOTHING, PLAN, RANDOM
from proxylib.studies.planning.published import DECIDED
from proxylib.studies.planning.settings import SurgicalSettings
from proxylib.studies.planning.summaries import DECISION, POINTS, STATES

LAB = "the lab"  # its domains are one study
TOLERANCES = (0.0025, 0.005, 0.01, 0.02)  # shares
DECIDING = 0.01  # the command's own
LEAST = 1e-4  # of a promise, share: what is drawn in 200 worlds may be nothing
AS_IT_IS, OTHERS, BY_LAB = "as it is", "corrected by other studies", "corrected by the lab"


class Correction(NamedTuple):
    """Regret that comes as a power of what is promised.

    level : logarithm of what comes of a promise of 1
    power : 1 where twice the promise is twice the regret
    """

    level: float
    power: float

    def __call__(self, promised: np.ndarray) -> np.ndarray:
        """[n] what is to be expected, shares."""
        return np.exp(self.level) * np.maximum(promised, LEAST) ** self.power


def correction(states: pd.DataFrame) -> Correction:
    """Learn it from states whose regret came: quasi-Poisson, as regret is often nothing, each study with the same weight.

    Parameters
    ----------
    states : columns study, promised, regret (shares)
    """
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    regret = states["regret"].to_numpy(float)
    if not regret.any():
        return Correction(-np.inf, 1.0)  # nothing was ever lost, so nothing is to be expected
    promised = np.log(np.maximum(states["promised"].to_numpy(float), LEAST))
    weights = 1 / states.groupby("study")["study"].transform("size").to_numpy(float)
    design = np.column_stack([np.ones(len(states)), promised])
    fit = GLM(regret, design, family=Poisson(), var_weights=weights / weights.mean()).fit()
    return Correction(*(float(value) for value in fit.params))


def build(step: Any, workspace: Workspace) -> None:
    """Stop every plan where it says so, and compare.

    Parameters
    ----------
    step : its parents are `published`, and `loss_fits` and `verdicts` of every domain
    workspace : receives `stops` (a row per study, tolerance and promise), `misses` (over studies), `corrections`, `estimates`
    """
    settings: SurgicalSettings = step.settings
    recorded = step.parent("published").table("states")
    states = pd.concat([recorded, lab_states(step, settings)], ignore_index=True)
    learnt = corrections(states)
    stops = stopped(states, learnt)
    level = settings.bootstrap.level
    workspace.write_table("stops", stops)
    workspace.write_table("misses", misses(stops, level))
    workspace.write_table("corrections", pd.DataFrame([{"learnt": name} | each._asdict() for name, each in learnt.items()]))
    workspace.write_table("estimates", estimates(stops, against_nothing(states), level))
    workspace.note(level=level, studies=sorted(set(recorded["study"])), tolerance=DECIDING)


def lab_states(step: Any, settings: SurgicalSettings) -> pd.DataFrame:
    """States of plan and random on the grids of every domain, all its judges."""
    several: list[pd.DataFrame] = []
    chosen = settings.planning
    for domain in [role.partition("/")[2] for role in step.parents if role.startswith("loss_fits/")]:
        fits, judged = step.parent(f"loss_fits/{domain}"), step.parent(f"verdicts/{domain}")
        known = grids.scribe(fits.table("cells"), judged.table("verdicts"), judged.table("grades"), domain)
        how = (chosen.notes_decided, chosen.cells, chosen.repeats, settings.bootstrap.seed)
        several.append(summaries.traces(known, *how, known=(PLAN, RANDOM), unknown=()))
    return pd.concat(several, ignore_index=True).assign(study=LAB)


def corrections(states: pd.DataFrame) -> dict[str, Correction]:
    """What each study is corrected by (all others teach it), what all teach, and what the lab alone teaches."""
    rows = summaries.states(states)
    studies = sorted(set(rows["study"]) - {LAB})
    learnt = {f"{OTHERS} than {name}": correction(rows[rows["study"] != name]) for name in studies}
    return learnt | {"by all": correction(rows), BY_LAB: correction(rows[rows["study"] == LAB])}


def stopped(states: pd.DataFrame, learnt: dict[str, Correction]) -> pd.DataFrame:
    """Where plans stop, by study, tolerance and promise.

    Returns
    -------
    study, promise, tolerance; stopped (share of plans that stop), cells (when), promised, regret, miss (points); and of the
    study, in points: nothing, the regret of the lowest loss, nothing bought; always, that of all states compared elsewhere
    """
    plans = states[(states["policy"] == PLAN) & (states["cells"] >= STATES[0])]
    rows = []
    for study, part in plans.groupby("study", sort=False):
        for promise, corrected in _promises(str(study), learnt):
            for tolerance in TOLERANCES:
                row = {"study": study, "promise": promise, "tolerance": POINTS * tolerance}
                rows.append(row | _stop(part.assign(promised=corrected(part["promised"].to_numpy(float))), tolerance))
    frame = pd.DataFrame(rows)
    free, every = states[states["policy"] == NOTHING], summaries.states(states)
    lost = {"nothing": free, "always": every}
    means = {name: part.groupby(DECISION, sort=False)["regret"].mean() for name, part in lost.items()}
    return frame.assign(
        **{name: frame["study"].map(POINTS * summaries.over_all(each, "study")) for name, each in means.items()}
    )


def _promises(study: str, learnt: dict[str, Correction]) -> Iterator[tuple[str, Callable[[np.ndarray], np.ndarray]]]:
    yield AS_IT_IS, lambda promised: promised
    if study != LAB:
        yield OTHERS, learnt[f"{OTHERS} than {study}"]
        yield BY_LAB, learnt[BY_LAB]


def _stop(plans: pd.DataFrame, tolerance: float) -> dict[str, float]:
    """Means over repeats, decisions and grids, each before the next."""
    trace = [*DECISION, "repeat"]
    ends = plans[plans["promised"] <= tolerance].sort_values("cells", kind="stable").drop_duplicates(trace)
    share = len(ends) / len(plans.drop_duplicates(trace))
    if ends.empty:
        return {"stopped": 0.0} | dict.fromkeys(("cells", "promised", "regret", "miss"), np.nan)
    decisions = ends.groupby(DECISION, sort=False)[["cells", "promised", "regret"]].mean()
    means = {name: float(summaries.over_all(decisions[name], "study").iloc[0]) for name in decisions}
    promised, regret = POINTS * means["promised"], POINTS * means["regret"]
    return {"stopped": share, "cells": means["cells"], "promised": promised, "regret": regret, "miss": regret - promised}


def misses(stops: pd.DataFrame, level: float) -> pd.DataFrame:
    """Over published studies, by tolerance and promise.

    Returns
    -------
    promise, tolerance, measure (promised; miss; size of it; size, minus that as it is; nothing: what a promise of nothing
    misses by where the plan stops; nothing, always: in all states), estimate, low, high, n
    """
    rows = []
    for tolerance, part in stops[stops["study"] != LAB].groupby("tolerance"):
        wide = part.pivot(index="study", columns="promise", values=["promised", "miss", "regret", "always"])
        size = wide["miss"].abs()
        for promise in size:
            names = {"promised": "promised", "miss": "miss", "nothing": "regret", "nothing, always": "always"}
            measures = {measure: wide[name][promise] for measure, name in names.items()} | {"size": size[promise]}
            measures["size, minus that as it is"] = size[promise] - size[AS_IT_IS]
            for measure, values in measures.items():
                ends = _over(values.dropna(), level)
                rows.append(
                    {"promise": promise, "tolerance": tolerance, "measure": measure} | ends | {"n": len(values.dropna())}
                )
    return pd.DataFrame(rows)


def _over(values: pd.Series, level: float) -> dict[str, float]:
    ends = mean_interval(values, level) if len(values) else Interval(np.nan, np.nan, np.nan)
    return ends._asdict()


def against_nothing(states: pd.DataFrame) -> pd.Series:
    """Regret after five evaluations by the plan minus that of the lowest loss, nothing bought, by study, in points."""
    return summaries.differences(states, PLAN, NOTHING, "regret", DECIDED, "study")


def estimates(stops: pd.DataFrame, against: pd.Series, level: float) -> pd.DataFrame:
    """The claim on stopping, in points, over published studies; and the plan against nothing, there and in the lab."""
    at = stops[(stops["promise"] == AS_IT_IS) & np.isclose(stops["tolerance"], POINTS * DECIDING) & (stops["study"] != LAB)]
    shown = {
        "ours-plan-stop": at["miss"].dropna(),
        "plan minus nothing, all published": against.drop(LAB),
        "plan minus nothing, the lab": against.loc[[LAB]],
    }
    rows = [(claim, Interval(**_over(values, level)), len(values)) for claim, values in shown.items()]
    return pd.DataFrame([summaries.estimate(claim, ends, level, n, "studies") for claim, ends, n in rows])
