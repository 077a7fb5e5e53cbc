"""Losses that rise or stall: which alarm a rise is depends on what the training loss and the other losses did."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from proxylib.alarms import domains, overfit, plateau, regression, rises, table
from proxylib.data.histories.measured import TRAIN, VALIDATION, spelled

MOST_PLACES = 100  # checkpoints of a loss that are compared with each other; of more, means of as many neighbours
SIMULATED = 400  # level losses behind a threshold, per loss that shares it, and at least `rises` own number of them
MOST_SIMULATED = 20_000
#: names of what is a mean of other losses, and no domain
WHOLE = {"", "all", "total", "aggregate", "mean", "average", "overall", "avg", "macro", "combined"}
OF_LOSS = {
    "loss",
    "eval",
    "validation",
    "val",
    "valid",
    "test",
    "dev",
    "nll",
    "ce",
    "lm",
    "bpb",
    "train",
    "perplexity",
    "ppl",
    "celoss",
}
LATER = 4  # checkpoints after an alarm before a loss can have left its plateau


def is_whole(name: str) -> bool:
    """Whether a loss of this name is the mean of others: eval_loss, validation/all/loss."""
    return " ".join(word for word in spelled(name).split() if word not in OF_LOSS) in WHOLE


def grids(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Series that were measured at the same places, together, without what has no value."""
    there = rows[rows["value"].notna()]
    keys = there.groupby("task", sort=False)["at"].agg(lambda at: hash(at.to_numpy().tobytes()))
    for key in dict.fromkeys(keys):
        yield there[there["task"].map(keys) == key]


def averaged(rows: pd.DataFrame, most: int = MOST_PLACES) -> pd.DataFrame:
    """task, at and value; of long series means of neighbours, each where its last one lies."""
    places = np.sort(rows["at"].unique())
    every = -(-len(places) // most)
    if every <= 1:
        return rows[["task", "at", "value"]]
    last = places[::-1][np.minimum((len(places) - 1 - np.arange(len(places))) // every * every, len(places) - 1)]
    ends = dict(zip(places, last, strict=True))
    return rows.assign(at=rows["at"].map(ends)).groupby(["task", "at"], sort=False, as_index=False)["value"].mean()


def risen(losses: pd.DataFrame, error: float) -> pd.DataFrame:
    """Alarms of losses that have risen, each under the name of what it is.

    Parameters
    ----------
    losses : columns task, split, at, value
    error : chance of any false alarm, over all losses; grids of places share it

    Returns
    -------
    See `alarms.table`: `cannibalised` where the mean of the held-out losses fell meanwhile; else `overfit` where the training
    loss fell, or none is known; else `regression`, as the whole run came apart
    """
    groups = [averaged(part).assign(split=part["split"].iloc[0]) for part in _apart(losses)]
    if not groups:
        return table.frame([])
    training = losses[(losses["split"] == TRAIN) & losses["value"].notna()]
    one = training[training["task"] == training["task"].iloc[0]][["at", "value"]] if len(training) else None
    return table.joined(_of_grid(group, one, error / len(groups)) for group in groups)


def _apart(losses: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for grid in grids(losses):
        yield from (part for _, part in grid.groupby("split", sort=False))


def _of_grid(losses: pd.DataFrame, training: pd.DataFrame | None, error: float) -> pd.DataFrame:
    number = losses["task"].nunique()
    draws = min(MOST_SIMULATED, max(rises.RiseSettings().draws, math.ceil(SIMULATED * number)))
    how = rises.RiseSettings(error=error, draws=draws)
    alarms = rises.risen(regression.NAME, losses, how)
    if alarms.empty or losses["split"].iloc[0] == TRAIN:
        return alarms
    whole = [task for task in losses["task"].unique() if is_whole(task)]
    total = losses[losses["task"] == whole[0]].set_index("at")["value"] if whole else None
    turned = set(overfit.overfit(losses, training, how)["task"])
    paying = set(domains.cannibalised(losses, total, how)["task"]) - set(whole) if number > 1 + len(whole) else set()
    name = lambda task: domains.NAME if task in paying else overfit.NAME if task in turned else regression.NAME
    return alarms.assign(alarm=alarms["task"].map(name))


def stalled(losses: pd.DataFrame, error: float) -> pd.DataFrame:
    """Alarms of held-out losses that no longer fall while their mean does, or, where there is one alone, at all."""
    held = losses[(losses["split"] == VALIDATION) & (losses["at"] > 0)]
    groups = [averaged(part) for part in grids(held) if (part["value"] > 0).all()]
    return table.joined(plateau.plateau(group, settings=plateau.PlateauSettings(error=error / len(groups))) for group in groups)


def left_plateau(alarm: tuple, losses: pd.DataFrame) -> bool:
    """Whether a loss that had stalled falls again, at its share of the pace of the others."""
    held = losses[(losses["split"] == VALIDATION) & (losses["value"] > 0) & (losses["at"] >= alarm.at)]
    wide = held.pivot(index="at", columns="task", values="value").dropna(axis=1)
    if len(wide) <= LATER or alarm.task not in wide:
        return False
    half = len(wide) // 2
    fall = -np.log(wide.iloc[half:].mean() / wide.iloc[:half].mean())
    share, pace = plateau.PlateauSettings().share, plateau.PlateauSettings().pace
    doublings = np.log2(wide.index[half:].to_numpy(float).mean() / wide.index[:half].to_numpy(float).mean())
    return bool(fall[alarm.task] > (share * fall.mean() if len(fall) > 1 else pace * doublings))
