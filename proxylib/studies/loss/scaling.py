"""What more data and larger bases buy, and which configuration of a budget loss would choose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from proxylib.stats import Drawn
from proxylib.studies.loss.cell_draws import Draws, frame_of, line, rows_of

#: what is linear in the pass rate
SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {"log-linear": np.log2, "saturating": lambda x: -1 / x}
FRONTIER = ("budget", "best", "chosen", "best_rate", "chosen_rate", "regret", "low", "high")


def scaling(draws: Draws) -> pd.DataFrame:
    """Pass rate against examples (per base) and against parameters (per number of examples): two shapes.

    Returns
    -------
    judge, along ("examples" or "parameters"), group, shape ("log-linear": a + b log x; "saturating": a - b / x), statistic
    "error" (root mean square of the fit, points) and "gain" (points per doubling, log-linear only)

    Notes
    -----
    Both shapes have two coefficients, so their errors compare; with three points per base one is left over.
    """
    c = draws.configurations
    rows = []
    for along, by in (("examples", "base"), ("parameters", "examples")):
        for group in c[by].unique():
            members = (c[by] == group).to_numpy()
            if members.sum() < 3:
                continue
            x = c[along].to_numpy(float)[members]
            for judge, rates in draws.rates.items():
                for shape, transform in SHAPES.items():
                    inputs = np.broadcast_to(transform(x), rates[:, members].shape)
                    fit = line(inputs, rates[:, members])
                    values = {"error": draws.interval(misfit(transform(x), rates[:, members]))}
                    if shape == "log-linear":
                        values["gain"] = draws.interval(fit["slope"])
                    rows += rows_of(values, judge=judge, along=along, group=str(group), shape=shape)
    return frame_of(rows, "judge", "along", "group", "shape")


def misfit(x: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """[draws] root mean square by which rates [draws, n] lie off their straight line in x [n]."""
    inputs = np.broadcast_to(x, rates.shape)
    fit = line(inputs, rates)
    off = rates - fit["intercept"][:, None] - fit["slope"][:, None] * inputs
    return np.sqrt((off**2).mean(1))


def frontier(draws: Draws, judge: str) -> pd.DataFrame:
    """Best configuration under each budget of training compute: the true one and the one with the lowest final loss.

    Returns
    -------
    budget (parameters x examples), best and chosen (names), best_rate and chosen_rate (percent), regret with low and high

    Notes
    -----
    The best of several rates is best by luck in part. For the regret it is therefore sought on the notes of a bootstrap draw
    and compared with the chosen one on the notes that the draw left out; the regret is the mean over draws and can be
    negative. Its interval is too wide rather than too narrow, as a draw leaves out a third of the notes.
    """
    c = draws.configurations
    cost = (c["parameters"].astype(float) * c["examples"]).to_numpy()
    names = (c["base"] + ", " + c["examples"].astype(str)).to_numpy()
    rates, losses = (draws.bootstrap.drawn(values) for values in (draws.rates[judge], draws.signals["final_loss"]))
    outside = draws.outside[judge]
    rows = np.arange(len(outside))
    lines = []
    if not np.isfinite(rates.estimate).all():
        return pd.DataFrame([], columns=[*FRONTIER])
    for budget in np.sort(cost):
        allowed = np.flatnonzero(cost <= budget)
        best = allowed[np.nan_to_num(rates.draws[:, allowed], nan=-1.0).argmax(1)]
        picked = allowed[losses.draws[:, allowed].argmin(1)]
        lost = outside[rows, best] - outside[rows, picked]
        regret = Drawn(float(np.nanmean(lost)), lost, draws.bootstrap.level).interval()
        top, chosen = allowed[rates.estimate[allowed].argmax()], allowed[losses.estimate[allowed].argmin()]
        lines.append((budget, names[top], names[chosen], rates.estimate[top], rates.estimate[chosen], *regret))
    return pd.DataFrame(lines, columns=[*FRONTIER])
