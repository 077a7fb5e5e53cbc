"""How many configurations a test of the claim needs where losses span less of their range."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

POWER = 0.8
SHARES = (1.0, 0.75, 0.5, 0.25, 0.1)


def restricted(r: float, share: float) -> float:
    """A correlation over part of the range of x, slope and scatter about the line unchanged.

    Parameters
    ----------
    share : SD of x there, over that where the correlation is r (Thorndike's case 2)
    """
    return r * share / np.sqrt(1 - r**2 + (r * share) ** 2)


def needed(r: float, against: float, level: float = 0.95, power: float = POWER) -> int:
    """Configurations after which a correlation r is told from another, by Fisher's z, two-sided.

    Notes
    -----
    As if configurations were independent; those that share a base or a training set tell less.
    """
    distance = abs(np.arctanh(r) - np.arctanh(against))
    return int(np.ceil(3 + ((norm.ppf((1 + level) / 2) + norm.ppf(power)) / distance) ** 2))


def table(r: float, level: float) -> pd.DataFrame:
    """share (of the range of losses), r (what the correlation would be), configurations (to tell it from none), and half (to
    tell the reported relation from one whose slope is half as steep).
    """
    rows = []
    for share in SHARES:
        here = restricted(r, share)
        half = restricted(_with_slope(r, 0.5), share)
        rows.append({"share": share, "r": here, "configurations": needed(here, 0.0, level), "half": needed(here, half, level)})
    return pd.DataFrame(rows)


def _with_slope(r: float, factor: float) -> float:
    """The correlation were the slope that much steeper, with the same scatter about the line."""
    return factor * r / np.sqrt(1 - r**2 + (factor * r) ** 2)
