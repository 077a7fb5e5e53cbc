"""From one checkpoint to the next: accuracies that move where the loss hardly does, and how steady both trends are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats as distributions
from statsmodels.stats.multitest import multipletests

SMALL = 0.01  # of the loss: a fall by less is a small step
LATER = 3  # checkpoints on, of which is asked what is left of a rise


@dataclass(frozen=True, eq=False)
class Series:
    """One run.

    Parameters
    ----------
    name, cluster : of the run; what is drawn with it
    loss : [n] at every checkpoint, oldest first
    accuracy : [tasks, n]
    tasks : names
    p : [tasks, n - 1] two-sided, that accuracy did not change from a checkpoint to the next
    """

    name: str
    cluster: str
    loss: np.ndarray
    accuracy: np.ndarray
    tasks: tuple[str, ...]
    p: np.ndarray


def p_of_shares(accuracy: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """[tasks, n - 1] two-sided, of differences of shares as if of other items; both [tasks, n]."""
    error = np.sqrt(variance[:, 1:] + variance[:, :-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(error > 0, np.abs(np.diff(accuracy)) / error, 0.0)
    return 2 * distributions.norm.sf(z)


def p_of_items(right: np.ndarray) -> np.ndarray:
    """[n - 1] McNemar's exact test on the same items; right [n, items] is 0 or 1."""
    gained = ((right[1:] == 1) & (right[:-1] == 0)).sum(1)
    lost = ((right[1:] == 0) & (right[:-1] == 1)).sum(1)
    return np.minimum(1.0, 2 * distributions.binom.cdf(np.minimum(gained, lost), gained + lost, 0.5))


def small_steps(series: Series, level: float) -> dict[str, object]:
    """What accuracy does where the loss falls by less than a hundredth, or rises.

    Returns
    -------
    run, cluster, steps (of them), tests, rises, falls (beyond the items' noise: Holm over all these tests), largest (rise,
    points; nan where there is none), left (the mean share of the rises that is left three checkpoints on)

    Notes
    -----
    Rises are picked because they are large, so that part of each is luck; `left` is what is not. As many falls as rises say
    that checkpoints wobble.
    """
    fell = -np.diff(series.loss) / series.loss[:-1]
    small = np.flatnonzero(fell < SMALL)
    changes = np.diff(series.accuracy)[:, small]
    counts = {"run": series.name, "cluster": series.cluster, "steps": len(small), "tests": changes.size}
    if not changes.size:
        return counts | {"rises": 0, "falls": 0, "largest": np.nan, "left": np.nan}
    beyond = multipletests(series.p[:, small].ravel(), alpha=1 - level, method="holm")[0].reshape(changes.shape)
    up = beyond & (changes > 0)
    tasks, steps = np.nonzero(up)
    ends = np.minimum(small[steps] + 1 + LATER, series.accuracy.shape[1] - 1)
    before = series.accuracy[tasks, small[steps]]
    left = (series.accuracy[tasks, ends] - before) / changes[up] if up.any() else np.array([np.nan])
    return counts | {
        "rises": int(up.sum()),
        "falls": int((beyond & (changes < 0)).sum()),
        "largest": 100 * float(changes[up].max()) if up.any() else np.nan,
        "left": float(np.mean(left)),
    }


def steadiness(values: np.ndarray) -> float:
    """Change of a straight line over the values, in units of their scatter about it; its size, whichever way it goes."""
    places = np.arange(len(values))
    slope, level = np.polyfit(places, values, 1)
    off = np.sqrt(np.sum((values - level - slope * places) ** 2) / (len(values) - 2))
    return float(abs(slope) * (len(values) - 1) / off) if off > 0 else np.nan


def trends(series: Series, last: int) -> dict[str, object]:
    """run, cluster, loss, composite, task: change over scatter of the last checkpoints (of tasks the median); of those that
    change at all.
    """
    tasks = [steadiness(values[-last:]) for values in series.accuracy]
    return {
        "run": series.name,
        "cluster": series.cluster,
        "loss": steadiness(series.loss[-last:]),
        "composite": steadiness(series.accuracy.mean(0)[-last:]),
        "task": float(pd.Series(tasks).median()),
    }


def ratio(frame: pd.DataFrame, against: str) -> pd.Series:
    """Logarithm of loss's steadiness over another's, per run; runs in which one is not defined are left out."""
    logs = np.log(frame["loss"] / frame[against])
    return logs[np.isfinite(logs)]
