"""What came of promises of the plan where scores are known: read from the recorded reference run, never typed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from proxylib.report import words
from proxylib.runs import store
from proxylib.runs.config import ROOT
from proxylib.stats import Interval, mean_interval
from proxylib.studies.planning.report import points
from proxylib.studies.planning.stops import AS_IT_IS, LAB, LEAST, POINTS

OFTEN = 0.25  # of a study's plans: where fewer stop, what they lose is that of a few odd ones


class Came(NamedTuple):
    """Published plans that were told to stop at a promise.

    tolerance : points of it, of those tried the nearest to what was asked
    promised, lost : points, over studies
    studies : how many; those in which a quarter of the plans or more stop at it
    run : id of the recorded run
    """

    tolerance: float
    promised: Interval
    lost: Interval
    studies: int
    run: str


def recorded(tolerance: float, results: Path = ROOT / "results") -> Came | None:
    """What came where plans stopped at about this tolerance (a share); None where no recorded run or one study alone tells."""
    run = store.recorded_run(results, "plan_stops")
    if run is None:
        return None
    stops = run.table("stops")
    tried = np.sort(stops["tolerance"].unique())
    nearest = float(tried[np.abs(np.log(tried / (POINTS * max(tolerance, LEAST)))).argmin()])
    rows = stops[(stops["promise"] == AS_IT_IS) & (stops["tolerance"] == nearest) & (stops["study"] != LAB)]
    rows = rows[rows["stopped"] >= OFTEN]
    if len(rows) < 2:
        return None
    over = {name: mean_interval(rows[name], run.facts["level"]) for name in ("promised", "regret")}
    lost = over["regret"]._replace(low=max(0.0, over["regret"].low))  # nobody loses less than nothing
    return Came(nearest, over["promised"], lost, len(rows), run.run_id)


def in_words(came: Came) -> str:
    """One sentence."""
    return (
        f"in {came.studies} published studies, plans that stopped at {points(came.tolerance / POINTS)} had promised "
        f"{came.promised.estimate:.2g} and lost {words.with_interval(came.lost)}"
    )
