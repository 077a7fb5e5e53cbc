"""Laws of many series at once, each the best node of a grid: where thousands are fitted, a search for each takes minutes.

The forms are those of `curves`; what is linear in them is solved exactly at every node, so that no start can be wrong and no
fit fails. A series that never changes has no law, and nan stands for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proxylib.laws.curves import MIDDLES, STEEPNESS

EXPONENTS = np.geomspace(0.01, 2, 200)
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Powers:
    """y = level + slope (t / middle)^(-exponent), one law a series: parameters [series], and the middle of log t."""

    level: np.ndarray
    slope: np.ndarray
    exponent: np.ndarray
    middle: float

    def predict(self, t: object) -> np.ndarray:
        """[series, n] the laws at t [n]."""
        logs = np.log(np.atleast_1d(np.asarray(t, float))) - self.middle
        return self.level[:, None] + self.slope[:, None] * np.exp(-self.exponent[:, None] * logs)


def powers(t: object, values: np.ndarray, least: object = -np.inf, most: object = np.inf) -> Powers:
    """Least squares of y = a - b t^(-c), c in [0.01, 2], of either direction.

    Parameters
    ----------
    t : [n] above 0, the same for all series
    values : [series, n]
    least, most : [series] or numbers: where a series can end

    Notes
    -----
    Where the solution of a node would end outside, it ends at the bound and the slope is solved for that. It misleads as
    `curves.Power` does: from few early points c runs to 0.01, a straight line in log t.
    """
    t, values = np.asarray(t, float), np.asarray(values, float)
    logs = np.log(t)
    basis = np.exp(-EXPONENTS[:, None] * (logs - logs.mean()))  # [k, n]
    ends = (np.broadcast_to(np.asarray(end, float), len(values))[:, None] for end in (least, most))
    centred = basis - basis.mean(1, keepdims=True)
    slope = values @ centred.T / (centred**2).sum(1)  # [series, k]
    free = values.mean(1, keepdims=True) - slope * basis.mean(1)
    level = np.clip(free, *ends)
    held = (values @ basis.T - level * basis.sum(1)) / (basis**2).sum(1)
    slope = np.where(level == free, slope, held)
    left = values[:, None, :] - level[:, :, None] - slope[:, :, None] * basis  # [series, k, n]
    best = np.einsum("skn,skn->sk", left, left).argmin(1)
    rows = np.arange(len(values))
    flat = np.ptp(values, axis=1) <= TINY * np.abs(values).max(1)
    level, slope = (np.where(flat, np.nan, part[rows, best]) for part in (level, slope))
    return Powers(level, slope, EXPONENTS[best], float(logs.mean()))


def lines(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Scores at `at` [series] by the straight line through x [series, n] and y [series, n]; nan where x or y never changes."""
    centred = x - x.mean(1, keepdims=True)
    spread = (centred**2).sum(1)
    slope = np.divide((centred * y).sum(1), spread, out=np.full(len(x), np.nan), where=~_flat(x, y))
    return y.mean(1) + slope * (at - x.mean(1))


def sigmoids(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Scores at `at` [series] by low (1 - s) + high s, s a logistic curve of x, both ends within 0 and 1; nan as in `lines`.

    Parameters
    ----------
    x, y : [series, n]

    Notes
    -----
    `curves.Sigmoid` with its grid of steepness and middle, in ranges of the points, and both ends of the curve solved for at
    each node. Where the points show one end alone, the other is a guess, and many nodes fit alike.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        lowest, span = x.min(1), np.ptp(x, axis=1)
        place = lambda values: np.clip((values - lowest[:, None]) / span[:, None], -1e3, 1e3)
        here, there = place(x), place(at[:, None])[:, 0]
    result = np.full(len(x), np.nan)
    best = np.full(len(x), np.inf)
    for steepness in STEEPNESS:
        s = _logistic(steepness * (here[:, None, :] - MIDDLES[:, None]))  # [series, middles, n]
        low, high, loss = _ends(s, y)
        node = np.nanargmin(np.where(np.isfinite(loss), loss, np.inf), axis=1)
        rows = np.arange(len(x))
        share = _logistic(steepness * (there - MIDDLES[node]))
        score = low[rows, node] * (1 - share) + high[rows, node] * share
        better = loss[rows, node] < best
        result, best = np.where(better, score, result), np.where(better, loss[rows, node], best)
    return np.where(_flat(x, y), np.nan, result)


def _flat(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[series] whether x or y never changes."""
    return np.logical_or(*(np.ptp(part, axis=1) <= TINY * np.maximum(np.abs(part).max(1), TINY) for part in (x, y)))


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))


def _ends(s: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares of y [series, n] by low (1 - s) + high s with both in [0, 1]: low, high and loss, each [series, nodes].

    The free solution where it lies inside; else the best of the four edges of the square, on which one of the two is given.
    """
    rest = 1 - s
    ss, rr, sr = (np.einsum("skn,skn->sk", *pair) for pair in ((s, s), (rest, rest), (s, rest)))
    ys, yr, yy = np.einsum("skn,sn->sk", s, y), np.einsum("skn,sn->sk", rest, y), (y**2).sum(1)[:, None]
    loss = lambda low, high: yy - 2 * low * yr - 2 * high * ys + low**2 * rr + 2 * low * high * sr + high**2 * ss
    with np.errstate(invalid="ignore", divide="ignore"):
        determinant = ss * rr - sr**2
        inside = (yr * ss - ys * sr) / determinant, (ys * rr - yr * sr) / determinant
        edges = [(np.full_like(ss, end), np.clip((ys - end * sr) / ss, 0, 1)) for end in (0.0, 1.0)]
        edges += [(np.clip((yr - end * sr) / rr, 0, 1), np.full_like(ss, end)) for end in (0.0, 1.0)]
        good = (determinant > 1e-9 * ss * rr) & np.all([(part >= 0) & (part <= 1) for part in inside], axis=0)
        losses = np.stack([np.where(good, loss(*inside), np.inf), *(loss(*edge) for edge in edges)])
    losses = np.where(np.isfinite(losses), losses, np.inf)
    which = losses.argmin(0)[None]
    low, high = (np.take_along_axis(np.stack(parts), which, 0)[0] for parts in zip(inside, *edges, strict=True))
    return low, high, np.take_along_axis(losses, which, 0)[0]
