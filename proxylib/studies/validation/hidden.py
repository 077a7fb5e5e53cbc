"""How often an aggregate falls while a domain rises, and how often noise alone makes it look so."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from proxylib.alarms import domains, overfit, plateau
from proxylib.stats import Interval, jackknife_interval, proportion_interval

DRAWS = 200  # simulated runs behind a null
SETTLED = 4  # the first quarter of the checkpoints, where losses fall steeply, says nothing of noise


class Hidden(NamedTuple):
    """Shares of steps between checkpoints at which the mean over domains falls and a domain rises: as seen, and by noise."""

    share: float
    null: float


def discordant(losses: np.ndarray) -> np.ndarray:
    """[...] share of steps at which the mean falls and at least one domain rises, of losses [..., checkpoints, domains]."""
    falls = np.diff(losses.mean(axis=-1), axis=-1) < 0
    return (falls & (np.diff(losses, axis=-2) > 0).any(axis=-1)).mean(axis=-1)


def hidden(wide: pd.DataFrame, seed: int) -> Hidden:
    """`discordant` of a run, beside what it would be if every domain only fell.

    Parameters
    ----------
    wide : a row a checkpoint, a column a domain
    seed : of the simulated runs

    Notes
    -----
    The null: each domain's logarithm of loss as the closest course that never rises, with normal noise of the covariance that
    second differences show, so that wobble which domains share stays shared. The closest course lies level where noise made a
    domain rise, which is where most pairs of steps disagree by noise.
    """
    from sklearn.isotonic import IsotonicRegression

    logs = np.log(wide.to_numpy(float))
    places = np.arange(len(logs))
    courses = np.column_stack([IsotonicRegression(increasing=False).fit_transform(places, column) for column in logs.T])
    bends = np.diff(logs, 2, axis=0)[len(logs) // SETTLED :]
    covariance = bends.T @ bends / len(bends) / 6
    noise = np.random.default_rng(seed).multivariate_normal(np.zeros(logs.shape[1]), covariance, size=(DRAWS, len(logs)))
    return Hidden(float(discordant(np.exp(logs))), float(discordant(np.exp(courses + noise)).mean()))


def long(wide: pd.DataFrame) -> pd.DataFrame:
    """Losses as alarms read them: task, at, value."""
    return wide.rename_axis(index="at", columns=None).reset_index().melt("at", var_name="task", value_name="value")


def looked_at(run: str, wide: pd.DataFrame, seed: int) -> dict[str, object]:
    """One run, by everything that looks at domains.

    Parameters
    ----------
    run : its name
    wide : a row a checkpoint (its place on the axis), a column a domain
    seed : of the simulated runs

    Returns
    -------
    run, checkpoints, share and null (see `Hidden`); paying and stalled (domains that set off the alarms, as text), turned
    (whether the mean sets off the alarm that validation has turned), naive (whether it rises twice in a row), up (share of
    steps at which the mean rises)
    """
    mean = wide.mean(axis=1)
    seen, losses = hidden(wide, seed), long(wide)
    whole = overfit.overfit(long(mean.to_frame("mean")))
    return {
        "run": run,
        "checkpoints": len(wide),
        **seen._asdict(),
        "paying": ", ".join(sorted(domains.cannibalised(losses)["task"])),
        "stalled": ", ".join(sorted(plateau.plateau(losses)["task"])),
        "turned": len(whole) > 0,
        "naive": overfit.naive(mean.to_numpy()) is not None,
        "up": float((np.diff(mean) > 0).mean()),
    }


def over_pairs(losses: np.ndarray, level: float, which: Literal["any", "mean"] = "any") -> Interval:
    """Of pairs of models, those in which the one with the lower mean loss has a higher loss on some set.

    Parameters
    ----------
    losses : [models, sets]
    level : of the interval, over models (jackknife; where all agree, Wilson's as if each model were a trial)
    which : the share of such pairs, or the mean share of the sets on which the better model is worse
    """
    means = losses.mean(axis=1)
    better = means[:, None] < means[None, :]
    higher = losses[:, None, :] > losses[None, :, :]
    worse = better * (higher.any(axis=-1) if which == "any" else higher.mean(axis=-1))
    whole, part = better.sum(), worse.sum()
    less_part = part - worse.sum(axis=0) - worse.sum(axis=1)
    less_whole = whole - better.sum(axis=0) - better.sum(axis=1)
    interval = jackknife_interval(part / whole, less_part / less_whole, level)
    if interval.low < interval.high:
        return Interval(interval.estimate, max(0.0, interval.low), min(1.0, interval.high))
    return proportion_interval(round(interval.estimate * len(losses)), len(losses), level)
