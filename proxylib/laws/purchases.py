"""What further evaluations are worth: the score that is lost by taking the configuration that seems best, before and after.

Everything is reckoned inside of one normal distribution over true scores (`laws.surface`): worlds are drawn from it, purchases
are made in each, and the choice is compared with the best of that world.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from proxylib.laws.surface import Surface

NODES = 9  # of what is read, over which is integrated
TRIED, MOST_TRIED = 100, 60  # worlds in which a purchase is tried, and configurations: the most promising
LEAST = 1e-4  # share of items that a purchase must gain to be one


class Worlds(NamedTuple):
    """Worlds that could be, and what somebody who lives in them believes.

    truth : [worlds, n] scores
    believed : [worlds, n] means after what was bought there
    covariance : [n, n] of what is left in doubt, the same in all
    """

    truth: np.ndarray
    believed: np.ndarray
    covariance: np.ndarray

    def regret(self) -> np.ndarray:
        """[worlds] what the choice loses there."""
        chosen = self.believed.argmax(1)
        return self.truth.max(1) - np.take_along_axis(self.truth, chosen[:, None], 1)[:, 0]


def worlds(known: Surface, number: int, seed: int) -> Worlds:
    """Draw worlds from what is known."""
    values, vectors = np.linalg.eigh(known.covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    normal = np.random.default_rng(seed).standard_normal((number, len(known.mean)))
    truth = known.mean + normal @ root.T
    return Worlds(truth, np.broadcast_to(known.mean, truth.shape), known.covariance)


def bought(drawn: Worlds, at: int, variance: float, luck: np.ndarray) -> Worlds:
    """Worlds after one evaluation of one configuration.

    Parameters
    ----------
    variance : of the score that is read about the true one
    luck : [worlds] standard normal
    """
    read = drawn.truth[:, at] + np.sqrt(variance) * luck
    along = drawn.covariance[:, at]
    whole = max(along[at] + variance, 1e-15)
    believed = drawn.believed + (read - drawn.believed[:, at])[:, None] * along / whole
    return Worlds(drawn.truth, believed, drawn.covariance - np.outer(along, along) / whole)


def gains(drawn: Worlds, at: int, variances: np.ndarray) -> np.ndarray:
    """[options] how far the expected score of the choice rises with one evaluation of one configuration.

    Parameters
    ----------
    variances : [options] of the score that is read about the true one

    Notes
    -----
    Never below 0, as what is read is integrated over, not drawn; 0 for what cannot change the choice (knowledge gradient,
    Frazier, Powell and Dayanik 2009).
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    believed = np.unique(drawn.believed, axis=0) if (drawn.believed == drawn.believed[0]).all() else drawn.believed
    along, now = drawn.covariance[:, at], believed.max(1)
    gained = []
    for variance in variances:
        step = along / np.sqrt(max(along[at] + variance, 1e-15))
        then = np.stack([(believed + node * step).max(1) for node in nodes], axis=1) @ (weights / weights.sum())
        gained.append((then - now).mean())
    return np.array(gained)


def best(drawn: Worlds, variances: np.ndarray, prices: np.ndarray) -> tuple[int, int] | None:
    """The purchase that gains most for its price.

    Parameters
    ----------
    variances, prices : [n, options] of every configuration and way to evaluate it; a price that is not finite is not on offer

    Returns
    -------
    configuration and option; None where none gains anything

    Notes
    -----
    Only purchases that gain at least half as much as the one that gains most: items bought one by one are cheap, and change
    nothing for a long time. One step is looked ahead: what changes the choice only together with another purchase seems worth
    nothing, so a plan may end too early.
    """
    few = Worlds(drawn.truth[:TRIED], drawn.believed[:TRIED], drawn.covariance)
    promise = drawn.believed.mean(0) + 2 * np.sqrt(np.diagonal(drawn.covariance) + drawn.believed.var(0))
    gained = np.zeros_like(prices)
    for at in np.argsort(-promise, kind="stable")[:MOST_TRIED]:
        gained[at] = gains(few, at, variances[at])
    gained = np.where(np.isfinite(prices), gained, 0)
    if gained.max() < LEAST:
        return None
    worth = np.where(gained >= gained.max() / 2, gained / np.maximum(np.where(np.isfinite(prices), prices, 1), 1e-12), 0)
    at, option = np.unravel_index(worth.argmax(), worth.shape)
    return int(at), int(option)
