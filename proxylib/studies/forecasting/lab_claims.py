"""What is claimed of forecasts in the lab, as quantities with intervals: runs are drawn whole with their tasks.

With six runs, Student's quantile with a degree of freedom fewer than runs stands in for percentiles, which would be too near.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.stats import Bootstrap, Interval
from proxylib.studies.forecasting.lab_curves import ACCURACY
from proxylib.studies.forecasting.lab_methods import CHOICES, EIGHTY, LAST_SCORE, NAMED, OTHERS, POWER, Forecasts, methods
from proxylib.studies.forecasting.lab_runs import CLAIMED, LAST, PROSE, SIGNALS, Watched

LEAST_RUNS = 3  # with a pair off the floor, below which nothing is decided
WINDOWS = (18, 6, 3, 2)  # times the window that a run is long; the first is the claim's
OFF, ALL = "off the floor", "all"  # the pairs that an error is over
BEFORE, AFTER = "pretraining", "post-training"
PROSE_METHOD = next(name for name, signals in CHOICES.items() if signals == (PROSE,))
UNIT = "training runs"
CLAIM_COLUMNS = ["claim", "estimate", "low", "high", "null", "n"]
#: rows of the scoreboard -> phase, and the claim there
CLAIMS = {
    "forecast-half-error": (BEFORE, "half-error"),
    "forecast-post-training": (AFTER, "half-error"),
    "forecast-loss-smooth": (BEFORE, "loss-smooth"),
    "forecast-early": (BEFORE, "early"),
    "forecast-power-laws": (BEFORE, "power-laws"),
    "ours-forecast-last": (BEFORE, "persistence"),
    "ours-forecast-clean": (BEFORE, "eighty-clean"),
}


class Draws:
    """Runs drawn whole with their pairs, for root mean squared errors and means over pairs.

    Parameters
    ----------
    pairs : [runs, tasks] those that count
    bootstrap : draws, level and seed
    """

    def __init__(self, pairs: np.ndarray, bootstrap: Bootstrap):
        self.pairs, self.level = pairs, bootstrap.level
        self.runs = np.flatnonzero(pairs.any(1))
        drawn = bootstrap.over(self.runs).weights if len(self.runs) > 1 else np.ones((1 + bootstrap.draws, len(self.runs)))
        self.weights = drawn

    def mean(self, values: np.ndarray) -> np.ndarray:
        """[1 + draws] mean over pairs of values [runs, tasks]; nan where there are none."""
        kept = np.where(self.pairs, values, 0.0).sum(1)[self.runs], self.pairs.sum(1)[self.runs]
        total, count = (self.weights @ part for part in kept)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def root(self, errors: np.ndarray) -> np.ndarray:
        """[1 + draws] root mean squared error over pairs."""
        return np.sqrt(self.mean(errors**2))

    def interval(self, values: np.ndarray, logs: bool = False) -> Interval:
        """Student's interval; of logarithms, given back as what they are of; nan ends for fewer than `LEAST_RUNS` runs."""
        with np.errstate(divide="ignore"):
            scaled = np.log(values) if logs else values
        if len(self.runs) < LEAST_RUNS or not np.isfinite(scaled[0]):
            return Interval(float(values[0]), np.nan, np.nan)
        ends = stats.Drawn(scaled[0], scaled[1:], self.level, len(self.runs)).student()
        return Interval(*(float(np.exp(end)) for end in ends)) if logs else ends


def luck(runs: Sequence[Watched], pairs: np.ndarray) -> float:
    """What another draw of as many problems would move the target by: root mean square of binomial standard errors."""
    squares = np.stack([run.target * (1 - run.target) / run.problems for run in runs])
    return float(np.sqrt(squares[pairs].mean())) if pairs.any() else np.nan


def ratio_to_better(seen: Forecasts, drawn: Draws) -> Interval:
    """Error of the proxy that is held in over the smaller of two: loss on prose, and the power law in steps."""
    by_method = methods(seen)
    proxy, prose, power = (
        drawn.root(by_method[key][0] - seen.target) for key in ((EIGHTY, "own"), (PROSE_METHOD, "own"), (POWER, "none"))
    )
    return drawn.interval(proxy / np.fmin(prose, power), logs=True)


def contrasts(seen: Forecasts, off: Draws, whole: Draws) -> pd.DataFrame:
    """The proxy that is held in beside others, paired.

    Returns
    -------
    columns over ("off the floor", "all"), map, what, estimate, low, high, n (pairs), runs: errors over those of another, and
    "minus the last accuracy" the difference. Borrowed maps need no pair to be off the floor
    """
    by_method = methods(seen)
    root = lambda drawn, key: drawn.root(by_method[key][0] - seen.target)

    def over(drawn: Draws, key: tuple[str, str], way: str) -> Interval:
        with np.errstate(divide="ignore", invalid="ignore"):  # a forecast without any error, in a profile too small to learn
            return drawn.interval(root(drawn, (EIGHTY, way)) / root(drawn, key), logs=True)

    rows = [
        (OFF, "own", "over the better of prose loss and power law", ratio_to_better(seen, off), off),
        (OFF, "own", "minus the last accuracy", over_last(seen, off), off),
        (ALL, "borrowed", "over loss on prose", over(whole, (PROSE_METHOD, "borrowed"), "borrowed"), whole),
        (ALL, "borrowed", "over where other runs end", over(whole, (OTHERS, "none"), "borrowed"), whole),
    ]
    frame = [(*names, *ends, int(drawn.pairs.sum()), len(drawn.runs)) for *names, ends, drawn in rows]
    return pd.DataFrame(frame, columns=["over", "map", "what", *Interval._fields, "n", "runs"])


