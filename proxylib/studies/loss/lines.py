"""Straight lines of pass rate on loss: over all configurations, within each amount of data, of two judges, of prompts."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import chi2

from proxylib import stats
from proxylib.judging.criteria import PROMPTED
from proxylib.stats import Drawn
from proxylib.studies.loss.cell_draws import Draws, JudgedCells, cell_rates, frame_of, groups_of, line, rows_of


def fits(draws: Draws, signal: str = "final_loss") -> pd.DataFrame:
    """Lines of pass rate on a loss: over all configurations and within each number of examples.

    Returns
    -------
    judge, group ("all" or the number of examples), n (configurations), statistic, estimate, low, high. Statistics: r, R2,
    intercept (percent), slope (points per 0.1 nats) and curvature (points per (0.1 nats) squared, of a parabola).

    Notes
    -----
    A few configurations fitted by a line give a high R2 by luck: with five, one in twenty unrelated sets reaches .77. The
    interval is for these configurations; it does not say how another family of bases would do. A configuration is the mean
    of its seeds; `single_seeds` has the lines through single runs, as the post has them.
    """
    rows = []
    for judge, rates in draws.rates.items():
        for group, members in groups_of(draws.configurations):
            x, y = draws.signals[signal][:, members], rates[:, members]
            straight = line(x, y)
            r = draws.correlation(straight["r"])
            values = {
                "r": r,
                "R2": r.squared(),
                "slope": draws.interval(0.1 * straight["slope"]),
                "intercept": draws.interval(straight["intercept"]),
                "curvature": draws.interval(0.01 * _quadratic(x, y)),
            }
            rows += rows_of(values, judge=judge, group=group, n=int(members.sum()))
    return frame_of(rows, "judge", "group", "n")


def slopes_apart(draws: Draws) -> pd.DataFrame:
    """Do the numbers of examples have different slopes? Paired differences, and one test of all of them.

    Returns
    -------
    judge, pair ("a minus b", numbers of examples), statistic "slope difference" (points per 0.1 nats), estimate, low, high,
    p (Wald test that all slopes are one, with the draws' covariance; the same in every row of a judge)
    """
    groups = [(name, members) for name, members in groups_of(draws.configurations) if name != "all"]
    rows = []
    for judge, rates in draws.rates.items():
        slopes = {
            name: 0.1 * line(draws.signals["final_loss"][:, regime], rates[:, regime])["slope"] for name, regime in groups
        }
        if len(slopes) < 2 or not np.isfinite([draws.bootstrap.drawn(drawn).estimate for drawn in slopes.values()]).all():
            continue
        first, *others = slopes.values()
        p = wald(draws.bootstrap.drawn(np.stack([drawn - first for drawn in others], -1)))
        for a, b in combinations(slopes, 2):
            difference = {"slope difference": draws.interval(slopes[a] - slopes[b])}
            rows += rows_of(difference, judge=judge, pair=f"{a} minus {b}", p=p)
    return frame_of(rows, "judge", "pair", "p")


def wald(contrasts: Drawn) -> float:
    """p that all contrasts are zero: Wald's test with the draws' covariance.

    statsmodels has this test of a fitted model's parameters alone (the oracle of the test here).

    Parameters
    ----------
    contrasts : estimate [contrasts], draws [draws, contrasts]; draws that leave one undefined are left out
    """
    defined = contrasts.draws[np.isfinite(contrasts.draws).all(1)]
    covariance = np.atleast_2d(np.cov(defined.T))
    return float(chi2.sf(contrasts.estimate @ np.linalg.pinv(covariance) @ contrasts.estimate, len(covariance)))


def single_seeds(grid: JudgedCells) -> pd.DataFrame:
    """The line through all configurations with one seed each, as the post has it.

    Returns
    -------
    judge, seed, statistic (r, R2, slope in points per 0.1 nats), estimate; a row per seed that every configuration has
    """
    rows = []
    cells = grid.cells
    for seed in sorted(cells["seed"].unique()):
        members = (cells["seed"] == seed).to_numpy()
        if members.sum() < len(grid.configurations):
            continue
        for judge in grid.passed:
            values = line(cells["final_loss"].to_numpy(float)[members], cell_rates(grid, judge)[members])
            for name, value in (("r", values["r"]), ("R2", values["R2"]), ("slope", 0.1 * values["slope"])):
                rows.append((judge, seed, name, float(value)))
    return pd.DataFrame(rows, columns=["judge", "seed", "statistic", "estimate"])


def _quadratic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Second-order coefficient of a parabola, once per row."""
    centred = x - x.mean(-1, keepdims=True)
    design = np.stack([np.ones_like(centred), centred, centred**2], -1)
    return np.einsum("dkn,dn->dk", np.linalg.pinv(design), y)[:, 2]


def judges(draws: Draws, first: str, second: str) -> pd.DataFrame:
    """Two judges over the same cells: mean pass rates, their ratio, do they order alike, and does loss tell one better?"""
    a, b = draws.rates[first], draws.rates[second]
    explained = lambda rates: line(draws.signals["final_loss"], rates)["R2"]
    values = {
        f"mean of {first}": a.mean(1),
        f"mean of {second}": b.mean(1),
        "ratio": np.divide(a.mean(1), b.mean(1), out=np.full(len(b), np.nan), where=b.mean(1) > 0),  # of nothing there is none
        "rank agreement": rank_agreement(a, b),
        "R2 difference": explained(a) - explained(b),
    }
    return frame_of(rows_of({name: draws.interval(drawn) for name, drawn in values.items()}, n=a.shape[1]), "n")


def rank_agreement(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """[draws] Spearman correlation of two judges' rates [draws, configurations]; nan where a rate is missing."""
    once = np.ones((1, first.shape[1]))

    def agreement(a: np.ndarray, b: np.ndarray) -> float:
        return stats.spearman_draws(a, b, once)[0] if np.isfinite(a).all() and np.isfinite(b).all() else np.nan

    # equal rates that were summed in another order are ties
    return np.array([agreement(*pair) for pair in zip(np.round(first, 9), np.round(second, 9), strict=True)])


def prompts(draws: Draws) -> pd.DataFrame:
    """R2 of the final training loss with the LM judge under each set of prompts.

    Returns
    -------
    prompts (of `criteria.PROMPTED`), statistic "R2" and "minus naive" (paired), estimate, low, high
    """
    r = {name: line(draws.signals["final_loss"], draws.rates[judge])["r"] for name, judge in PROMPTED.items()}
    rows = []
    for name, drawn in r.items():
        values = {"R2": draws.correlation(drawn).squared()}
        if name != "naive":
            values["minus naive"] = draws.interval(drawn**2 - r["naive"] ** 2)
        rows += rows_of(values, prompts=name)
    return frame_of(rows, "prompts")
