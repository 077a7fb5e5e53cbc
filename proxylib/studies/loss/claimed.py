"""What the scoreboard takes from the fits: a row per claim of the post, with both intervals.

The wide interval is over bases. Of the few claims that cannot be asked of fewer bases, steps along size among them, each says
how its own interval is taken.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from proxylib import stats
from proxylib.judging.criteria import GRADED, LM_JUDGE, PROMPTED, STRICT
from proxylib.studies.loss import lines, scaling, seed_luck, size_control
from proxylib.studies.loss.cell_draws import Draws, Intervals, JudgedCells, groups_of
from proxylib.studies.loss.lines import line_of

UNIT = "configurations of one family"


def estimates(grid: JudgedCells, draws: Draws, judge: str = LM_JUDGE, other: str = STRICT) -> pd.DataFrame:
    """Every claim that the grid can be asked about; `judge` stands for the post's first, `other` for its second.

    Returns
    -------
    claim, estimate, low, high, low_given, high_given, level, n, n_unit; no row for what is not defined
    """
    every = np.ones(len(draws.configurations), bool)
    claims = {
        "loss-r": draws.correlated(lambda d, w: line_of(d, judge, w)["r"], every),
        "loss-r-second-judge": draws.correlated(lambda d, w: line_of(d, other, w)["r"], every),
        "loss-slope": draws.both(lambda d, w: 0.1 * line_of(d, judge, w)["slope"]),
        "loss-judges": lines.spearman(draws, judge, other),
        "loss-linear": draws.both(lambda d, w: _straight_minus_bent(d, judge, w)),
        "loss-beyond": beyond(draws, GRADED if GRADED in draws.rates else judge),
    }
    if GRADED in draws.rates:
        claims["loss-graded"] = lines.spearman(draws, "final_loss", GRADED)
    claims |= _regimes(draws, judge) | _size_and_data(draws, judge) | _steps(draws, draws.rates[judge])
    claims["loss-inversions"], falling = _inversions(grid, draws, judge)
    bases = draws.configurations["base"].nunique()
    counted = {
        "loss-inversions": (falling, "steps to more data with a fall"),
        "loss-monotonic": (bases, "bases"),
        "loss-size-consistent": (bases - 1, "steps to the next larger base"),
    }
    if set(PROMPTED.values()) <= set(draws.rates):
        refined, naive = (PROMPTED[name] for name in ("refined", "naive"))
        claims["loss-naive-prompts"] = draws.both(lambda d, w: line_of(d, refined, w)["R2"] - line_of(d, naive, w)["R2"])
    rows = [{"claim": claim} | interval._asdict() for claim, interval in claims.items() if np.isfinite(interval).all()]
    table = pd.DataFrame(rows, columns=["claim", *Intervals._fields]).assign(
        level=draws.bootstrap.level, n=len(every), n_unit=UNIT
    )
    for claim, counts in counted.items():
        table.loc[table["claim"] == claim, ["n", "n_unit"]] = counts
    return table


def beyond(draws: Draws, judge: str) -> Intervals:
    """Partial correlation of loss and pass rates given the richest design; the wide interval is Fisher's."""
    columns = size_control.GIVEN[size_control.RICHEST]
    partial, degrees = size_control.partial(draws, draws.rates[judge], "final_loss", columns)
    given = draws.correlation(partial)
    wide = stats.fisher_interval(given.estimate, degrees + 2, draws.bootstrap.level) if degrees > 1 else given
    return Intervals.wider(given, wide)


def _straight_minus_bent(draws: Draws, judge: str, weights: np.ndarray) -> np.ndarray:
    """Error of a line minus that of a parabola, each configuration forecast from all others."""
    rates = draws.rates[judge]
    errors = []
    for columns in (("final_loss",), ("final_loss", "square of final_loss")):
        design = size_control.design_of(columns, draws.configurations, draws.signals)
        squares = size_control.left_out(design, rates, np.arange(rates.shape[1])) ** 2
        errors.append(np.sqrt((weights * squares).sum(1) / weights.sum(1)))
    return errors[0] - errors[1]


def _regimes(draws: Draws, judge: str) -> dict[str, Intervals]:
    """Within one number of examples against all of them: adjusted R2, as few points have a high one by luck; slopes."""
    regimes = [members for name, members in groups_of(draws.configurations) if name != "all"]
    if len(regimes) < 2:
        return {}
    every = np.ones(len(draws.configurations), bool)

    def adjusted(d: Draws, w: np.ndarray, members: np.ndarray) -> np.ndarray:
        count = (w[:, members] > 0).sum(1)
        return 1 - (1 - line_of(d, judge, w, members=members)["R2"]) * (count - 1) / (count - 2)

    gain = lambda d, w: np.mean([adjusted(d, w, members) for members in regimes], 0) - adjusted(d, w, every)
    slope = lambda d, w, members: 0.1 * line_of(d, judge, w, members=members)["slope"]
    return {
        "loss-regimes-gain": draws.both(gain),
        "loss-regimes-slopes": draws.both(lambda d, w: slope(d, w, regimes[0]) - slope(d, w, regimes[-1])),
    }


