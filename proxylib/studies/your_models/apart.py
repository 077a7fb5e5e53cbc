"""Which models the traces tell apart, and what would tell the others: more problems, or more trainings.

An interval over problems says how far other problems would move a model. How far another training of the same recipe would
move it, no trace can say: with one model for each corpus, the luck of its seed looks like the corpus.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.report import tables
from proxylib.runs import store
from proxylib.runs.config import ROOT
from proxylib.stats import Decision, Drawn, Interval, decide

POWER = 0.8  # of so many repetitions with as many problems, the share that would tell two apart
#: rows of the recorded table
NAMED, SEEDS = "top-1, inverse frequency", "SD between seeds"


class Seeds(NamedTuple):
    """How far models of the lab moved when they were trained again, by the proxy named in advance.

    deviation : standard deviation of one training, as a share
    models : that were trained twice
    run : id
    """

    deviation: Interval
    models: int
    run: str


def seeds(results: Path = ROOT / "results") -> Seeds | None:
    """From the recorded reference run; None where that is not at hand."""
    run = store.recorded_run(results, "training_noise")
    if run is None:
        return None
    moves = run.table("moves")
    row = tables.row(moves, measure=NAMED, quantity=SEEDS)
    return Seeds(Interval(*map(float, row[tables.ENDS])), int(row["models"]), run.run_id)


def pairs(drawn: Mapping[str, Drawn], order: list[str], sign: int, problems: int) -> pd.DataFrame:
    """Every pair of models, the better by the proxy first.

    Parameters
    ----------
    drawn : model -> the proxy, of one resampling of the problems
    order : models, best first
    sign : +1 where more is better
    problems : that were drawn

    Returns
    -------
    better, worse, gap, low, high (of the paired difference), told (whether the interval leaves out zero), problems (about how
    many would tell the two apart, at `POWER`, if they differ by as much as they seem to; nan where they are told apart,
    infinite where they do not differ at all)

    Notes
    -----
    The spread of the difference falls as one over the root of the number of problems, with the share of each task as it is.
    The difference of two that are not told apart may be anything in its interval: the number is no promise.
    """
    rows = []
    for place, better in enumerate(order):
        for worse in order[place + 1 :]:
            difference = drawn[better].minus(drawn[worse])
            gap, *ends = (sign * value for value in difference.interval())
            interval = Interval(gap, min(ends), max(ends))
            told = decide(interval) is not Decision.UNDECIDED
            spread = float(difference.draws.std())
            enough = np.nan if told else max(problems + 1.0, _times(gap, spread, difference.level) * problems)
            rows.append((better, worse, *interval, told, np.ceil(enough)))
    return pd.DataFrame(rows, columns=["better", "worse", "gap", "low", "high", "told", "problems"])


def trainings(gaps: pd.Series, deviation: float, level: float) -> pd.Series:
    """About how many trainings of each of two recipes would tell them apart, if a model of theirs varied by `deviation`.

    Parameters
    ----------
    gaps : differences of pairs of models
    deviation : standard deviation of one training
    level : coverage of the interval that is to leave out zero

    Returns
    -------
    At least 1, at `POWER`; infinite where two do not differ
    """
    return pd.Series([np.ceil(max(1.0, _times(gap, np.sqrt(2) * deviation, level))) for gap in gaps], gaps.index)


def least_gap(deviation: float, level: float) -> float:
    """The difference that two models of one training each would seldom reach by the luck of their seeds."""
    from scipy.stats import norm

    return float(norm.ppf((1 + level) / 2) * np.sqrt(2) * deviation)


def _times(gap: float, spread: float, level: float) -> float:
    """By how much a sample has to grow for an interval of its level to leave out zero at `POWER`."""
    from scipy.stats import norm

    reach = norm.ppf((1 + level) / 2) + norm.ppf(POWER)
    return float((reach * spread / abs(gap)) ** 2) if gap else np.inf
