"""What signals look like along a watched run: which follow a power law, and which can be read first.

A law is clean where it foretells checkpoints that it has not seen nearly as well as a spline does, and within a small part of
what the signal moves in all. Both bars were fixed on simulated series (experiment log).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from proxylib.laws import batches
from proxylib.measure import proxies
from proxylib.studies.forecasting.lab_runs import LAST_PART, SIGNALS, Watched, limits

KNOTTED = 6  # degrees of freedom of the spline
AS_GOOD, CLOSE = 1.25, 0.05  # most that the law's error may be: times the spline's, and of the series' range
WOBBLES = 3  # times its wobble, by which a signal has moved
ACCURACY = "accuracy"


def left_out_by_power(steps: np.ndarray, values: np.ndarray, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """[series, n - 2] errors of the power law at each inner checkpoint, which it was not fitted to."""
    inner = range(1, len(steps) - 1)
    errors = np.empty((len(values), len(inner)))
    for column, place in enumerate(inner):
        kept = np.arange(len(steps)) != place
        law = batches.powers(steps[kept], values[:, kept], least, most)
        errors[:, column] = values[:, place] - law.predict(steps[place])[:, 0]
    return errors


def left_out_by_spline(steps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """[series, n - 2] errors of a natural cubic spline in log steps at each inner checkpoint, which it was not fitted to."""
    from patsy import dmatrix

    basis = np.asarray(dmatrix(f"cr(x, df={KNOTTED}) - 1", {"x": np.log(steps)}))
    hat = basis @ np.linalg.pinv(basis)
    return ((values - values @ hat.T) / (1 - np.diag(hat)))[:, 1:-1]


def clean(runs: Sequence[Watched]) -> pd.DataFrame:
    """Every series of the eighty: does it follow a power law?

    Returns
    -------
    columns run, task, proxy, law and spline (left-out root mean squared errors as shares of the series' range), clean; no row
    for a run with too few checkpoints for the spline
    """
    least, most = (end[: len(proxies.NAMES)] for end in limits())
    frames = []
    for run in runs:
        places = run.spaced
        if len(places) < KNOTTED + 2:
            continue
        steps = run.steps[places].astype(float)
        for task, signals in zip(run.tasks, run.signals, strict=True):
            values = signals[: len(proxies.NAMES)][:, places]
            span = np.ptp(values, axis=1)
            both = left_out_by_power(steps, values, least, most), left_out_by_spline(steps, values)
            with np.errstate(invalid="ignore", divide="ignore"):
                law, spline = (np.sqrt((errors**2).mean(1)) / span for errors in both)
            fine = (law <= AS_GOOD * spline) & (law <= CLOSE)
            rows = {"run": run.name, "task": task, "proxy": proxies.NAMES, "law": law, "spline": spline, "clean": fine}
            frames.append(pd.DataFrame(rows))
    columns = {"run": str, "task": str, "proxy": str, "law": float, "spline": float, "clean": bool}
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(columns)).astype(columns)


def wobble(steps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """[series] spread of values [series, n] about a straight line over the last fifth of a run."""
    late = steps >= LAST_PART * steps[-1]
    x = np.stack([np.ones(late.sum()), steps[late]], axis=1)
    left = values[:, late] - values[:, late] @ (x @ np.linalg.pinv(x)).T
    return np.sqrt((left**2).sum(1) / max(late.sum() - 2, 1))


def first_lasting(moved: np.ndarray) -> np.ndarray:
    """[series] the first of two successive places where [series, n] holds; the last place where it never does."""
    twice = moved[:, :-1] & moved[:, 1:]
    return np.where(twice.any(1), twice.argmax(1), moved.shape[1] - 1)


def earliest(runs: Sequence[Watched]) -> pd.DataFrame:
    """When every signal, and accuracy, has left where it began.

    Returns
    -------
    columns run, task, signal, share (of the run's steps)
    """
    frames = []
    for run in runs:
        places = run.spaced
        shares = run.steps[places] / run.steps[-1]
        for task, signals, off in zip(run.tasks, run.signals, run.off, strict=True):
            moved = np.abs(signals[:, places] - signals[:, places[:1]]) > WOBBLES * wobble(run.steps, signals)[:, None]
            at = first_lasting(np.vstack([moved, off[places]]))
            frames.append(pd.DataFrame({"run": run.name, "task": task, "signal": [*SIGNALS, ACCURACY], "share": shares[at]}))
    return pd.concat(frames, ignore_index=True)
