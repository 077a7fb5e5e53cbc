"""What to buy next: one evaluation after the other, each where it lessens the expected regret most for its price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.laws import purchases, surface
from proxylib.laws.purchases import Worlds
from proxylib.laws.surface import Surface
from proxylib.studies.planning import relation
from proxylib.studies.planning.candidates import Candidates
from proxylib.studies.planning.settings import Layer, Plan, layers

WORLDS, SEED = 1000, 7
MOST_BOUGHT = 20  # evaluations ahead: by then, the first have changed what is known
ORDERS = 20  # random ones, to compare with


class Offers(NamedTuple):
    """What can be bought of each candidate.

    Parameters
    ----------
    names : [options] layer and items
    variances, prices : [n, options]
    """

    names: list[tuple[str, int]]
    variances: np.ndarray
    prices: np.ndarray


class Planned(NamedTuple):
    """What is known, what to buy, and what that is worth.

    Parameters
    ----------
    known : of the true scores
    candidates : name, score, expected, low, high, best (chance that it is the best)
    steps : name, layer, items, price, spent, regret (expected once it is bought)
    compared : what (nothing, this plan, as much at random, everything), price, regret
    why : what ended the plan: tolerance, budget, nothing, length
    """

    known: Surface
    candidates: pd.DataFrame
    steps: pd.DataFrame
    compared: pd.DataFrame
    why: str


class Reckoned(NamedTuple):
    """All that is said of a table.

    Parameters
    ----------
    fit, predictions, rest : of `relation.line`, `relation.predicted` and `relation.beside`
    planned : None where it is not known which way scores follow the signal, so that any order would be made up
    """

    fit: pd.DataFrame | None
    predictions: pd.DataFrame
    rest: pd.DataFrame
    planned: Planned | None


def reckon(known: Candidates, given: Plan) -> Reckoned:
    """The relation, and the plan where it tells enough for one."""
    fit = relation.line(known, given.level)
    planned = plan(known, layers(given), given) if relation.tells(known, fit) else None
    return Reckoned(fit, relation.predicted(known, given.level), relation.beside(known, given.level), planned)


def fitted(known: Candidates) -> Surface:
    """What is known of the true scores of all candidates."""
    at = np.flatnonzero(known.evaluated)
    rows = known.frame.iloc[at]
    return surface.surface(surface.prior(known.places()), at, rows["score"].to_numpy(float), rows["noise"].to_numpy(float))


def offers(known: Surface, layers: Mapping[str, Layer]) -> Offers:
    """Variance and price of every layer and number of items, for every candidate."""
    names = [(name, items) for name, layer in layers.items() for items in layer.items]
    share = np.clip(known.mean, 0.02, 0.98)
    variances, prices = [], []
    for name, items in names:
        layer = layers[name]
        spread = share * (1 - share) if layer.spread is None else np.full(len(share), layer.spread**2)
        variances.append(spread / items + layer.off**2)
        prices.append(np.full(len(share), layer.look + layer.price * items))
    return Offers(names, np.column_stack(variances), np.column_stack(prices))


def plan(known: Candidates, layers: Mapping[str, Layer], given: Plan) -> Planned:
    """Reckon all of it.

    Notes
    -----
    Expected regret: how much lower the true score of the candidate that seems best is than the best one's, the mean over worlds
    that agree with what is known. It believes the surface; whether such promises are kept stands on the page Where to evaluate.
    """
    held = fitted(known)
    offered = offers(held, layers)
    trying, others = (purchases.worlds(held, WORLDS, seed) for seed in (SEED, SEED + 1))
    steps, why = _steps(known, trying, others, offered, given)
    return Planned(held, _candidates(known, held, others, given.level), steps, _compared(others, offered, steps), why)


def _luck(number: int) -> np.ndarray:
    """[worlds] of the items of one purchase; the same for whatever is bought as number so many."""
    return np.random.default_rng((SEED, number)).standard_normal(WORLDS)


def _steps(known: Candidates, trying: Worlds, others: Worlds, offered: Offers, given: Plan) -> tuple[pd.DataFrame, str]:
    """Purchases are chosen in some worlds, and their worth is told in others: what is best by luck there is not so here."""
    rows, spent, why = [], 0.0, "length"
    regret = others.regret().mean()
    while len(rows) < MOST_BOUGHT:
        if regret <= given.tolerance:
            why = "tolerance"
            break
        left = np.inf if given.budget is None else given.budget - spent
        affordable = np.where(offered.prices <= left + 1e-9, offered.prices, np.inf)
        if not np.isfinite(affordable).any():
            why = "budget"
            break
        choice = purchases.best(trying, offered.variances, affordable)
        if choice is None:
            why = "nothing"
            break
        at, option = choice
        variance, luck = offered.variances[at, option], _luck(len(rows))
        trying, others = (purchases.bought(drawn, at, variance, luck) for drawn in (trying, others))
        spent, regret = spent + offered.prices[at, option], others.regret().mean()
        layer, items = offered.names[option]
        row = {"name": known.frame["name"].iloc[at], "layer": layer, "items": items, "price": offered.prices[at, option]}
        rows.append(row | {"spent": spent, "regret": regret, "at": at, "option": option})
    columns = ["name", "layer", "items", "price", "spent", "regret", "at", "option"]
    return pd.DataFrame(rows, columns=columns), why


def _candidates(known: Candidates, held: Surface, drawn: Worlds, level: float) -> pd.DataFrame:
    from scipy.stats import norm

    reach = norm.ppf((1 + level) / 2) * held.stderr
    ends = {"expected": held.mean, "low": held.mean - reach, "high": held.mean + reach}
    best = np.bincount(drawn.truth.argmax(1), minlength=len(held.mean)) / len(drawn.truth)
    clipped = {name: np.clip(values, 0, 1) for name, values in ends.items()}
    return known.frame.assign(**clipped, best=best)


def _compared(drawn: Worlds, offered: Offers, steps: pd.DataFrame) -> pd.DataFrame:
    """Regret of buying nothing, this plan, as many evaluations of random candidates, and the most of every candidate."""
    count = drawn.truth.shape[1]
    rows = [("nothing", 0.0, drawn.regret().mean())]
    if len(steps):
        rows.append(("this plan", steps["spent"].iloc[-1], steps["regret"].iloc[-1]))
        rng, regrets = np.random.default_rng(SEED), []
        for _ in range(ORDERS):
            places = [place for _ in range(len(steps) // count + 1) for place in rng.permutation(count)]
            regrets.append(_regret(drawn, offered, list(zip(places, steps["option"], strict=False))))
        rows.append(("as much at random", steps["spent"].iloc[-1], float(np.mean(regrets))))
    most = int(offered.variances.mean(0).argmin())
    everything = [(place, most) for place in range(count)]
    rows.append(("everything", offered.prices[:, most].sum(), _regret(drawn, offered, everything)))
    return pd.DataFrame(rows, columns=["what", "price", "regret"])


def _regret(drawn: Worlds, offered: Offers, bought: list[tuple[int, int]]) -> float:
    for number, (at, option) in enumerate(bought):
        drawn = purchases.bought(drawn, at, offered.variances[at, option], _luck(number))
    return float(drawn.regret().mean())