def over_last(seen: Forecasts, drawn: Draws) -> Interval:
    """Error of the proxy that is held in minus that of the last accuracy."""
    by_method = methods(seen)
    proxy, last = (drawn.root(by_method[key][0] - seen.target) for key in ((EIGHTY, "own"), (LAST_SCORE, "none")))
    return drawn.interval(proxy - last)


def loss_and_tasks(runs: Sequence[Watched], seen: Forecasts, drawn: Draws) -> dict[str, Interval]:
    """How far off prose loss is when extended to the end, as a share of its fall; accuracy read off it; the difference."""
    place = SIGNALS.index(PROSE)
    first, end = (np.stack([run.signals[:, place, at].mean(-1) for run in runs]) for at in (slice(0, 1), slice(-LAST, None)))
    of_loss = np.abs(seen.extended[..., place] - end) / np.abs(first - end)
    of_score = np.abs(methods(seen)[PROSE_METHOD, "own"][0] - seen.target)
    parts = {"loss": of_loss, "accuracy": of_score, "difference": of_loss - of_score}
    return {name: drawn.interval(drawn.mean(values)) for name, values in parts.items()}


def early_ranks(runs: Sequence[Watched], level: float) -> pd.DataFrame:
    """Does what is seen by the end of the claim's window order runs as their ends do? Mean over tasks of rank correlations.

    Returns
    -------
    columns signal ("accuracy", or the named proxy), estimate, low, high (each run left out in turn), n (runs); no row for fewer
    than four runs. A task in which either is the same in all runs counts as nothing told
    """
    if len(runs) < 4:
        return pd.DataFrame(columns=["signal", *stats.Interval._fields, "n"])
    target = np.stack([run.target for run in runs])
    at = [run.last_known(CLAIMED) for run in runs]
    early = {
        ACCURACY: np.stack([run.accuracy[:, place] for run, place in zip(runs, at, strict=True)]),
        NAMED: np.stack([run.signals[:, SIGNALS.index(NAMED), place] for run, place in zip(runs, at, strict=True)]),
    }
    kept = np.vstack([np.ones(len(runs)), 1 - np.eye(len(runs))])
    rows = []
    for name, values in early.items():
        each = [stats.spearman_draws(x, y, kept, undefined=0.0) for x, y in zip(values.T, target.T, strict=True)]
        mean = np.mean(each, axis=0)
        rows.append((name, *stats.jackknife_interval(mean[0], mean[1:], level, correlation=True), len(runs)))
    return pd.DataFrame(rows, columns=["signal", *stats.Interval._fields, "n"])


def mean_of_runs(values: Sequence[float], level: float) -> Interval:
    """Student's interval of a mean of shares over runs, from a value a run; nan ends for fewer than `LEAST_RUNS`.

    Where all runs say none, or all, the interval is Wilson's, as if each were one trial: agreement is no certainty.
    """
    values = np.asarray(values, float)
    if not len(values):
        return Interval(np.nan, np.nan, np.nan)
    if len(values) >= LEAST_RUNS and values[0] in (0, 1) and np.ptp(values) == 0:
        return Interval(*stats.proportion_interval(int(values.sum()), len(values), level))
    return stats.mean_interval(values, level) if len(values) >= LEAST_RUNS else Interval(float(values.mean()), np.nan, np.nan)


def first_moved(moved: pd.DataFrame, level: float) -> pd.DataFrame:
    """When signals have moved, as a share of a run: geometric mean over tasks, then over runs.

    Returns
    -------
    columns signal, estimate, low, high, n (runs)
    """
    rows = []
    logs = moved.assign(share=np.log(moved["share"])).groupby(["signal", "run"], sort=False)["share"].mean()
    for signal, values in logs.groupby("signal", sort=False):
        rows.append((signal, *np.exp(mean_of_runs(values, level)), len(values)))
    return pd.DataFrame(rows, columns=["signal", "estimate", "low", "high", "n"])


def estimates(claims: pd.DataFrame, level: float) -> pd.DataFrame:
    """The scoreboard's rows: claim, estimate, low, high, null, n, level, n_unit; only what has an estimate."""
    rows = claims.set_index(["phase", "claim"])
    frame = pd.DataFrame([(name, *rows.loc[key]) for name, key in CLAIMS.items() if key in rows.index], columns=CLAIM_COLUMNS)
    return frame[np.isfinite(frame["estimate"])].astype({"n": int}).assign(level=level, n_unit=UNIT).reset_index(drop=True)
