"""Checkpoints chosen on some items, or tasks, and scored on others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from proxylib.alarms import choice
from proxylib.alarms.choice import ChoiceSettings

#: what the chosen checkpoint is scored on
ITEMS, BACK, TASKS = "other items", "other items, the other way", "other tasks"
#: how a checkpoint is chosen
BEST, SHRUNK, UNLESS = "best composite", "best without luck", "last unless told apart"
REPEATS, JUDGED = 200, 40  # halves of items or tasks; those of them on which the slower rules are tried too


def halves(sizes: Sequence[int], rng: np.random.Generator, repeats: int = REPEATS) -> tuple[np.ndarray, np.ndarray]:
    """[repeats, sum of sizes] weights by which items make a composite in which every task counts alike, of two random halves.

    Parameters
    ----------
    sizes : items of each task, in the order in which the items stand; a task of one item is in neither half
    """
    first, second = (np.zeros((repeats, sum(sizes))) for _ in range(2))
    begin, tasks = 0, sum(size > 1 for size in sizes)
    for size in sizes:
        half = size // 2
        for repeat in range(repeats) if half else ():
            order = begin + rng.permutation(size)
            first[repeat, order[:half]] = 1 / (half * tasks)
            second[repeat, order[half:]] = 1 / ((size - half) * tasks)
        begin += size
    return first, second


def judged(choosing: np.ndarray, scoring: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """What the best of a window scores where it was chosen and on what chose nothing.

    Parameters
    ----------
    choosing, scoring : [repeats, n] composites of the window's checkpoints, oldest first

    Returns
    -------
    seen (lead over the last where it was chosen), gain (over the last, fresh), over_mean (over the window's mean, fresh), curse
    (lead over the mean that was luck), last_best (share of repeats), back (how many checkpoints before the last)
    """
    best = np.argmax(choosing + 1e-9 * rng.random(choosing.shape), 1)  # of equals, one at random
    pick = np.arange(len(best))
    leads = [table[pick, best] - table.mean(1) for table in (choosing, scoring)]
    return {
        "seen": float(np.mean(choosing[pick, best] - choosing[:, -1])),
        "gain": float(np.mean(scoring[pick, best] - scoring[:, -1])),
        "over_mean": float(np.mean(leads[1])),
        "curse": float(np.mean(leads[0] - leads[1])),
        "last_best": float(np.mean(best == choosing.shape[1] - 1)),
        "back": float(np.mean(choosing.shape[1] - 1 - best)),
    }


def rules(
    choosing: np.ndarray, scoring: np.ndarray, covariance: np.ndarray, settings: ChoiceSettings, rng: np.random.Generator
) -> dict[str, float]:
    """Rule -> fresh score minus the last checkpoint's, mean over repeats.

    Parameters
    ----------
    choosing, scoring : [repeats, n]; the first `JUDGED` repeats are taken
    covariance : [n, n] of the noise of one row of `choosing`
    settings : of the choice
    """
    gains: dict[str, list[float]] = {BEST: [], SHRUNK: [], UNLESS: []}
    places = np.arange(choosing.shape[1])
    for seen, fresh in zip(choosing[:JUDGED], scoring[:JUDGED], strict=True):
        estimates = seen + 1e-9 * rng.random(len(seen))
        result = choice.chosen(places, estimates, covariance, settings, {})
        taken = {BEST: int(result.at), SHRUNK: int(result.table["shrunk"].argmax()), UNLESS: int(result.advice)}
        for rule, place in taken.items():
            gains[rule].append(float(fresh[place] - fresh[-1]))
    return {rule: float(np.mean(values)) for rule, values in gains.items()}


def noises(choosing: np.ndarray, scoring: np.ndarray) -> tuple[float, float]:
    """Variance between checkpoints about a line that both sides share, and that of the noise of what chooses.

    Notes
    -----
    The deviations of both sides agree only in what checkpoints truly differ by; their product has that variance as its mean,
    and may by luck lie below zero.
    """
    places = np.arange(choosing.shape[1], dtype=float)
    design = np.column_stack([np.ones_like(places), places - places.mean()])
    off = np.eye(len(places)) - design @ np.linalg.pinv(design)
    one, other = choosing @ off, scoring @ off
    freedom = len(places) - 2
    true = float(np.mean((one * other).sum(1)) / freedom)
    return true, float(np.mean((one**2).sum(1)) / freedom) - true


def weighted(choosing: np.ndarray, scoring: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[float, float]:
    """How much the weights of a composite decide.

    Parameters
    ----------
    choosing, scoring : [tasks, n] scores on items that choose and on others

    Returns
    -------
    changed : share of weights, drawn evenly from all that add up to 1, by which another checkpoint is best than by even ones
    lost : even-weighted fresh score of the choice by even weights, minus that of the choices by drawn weights
    """
    jitter = 1e-9 * rng.random(choosing.shape[1])
    plain = int(np.argmax(choosing.mean(0) + jitter))
    drawn = rng.dirichlet(np.ones(len(choosing)), draws)
    best = np.argmax(drawn @ choosing + jitter, 1)
    fresh = scoring.mean(0)
    return float(np.mean(best != plain)), float(fresh[plain] - fresh[best].mean())
