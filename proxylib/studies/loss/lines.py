"""Straight lines of pass rate on loss: over all configurations, within each amount of data, of two judges, of prompts."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import chi2

from proxylib import stats
from proxylib.judging.criteria import PROMPTED
from proxylib.stats import Drawn
from proxylib.studies.loss.cell_draws import (
    Draws,
    Intervals,
    JudgedCells,
    cell_rates,
    frame_of,
    groups_of,
    line,
    ranked,
    rows_of,
)


def fits(draws: Draws, signal: str = "final_loss") -> pd.DataFrame:
    """Lines of pass rate on a loss: over all configurations and within each number of examples.

    Returns
    -------
    judge, group ("all" or the number of examples), n (configurations), statistic, estimate, low, high, low_given, high_given
    (with the configurations fixed). Statistics: spearman, r, R2, intercept (percent), slope (points per 0.1 nats) and
    curvature (points per (0.1 nats) squared, of a parabola).

    Notes
    -----
    A few configurations fitted by a line give a high R2 by luck: with five, one in twenty unrelated sets reaches .77. No
    interval says how another family of bases would do. A configuration is the mean of its seeds; `single_seeds` has the lines
    through single runs, as the post has them.
    """
    rows = []
    for judge in draws.rates:
        for group, members in groups_of(draws.configurations):
            of = lambda name, judge=judge, members=members: lambda d, w: line_of(d, judge, w, signal, members)[name]
            tenth = lambda name, of=of: lambda d, w: 0.1 * of(name)(d, w)
            r = draws.correlated(of("r"), members)
            values = {
                "spearman": spearman(draws, signal, judge, members),
                "r": r,
                "R2": r.squared(),
                "slope": draws.both(tenth("slope")),
                "intercept": draws.both(of("intercept")),
                "curvature": draws.both(lambda d, w, judge=judge, members=members: _bend(d, judge, w, signal, members)),
            }
            rows += rows_of(values, judge=judge, group=group, n=int(members.sum()))
    return frame_of(rows, "judge", "group", "n", kind=Intervals)


def line_of(
    draws: Draws, judge: str, weights: np.ndarray, signal: str = "final_loss", members: np.ndarray | slice = slice(None)
) -> dict[str, np.ndarray]:
    """The line of a judge's rates on a signal, each of some configurations counted as often as its weight says."""
    return line(draws.signals[signal][:, members], draws.rates[judge][:, members], weights[:, members])


def spearman(draws: Draws, first: str, second: str, members: np.ndarray | None = None) -> Intervals:
    """Rank correlation over some or all of the configurations between two of signals and judges, by name.

    Ranks jump: given the configurations no interval covers it well, and percentiles are taken. The wide interval is Fisher's,
    as if each base were one point: without one of five bases a correlation of ranks may be -1, which the jackknife takes for
    infinitely far from the others.
    """
    members = np.ones(len(draws.configurations), bool) if members is None else members

    x, y = (ranked((draws.signals | draws.rates)[name][:, members]) for name in (first, second))
    given = draws.interval(line(x, y)["r"])
    bases = draws.configurations["base"][members].nunique()
    return Intervals.wider(given, stats.rank_interval(given.estimate, int(members.sum()), bases, draws.bootstrap.level))


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


def _bend(draws: Draws, judge: str, weights: np.ndarray, signal: str, members: np.ndarray) -> np.ndarray:
    """Second-order coefficient of a parabola, points per (0.1 nats) squared."""
    return 0.01 * _quadratic(draws.signals[signal][:, members], draws.rates[judge][:, members], weights[:, members])


def _quadratic(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Second-order coefficient of a parabola, once per row; nan where too few points determine none."""
    root = np.sqrt(np.ones_like(x) if weights is None else weights)
    centred = x - x.mean(-1, keepdims=True)
    design = np.stack([np.ones_like(centred), centred, centred**2], -1) * root[..., None]
    bent = np.einsum("dkn,dn->dk", np.linalg.pinv(design), y * root)[:, 2]
    return np.where((root > 0).sum(-1) > 2, bent, np.nan)


def judges(draws: Draws, first: str, second: str) -> pd.DataFrame:
    """Two judges over the same cells: mean pass rates, their ratio, do they order alike, and does loss tell one better?

    Means and their ratio are of these configurations: they have no wider interval.
    """
    a, b = (draws.rates[judge].mean(1) for judge in (first, second))
    ratio = np.divide(a, b, out=np.full(len(b), np.nan), where=b > 0)  # of nothing there is none
    means = {f"mean of {first}": a, f"mean of {second}": b, "ratio": ratio}
    values = {name: Intervals.wider(*[draws.interval(drawn)] * 2) for name, drawn in means.items()}
    values["R2 difference"] = draws.both(lambda d, w: line_of(d, first, w)["R2"] - line_of(d, second, w)["R2"])
    values["rank agreement"] = spearman(draws, first, second)
    return frame_of(rows_of(values, n=len(draws.configurations)), "n", kind=Intervals)


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