def _size_and_data(draws: Draws, judge: str) -> dict[str, Intervals]:
    """Points per doubling of parameters and of examples, the other held fixed."""
    sizes, data = (np.log2(draws.configurations[name].to_numpy(float)) for name in ("parameters", "examples"))
    design = np.stack([np.ones_like(sizes), sizes, data], -1)

    def gains(d: Draws, w: np.ndarray) -> np.ndarray:
        root = np.sqrt(w)
        solved = np.linalg.pinv(design * root[..., None])
        several = np.array([len(set(sizes[row > 0])) > 1 for row in w])[:, None]  # of one base there is no effect of size
        return np.where(several, (solved @ (d.rates[judge] * root)[..., None])[..., 0], np.nan)

    return {
        "loss-size": draws.both(lambda d, w: gains(d, w)[:, 1]),
        "loss-data": draws.both(lambda d, w: gains(d, w)[:, 2]),
    }


def _steps(draws: Draws, rates: np.ndarray) -> dict[str, Intervals]:
    """Claims about steps along size and data, from [1 + draws, bases, numbers of examples], smallest and fewest first."""
    c = draws.configurations
    order = c.reset_index().sort_values(["parameters", "examples"])["index"].to_numpy()
    bases, amounts = c["base"].nunique(), c["examples"].nunique()
    if bases < 4 or amounts < 3 or bases * amounts != len(c):
        return {}
    square = rates[:, order].reshape(len(rates), bases, amounts)
    sizes = np.sort(c["parameters"].unique()).astype(float)
    rises = lambda axis: np.diff(square, axis=axis) > 0
    every_step = rises(2).all(2).mean(1)
    return {
        "loss-size-consistent": _share(draws, rises(1).mean((1, 2)), bases - 1),
        "loss-monotonic": _share(draws, every_step, bases),
        "loss-size-diminishing": _over_bases(draws, _early_minus_late, square, sizes),
        "loss-size-log-linear": _over_bases(draws, _line_minus_saturating, square, sizes),
    }


def _early_minus_late(square: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """[draws] points per doubling between the two smallest sizes minus between the two largest, mean over examples."""
    different, first = np.unique(sizes, return_index=True)
    per_doubling = np.diff(square[:, first].mean(2), axis=1) / np.diff(np.log2(different))
    return per_doubling[:, 0] - per_doubling[:, -1]


def _line_minus_saturating(square: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """[draws] error of a line in log size minus that of one that saturates, mean over examples."""
    errors = [
        np.mean([scaling.misfit(shape(sizes), square[..., amount]) for amount in range(square.shape[2])], 0)
        for shape in (scaling.SHAPES["log-linear"], scaling.SHAPES["saturating"])
    ]
    return errors[0] - errors[1]


def _over_bases(
    draws: Draws, statistic: Callable[[np.ndarray, np.ndarray], np.ndarray], square: np.ndarray, sizes: np.ndarray
) -> Intervals:
    """A statistic of the shape along size; the wide interval draws bases, each with all of its numbers of examples.

    The shape is fitted to every draw anew, and those of fewer than three different bases have none. Of simulated ways the one
    that covers and decides most often (experiment log): a base left out moves a curve's ends too far.

    Parameters
    ----------
    statistic : from rates [draws, bases, numbers of examples] and sizes [bases], which may repeat
    """
    bases = draws.bootstrap.over(np.arange(len(sizes)))
    counts, which = np.unique(bases.weights.astype(int), axis=0, return_inverse=True)
    once = [
        statistic(np.repeat(square[:1], count, axis=1), np.repeat(sizes, count))[0] if (count > 0).sum() > 2 else np.nan
        for count in counts
    ]
    values = statistic(square, sizes)
    return Intervals.wider(draws.interval(values), bases.drawn(np.array(once)[which.ravel()]).student())


def _share(draws: Draws, values: np.ndarray, count: int) -> Intervals:
    """A share; the wide interval counts each base, or each step between two, as one observation."""
    given = draws.interval(values)
    return Intervals.wider(given, _exact(given.estimate, count, draws.bootstrap.level))


def _exact(share: float, count: int, level: float) -> stats.Interval:
    """The interval of Clopper and Pearson; Wilson's is too short for a handful, and would decide."""
    low, high = proportion_confint(share * count, count, alpha=1 - level, method="beta")
    return stats.Interval(share, float(low), float(high))


def _inversions(grid: JudgedCells, draws: Draws, judge: str) -> tuple[Intervals, int]:
    """Share of falls of the pass rate with more data at which the loss rises, none where nothing falls; and steps with a fall.

    Between two neighbouring configurations all pairs of seeds share cells: the one interval is exact, as if each such step
    with a fall were one observation.
    """
    pairs = seed_luck.inversions(grid, judge)
    falls = pairs[pairs["score_drop"] > 0]
    steps = len(falls[["base", "fewer"]].drop_duplicates())
    if not steps:
        return Intervals(*[np.nan] * 5), 0
    interval = _exact(float((falls["loss_rise"] > 0).mean()), steps, draws.bootstrap.level)
    return Intervals.wider(interval, interval), steps
