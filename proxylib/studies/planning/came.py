"""What came of promises of the plan where scores are known: read from the recorded reference run, never typed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from proxylib.report import tables, words
from proxylib.runs import store
from proxylib.runs.config import ROOT
from proxylib.stats import Interval
from proxylib.studies.planning.report import points
from proxylib.studies.planning.stops import AS_IT_IS, LEAST, POINTS


class Came(NamedTuple):
    """Published plans that were told to stop at a promise.

    tolerance : points of it, of those tried the nearest to what was asked
    promised, lost : points, over studies
    studies : how many
    run : id of the recorded run
    """

    tolerance: float
    promised: Interval
    lost: Interval
    studies: int
    run: str


def recorded(tolerance: float, results: Path = ROOT / "results") -> Came | None:
    """What came where plans stopped at about this tolerance (a share); None where no recorded run is at hand."""
    run = store.recorded_run(results, "plan_stops")
    if run is None:
        return None
    misses = run.table("misses")
    tried = np.sort(misses["tolerance"].unique())
    nearest = float(tried[np.abs(np.log(tried / (POINTS * max(tolerance, LEAST)))).argmin()])
    ends = lambda measure: tables.interval(misses, promise=AS_IT_IS, tolerance=nearest, measure=measure)
    return Came(nearest, ends("promised"), ends("nothing"), len(run.facts["studies"]), run.run_id)


def in_words(came: Came) -> str:
    """One sentence."""
    return (
        f"in {came.studies} published studies, plans that stopped at {points(came.tolerance / POINTS)} had promised "
        f"{came.promised.estimate:.2g} and lost {words.with_interval(came.lost)}"
    )
