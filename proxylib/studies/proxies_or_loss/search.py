"""What looking through eighty statistics finds where there is nothing, and where there is nothing beyond loss."""

from __future__ import annotations

from itertools import islice, permutations

import numpy as np
import pandas as pd

from proxylib.measure import proxies
from proxylib.stats import Bootstrap
from proxylib.studies.proxies_or_loss.grid import FINAL, Grid
from proxylib.studies.proxies_or_loss.strengths import pearson

STRENGTH, GAIN = "best of eighty", "best of eighty minus final loss"
SINGLE, WHOLE = "configurations", "whole bases"


def search(grid: Grid, bootstrap: Bootstrap) -> pd.DataFrame:
    """The best correlation of eighty, in either direction, beside what the same search finds without a signal.

    Returns
    -------
    score, quantity, shuffled (what is: single configurations, or whole bases), estimate, null (mean of the shuffles), bar
    (below which the level's share of them stays), p, n (shuffles). `STRENGTH`: the size of the best correlation, scores
    shuffled. `GAIN`: that minus the size of final loss's; scores are their line in final loss and its shuffled residuals.

    Notes
    -----
    Residuals of one base are alike, as they share a pretraining; shuffled singly they are taken for independent, and the bar
    is too low. Whole bases have few orders (five: 120), so that p cannot be below one in as many.
    """
    rows = []
    eighty, loss = grid.signals[list(proxies.NAMES)].to_numpy(float), grid.signals[FINAL].to_numpy(float)
    orders = {SINGLE: _single(len(loss), bootstrap), WHOLE: _whole(grid, bootstrap.draws)}
    for score in grid.scores:
        y = grid.scores[score].to_numpy(float)
        line = np.poly1d(np.polyfit(loss, y, 1))(loss) if np.ptp(loss) > 0 else np.full(len(y), y.mean())
        for shuffled, order in orders.items():
            if len(order) < 2:
                continue
            for quantity, values in {
                STRENGTH: _best(eighty, y[order]),
                GAIN: _gain(eighty, loss, line + (y - line)[order]),
            }.items():
                rows.append({"score": score, "quantity": quantity, "shuffled": shuffled} | _beside(values, bootstrap.level))
    return pd.DataFrame(rows, columns=["score", "quantity", "shuffled", "estimate", "null", "bar", "p", "n"])


def _beside(values: np.ndarray, level: float) -> dict[str, float]:
    """The first value, as found, beside all of the shuffles; it counts as one of them."""
    null = values[1:]
    p = float((values >= values[0] - 1e-12).mean())
    return {"estimate": values[0], "null": null.mean(), "bar": float(np.quantile(null, level)), "p": p, "n": len(null)}


def _single(count: int, bootstrap: Bootstrap) -> np.ndarray:
    """[1 + draws, configurations] the order as it is, then shuffles."""
    rng = np.random.default_rng(bootstrap.seed)
    return np.vstack([np.arange(count), [rng.permutation(count) for _ in range(bootstrap.draws)]])


def _whole(grid: Grid, most: int) -> np.ndarray:
    """[orders, configurations] bases in every order, each with its configurations; the order as it is comes first.

    One row alone where bases have different numbers of examples: they cannot change places.
    """
    blocks = [group.index.to_numpy() for _, group in grid.place.groupby("base", sort=False)]
    amounts = {tuple(grid.place["examples"].iloc[block]) for block in blocks}
    if len(amounts) > 1:
        return np.arange(len(grid.place))[None]
    table = np.empty((0, len(grid.place)), int)
    places = np.concatenate(blocks)
    for order in islice(permutations(blocks), most + 1):
        row = np.empty(len(places), int)
        row[places] = np.concatenate(order)
        table = np.vstack([table, row])
    return table


def _best(eighty: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[rows of y] size of the best correlation with one of the columns; what does not vary has none."""
    sizes = np.abs(pearson(eighty, y.T))
    return np.where(np.isfinite(sizes), sizes, 0.0).max(0)


def _gain(eighty: np.ndarray, loss: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _best(eighty, y) - _best(loss[:, None], y)
