"""Ways to choose which configuration to evaluate next, tried on grids whose true scores are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtr

from proxylib.laws import purchases, surface
from proxylib.laws.purchases import Worlds
from proxylib.laws.surface import Surface
from proxylib.studies.planning.grids import Grid, buy

BEGIN = 2  # cells that a policy which asks the fit is given
WORLDS = 200
RANDOM, SPREAD, LOWEST = "random", "spread over loss", "lowest loss first"
UNSURE, IMPROVEMENT, PLAN = "greatest uncertainty", "expected improvement", "plan"
NOTHING = "lowest loss, nothing bought"


class State(NamedTuple):
    """What a policy knows, in every repeat at once.

    mean : [repeats, n]
    covariance : [repeats, n, n]
    bought : [repeats, k] cells, in order
    order : [repeats, n] a random one
    loss : [n]
    items : of a purchase
    """

    mean: np.ndarray
    covariance: np.ndarray
    bought: np.ndarray
    order: np.ndarray
    loss: np.ndarray
    items: int

    @property
    def variance(self) -> np.ndarray:
        """[repeats, n] of what is not known."""
        return np.clip(np.diagonal(self.covariance, axis1=1, axis2=2), 0, None)

    def best_left(self, worth: np.ndarray) -> np.ndarray:
        """[repeats] the cell that is worth most of those that were not bought."""
        left = worth.copy()
        np.put_along_axis(left, self.bought, -np.inf, axis=1)
        return left.argmax(1)


def _random(state: State) -> np.ndarray:
    return state.order[:, state.bought.shape[1]]


def _spread(state: State) -> np.ndarray:
    if not state.bought.shape[1]:
        return _random(state)
    distance = np.abs(state.loss[None, :, None] - state.loss[state.bought][:, None, :])
    return state.best_left(distance.min(2))


def _lowest(state: State) -> np.ndarray:
    return np.full(len(state.mean), np.argsort(state.loss, kind="stable")[state.bought.shape[1]])


def _unsure(state: State) -> np.ndarray:
    return state.best_left(state.variance)


def _improvement(state: State) -> np.ndarray:
    """Over the highest belief about a cell that was bought (Jones, Schonlau and Welch 1998)."""
    top = np.take_along_axis(state.mean, state.bought, 1).max(1, keepdims=True)
    sd = np.sqrt(state.variance) + 1e-12
    off = (state.mean - top) / sd
    return state.best_left(sd * (off * ndtr(off) + np.exp(-(off**2) / 2) / np.sqrt(2 * np.pi)))


def _plan(state: State) -> np.ndarray:
    gained = np.zeros_like(state.mean)
    share = np.clip(state.mean, 0.02, 0.98)
    for repeat, (mean, covariance) in enumerate(zip(state.mean, state.covariance, strict=True)):
        drawn = Worlds(mean[None], mean[None], covariance)
        for at in range(len(mean)):
            noise = np.array([share[repeat, at] * (1 - share[repeat, at]) / state.items])
            gained[repeat, at] = purchases.gains(drawn, at, noise)[0]
    return state.best_left(gained + 1e-9 * state.variance)  # where nothing gains, what is least known


POLICIES: dict[str, Callable[[State], np.ndarray]] = {
    RANDOM: _random,
    SPREAD: _spread,
    UNSURE: _unsure,
    IMPROVEMENT: _improvement,
    LOWEST: _lowest,
    PLAN: _plan,
}
ASK = (UNSURE, IMPROVEMENT, PLAN)  # the fit


def traced(grid: Grid, policy: str, items: int, cells: int, repeats: int, seed: int, loss: bool = True) -> pd.DataFrame:
    """A policy on a grid.

    Parameters
    ----------
    items : of a purchase
    cells : most that are bought
    repeats : random beginnings and draws of items, the same for every policy
    loss : whether the fit knows it; if not, size and data alone

    Returns
    -------
    repeat, cells, regret and error (shares), promised (expected regret by the fit)
    """
    rng = np.random.default_rng((seed, len(grid.truth)))
    orders = np.stack([rng.permutation(len(grid.truth)) for _ in range(repeats)])
    draws = [buy(grid, items, rng) for _ in range(repeats)]
    scores, noise = (np.stack([draw[place] for draw in draws]) for place in (0, 1))
    known = surface.prior(grid.signals(loss))
    bought, rows = np.empty((repeats, 0), int), []
    for count in range(min(cells, len(grid.truth)) + 1):
        at = [np.take_along_axis(values, bought, 1) for values in (scores, noise)]
        mean, covariance, _ = surface.conditioned(known, bought, *at)
        if count >= BEGIN:
            rows.append(_measured(grid, mean, covariance, count, seed))
        if count == cells or count == len(grid.truth):
            break
        state = State(mean, covariance, bought, orders, grid.cells["loss"].to_numpy(float), items)
        chosen = (_random if policy in ASK and count < BEGIN else POLICIES[policy])(state)
        bought = np.column_stack([bought, chosen])
    return pd.concat(rows, ignore_index=True)


def _measured(grid: Grid, mean: np.ndarray, covariance: np.ndarray, count: int, seed: int) -> pd.DataFrame:
    regret = grid.truth.max() - grid.truth[mean.argmax(1)]
    error = np.abs(mean - grid.truth).mean(1)
    promised = [
        purchases.worlds(Surface(*each, 0.0), WORLDS, seed).regret().mean() for each in zip(mean, covariance, strict=True)
    ]
    repeats = np.arange(len(mean))
    return pd.DataFrame({"repeat": repeats, "cells": count, "regret": regret, "error": error, "promised": promised})


def nothing_bought(grid: Grid) -> float:
    """Regret of the cell with the lowest loss, evaluated nowhere."""
    return float(grid.truth.max() - grid.truth[grid.cells["loss"].to_numpy().argmin()])
