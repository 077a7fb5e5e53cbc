"""What follows from the article's own prices of layers: arithmetic over the ends of its ranges, no sample."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from proxylib.studies.layers.series import BENCHMARKS, LAYERS, PEOPLE
from proxylib.studies.layers.settings import Price

CLUSTER, NODE = 16_384, 8  # GPUs: of the article's cluster; of the node on which we let a suite run, which it does not say
CANDIDATES = (24, 48)  # checkpoints and configurations that are "dozens"


def order(prices: Mapping[str, Price]) -> tuple[float, float, float]:
    """Rank correlation of the article's order with dollars a look: at the middle of all ranges, and its ends over them.

    Layers of one range are one pass and move together.
    """
    spans = list(dict.fromkeys(prices[layer].dollars for layer in LAYERS))
    places = [spans.index(prices[layer].dollars) for layer in LAYERS]
    rho = lambda dollars: float(spearmanr(range(len(LAYERS)), [dollars[place] for place in places]).statistic)
    corners = [rho(ends) for ends in itertools.product(*spans)]
    return rho([sum(span) / 2 for span in spans]), min(corners), max(corners)


def dearer(prices: Mapping[str, Price], layer: str, other: str) -> tuple[float, float, float]:
    """Dollars of one layer over those of another: middle over middle, lowest over highest, highest over lowest."""
    mine, theirs = prices[layer].dollars, prices[other].dollars
    return sum(mine) / sum(theirs), mine[0] / theirs[1], mine[1] / theirs[0]


def campaign(prices: Mapping[str, Price]) -> tuple[float, float, float]:
    """Dollars of a round of people for each of dozens of candidates: middle, lowest, highest."""
    low, high = prices[PEOPLE].dollars
    return (low + high) / 2 * sum(CANDIDATES) / 2, low * CANDIDATES[0], high * CANDIDATES[1]


def estimates(prices: Mapping[str, Price]) -> pd.DataFrame:
    """A row a claim: claim, estimate, low, high (over the ends of all inputs), level (nan: no luck is in it), n, n_unit."""
    rows = {
        "stack-hierarchy-cost": order(prices),
        "stack-people-dearer": dearer(prices, PEOPLE, BENCHMARKS),
        "stack-dozens": campaign(prices),
    }
    frame = pd.DataFrame([(claim, *ends) for claim, ends in rows.items()], columns=["claim", "estimate", "low", "high"])
    return frame.assign(level=np.nan, n=2, n_unit="ends of every input")
