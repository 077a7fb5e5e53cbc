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


def fits(found: Draws, signal: str = "final_loss") -> pd.DataFrame:
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
    made = []
    for judge, rates in found.rates.items():
        for group, members in groups_of(found.configurations):
            x, y = found.signals[signal][:, members], rates[:, members]
            straight = line(x, y)
            r = found.correlation(straight["r"])
            told = {
                "r": r,
                "R2": r.squared(),
                "slope": found.interval(0.1 * straight["slope"]),
                "intercept": found.interval(straight["intercept"]),
                "curvature": found.interval(0.01 * _quadratic(x, y)),
            }
            made += rows_of(told, judge=judge, group=group, n=int(members.sum()))
    return frame_of(made, "judge", "group", "n")


def slopes_apart(found: Draws) -> pd.DataFrame:
    """Do the numbers of examples have different slopes? Paired differences, and one test of all of them.

    Returns
    -------
    judge, pair ("a minus b", numbers of examples), statistic "slope difference" (points per 0.1 nats), estimate, low, high,
    p (Wald test that all slopes are one, with the draws' covariance; the same in every row of a judge)
    """
    groups = [(name, members) for name, members in groups_of(found.configurations) if name != "all"]
    made = []
    for judge, rates in found.rates.items():
        slopes = {name: 0.1 * line(found.signals["final_loss"][:, own], rates[:, own])["slope"] for name, own in groups}
        if len(slopes) < 2 or not np.isfinite([found.bootstrap.drawn(drawn).estimate for drawn in slopes.values()]).all():
            continue
        first, *others = slopes.values()
        p = wald(found.bootstrap.drawn(np.stack([drawn - first for drawn in others], -1)))
        for a, b in combinations(slopes, 2):
            told = {"slope difference": found.interval(slopes[a] - slopes[b])}
            made += rows_of(told, judge=judge, pair=f"{a} minus {b}", p=p)
    return frame_of(made, "judge", "pair", "p")


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


def single_seeds(found: JudgedCells) -> pd.DataFrame:
    """The line through all configurations with one seed each, as the post has it.

    Returns
    -------
    judge, seed, statistic (r, R2, slope in points per 0.1 nats), estimate; a row per seed that every configuration has
    """
    made = []
    cells = found.cells
    for seed in sorted(cells["seed"].unique()):
        own = (cells["seed"] == seed).to_numpy()
        if own.sum() < len(found.configurations):
            continue
        for judge in found.passed:
            values = line(cells["final_loss"].to_numpy(float)[own], cell_rates(found, judge)[own])
            for name, value in (("r", values["r"]), ("R2", values["R2"]), ("slope", 0.1 * values["slope"])):
                made.append((judge, seed, name, float(value)))
    return pd.DataFrame(made, columns=["judge", "seed", "statistic", "estimate"])


def _quadratic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Second-order coefficient of a parabola, once per row."""
    centred = x - x.mean(-1, keepdims=True)
    design = np.stack([np.ones_like(centred), centred, centred**2], -1)
    return np.einsum("dkn,dn->dk", np.linalg.pinv(design), y)[:, 2]


def judges(found: Draws, first: str, second: str) -> pd.DataFrame:
    """Two judges over the same cells: mean pass rates, their ratio, do they order alike, and does loss tell one better?"""
    a, b = found.rates[first], found.rates[second]
    explained = lambda rates: line(found.signals["final_loss"], rates)["R2"]
    values = {
        f"mean of {first}": a.mean(1),
        f"mean of {second}": b.mean(1),
        "ratio": np.divide(a.mean(1), b.mean(1), out=np.full(len(b), np.nan), where=b.mean(1) > 0),  # of nothing there is none
        "rank agreement": rank_agreement(a, b),
        "R2 difference": explained(a) - explained(b),
    }
    return frame_of(rows_of({name: found.interval(drawn) for name, drawn in values.items()}, n=a.shape[1]), "n")


def rank_agreement(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """[draws] Spearman correlation of two judges' rates [draws, configurations]; nan where a rate is missing."""
    once = np.ones((1, first.shape[1]))

    def agreement(a: np.ndarray, b: np.ndarray) -> float:
        return stats.spearman_draws(a, b, once)[0] if np.isfinite(a).all() and np.isfinite(b).all() else np.nan

    # equal rates that were summed in another order are ties
    return np.array([agreement(*pair) for pair in zip(np.round(first, 9), np.round(second, 9), strict=True)])


def prompts(found: Draws) -> pd.DataFrame:
    """R2 of the final training loss with the LM judge under each set of prompts.

    Returns
    -------
    prompts (of `criteria.PROMPTED`), statistic "R2" and "minus naive" (paired), estimate, low, high
    """
    r = {name: line(found.signals["final_loss"], found.rates[judge])["r"] for name, judge in PROMPTED.items()}
    made = []
    for name, drawn in r.items():
        told = {"R2": found.correlation(drawn).squared()}
        if name != "naive":
            told["minus naive"] = found.interval(drawn**2 - r["naive"] ** 2)
        made += rows_of(told, prompts=name)
    return frame_of(made, "prompts")
