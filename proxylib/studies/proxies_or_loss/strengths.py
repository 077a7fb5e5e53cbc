"""How strongly signals go with scores, and by how much more than loss does: correlations, with bases drawn anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from proxylib import stats
from proxylib.stats import Bootstrap
from proxylib.studies.proxies_or_loss.grid import FINAL, HELD_OUT, NAMED, Grid

#: statistic -> what it is beside loss
AGAINST = {FINAL: "minus final loss", HELD_OUT: "minus held-out loss"}
STATISTICS = ("r", "rank r", "partial r")
LEAST_BASES = 3  # different ones in a draw; two or one say nothing about size


def strengths(grid: Grid, bootstrap: Bootstrap) -> pd.DataFrame:
    """Correlations of every signal with every score; of those in `NAMED` also of ranks, and with base and examples held fixed.

    Returns
    -------
    score, signal, statistic (of `STATISTICS`, and each with "minus final loss" or "minus held-out loss" behind it), estimate;
    low and high (each base left out once, Student's t); low_drawn and high_drawn (percentiles of bases drawn by bootstrap);
    critical (of a partial correlation: what unrelated numbers pass one time in twenty). The interval of "rank r" is Fisher's

    Notes
    -----
    More is better for every signal, so that a correlation below zero says that a signal points the wrong way. Five bases drawn
    with replacement are three or four different ones, and percentiles of such draws are too short: they decide nothing.
    Signals that are nearly the same have a difference near zero and a short interval about it.
    """
    whole = correlations(grid)
    left_out = np.stack([correlations(grid.only(rows)) for rows in grid.without_bases()])
    drawn = _drawn(grid, bootstrap)
    signals, scores = list(grid.signals), list(grid.scores)
    degrees = len(grid.place) - np.linalg.matrix_rank(known(grid.place)) - 1
    frames = []
    for kind, statistic in enumerate(STATISTICS):
        if statistic == "partial r" and degrees < 1:
            continue
        critical = stats.critical_r(int(degrees), bootstrap.level) if statistic == "partial r" else np.nan
        for against in (None, *AGAINST):
            shown = signals if statistic == "r" and against is None else list(NAMED)
            values = [_minus(part[..., kind, :, :], signals, shown, against) for part in (whole, left_out, drawn)]
            frame = _rows(*values, shown, scores, bootstrap.level, correlation=against is None)
            if against is None and statistic == "rank r":
                frame = _of_ranks(frame, grid, bootstrap.level)
            name = statistic if against is None else f"{statistic} {AGAINST[against]}"
            frame = frame[frame["signal"] != against]
            frames.append(frame.assign(statistic=name, critical=np.nan if against else critical))
    table = pd.concat(frames, ignore_index=True)
    return table[np.isfinite(table["estimate"])].reset_index(drop=True)


def _of_ranks(frame: pd.DataFrame, grid: Grid, level: float) -> pd.DataFrame:
    """Fisher's intervals as if each base were one point: a base less may order the others perfectly, infinitely far away."""
    points, bases = len(grid.place), grid.place["base"].nunique()
    ends = [
        stats.rank_interval(rho, points, bases, level)[1:] if np.isfinite(rho) else (np.nan, np.nan)
        for rho in frame["estimate"]
    ]
    return frame.assign(low=[low for low, _ in ends], high=[high for _, high in ends])


def correlations(grid: Grid) -> np.ndarray:
    """[statistics, signals, scores] of `STATISTICS`; nan where something does not vary."""
    x, y = grid.signals.to_numpy(float), grid.scores.to_numpy(float)
    design = known(grid.place)
    rest = lambda values: _cleared(values - design @ (np.linalg.pinv(design) @ values), values)
    return np.stack(
        [pearson(x, y), pearson(rankdata(x.round(12), axis=0), rankdata(y.round(9), axis=0)), pearson(rest(x), rest(y))]
    )


def known(place: pd.DataFrame) -> np.ndarray:
    """[configurations, columns] what is known before any training: a level per base, log examples, their product with log size.

    As much as fifteen configurations allow; whatever shape it misses is left for a signal to explain.
    """
    size, data = (np.log(place[name].to_numpy(float)) for name in ("parameters", "examples"))
    levels = pd.get_dummies(place["base"]).to_numpy(float)
    return np.column_stack([levels, data, (size - size.mean()) * (data - data.mean())])


def _cleared(rest: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What is left of values; nothing where that is only roundings."""
    return np.where(np.abs(rest).max(0) > 1e-9 * np.abs(values).max(0), rest, 0.0)


def pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[columns of x, columns of y] Pearson's correlation; nan where one does not vary."""
    dx, dy = x - x.mean(0), y - y.mean(0)
    scale = np.sqrt(np.outer((dx**2).sum(0), (dy**2).sum(0)))
    floor = 1e-10 * np.outer(np.abs(x).max(0), np.abs(y).max(0)) + 1e-300  # what is left of a constant are roundings
    return np.where(scale > floor, dx.T @ dy / np.maximum(scale, floor), np.nan)


def _drawn(grid: Grid, bootstrap: Bootstrap) -> np.ndarray:
    """[draws, statistics, signals, scores] from bases drawn with replacement; nan where these are too few different ones."""
    bases = grid.place["base"].to_numpy()
    names = list(dict.fromkeys(bases))
    counts = bootstrap.over(np.arange(len(names))).weights[1:].astype(int)
    unique, which = np.unique(counts, axis=0, return_inverse=True)
    values = []
    for count in unique:
        rows = np.concatenate([np.tile(np.flatnonzero(bases == name), times) for name, times in zip(names, count, strict=True)])
        values.append(correlations(grid.only(rows.astype(int))))
    table = np.stack(values)
    table[(unique > 0).sum(1) < LEAST_BASES] = np.nan
    return table[which.ravel()]


def _minus(values: np.ndarray, signals: list[str], shown: list[str], against: str | None) -> np.ndarray:
    """[..., shown, scores] rows of values [..., signals, scores], less that of a signal."""
    part = values[..., [signals.index(name) for name in shown], :]
    return part if against is None else part - values[..., [signals.index(against)], :]


def _rows(
    whole: np.ndarray,
    left_out: np.ndarray,
    drawn: np.ndarray,
    signals: Sequence[str],
    scores: Sequence[str],
    level: float,
    correlation: bool,
) -> pd.DataFrame:
    """A row per signal and score."""
    low, high = _percentiles(drawn, level)
    rows = []
    for i, signal in enumerate(signals):
        for j, score in enumerate(scores):
            interval = stats.jackknife_interval(float(whole[i, j]), left_out[:, i, j], level, correlation)
            ends = {"low_drawn": low[i, j], "high_drawn": high[i, j]}
            rows.append({"score": score, "signal": signal} | interval._asdict() | ends)
    return pd.DataFrame(rows)


def _percentiles(drawn: np.ndarray, level: float) -> np.ndarray:
    """[2, signals, scores] ends of the percentile interval over the draws that define anything."""
    kept = drawn[np.isfinite(drawn).any((1, 2))]
    if 2 * len(kept) < len(drawn) or not len(kept):
        return np.full((2, *drawn.shape[1:]), np.nan)
    return np.quantile(kept, [(1 - level) / 2, (1 + level) / 2], axis=0)
