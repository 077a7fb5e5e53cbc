"""What the luck of seeds does: to loss and pass rate together, and to whether more data looks worse."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.stats import Bootstrap
from proxylib.studies.loss.cell_draws import JudgedCells, cell_rates, frame_of, places, rows_of


def seeds_apart(found: JudgedCells, bootstrap: Bootstrap) -> pd.DataFrame:
    """Correlation of final loss and pass rate over the seeds of one configuration, which size and data cannot explain.

    Returns
    -------
    judge, statistic "r over seeds", estimate, low, high (bootstrap over configurations), n (cells), critical (see `control`)
    """
    made = []
    cells = found.cells
    place = places(cells)
    several = np.flatnonzero(np.bincount(place)[place] > 1)
    groups = np.unique(place[several])
    if len(groups) < 2:
        return frame_of([], "judge", "n", "critical")
    drawn = bootstrap.over(place[several])
    critical = stats.critical_r(len(several) - len(groups) - 1, bootstrap.level)
    apart = lambda values: pd.Series(values).groupby(place).transform(lambda own: own - own.mean()).to_numpy()[several]
    for judge in found.passed:
        x, y = apart(cells["final_loss"].to_numpy(float)), apart(cell_rates(found, judge))
        xx, yy, xy = (drawn.weights @ product for product in (x * x, y * y, x * y))
        with np.errstate(invalid="ignore", divide="ignore"):
            r = drawn.drawn(xy / np.sqrt(xx * yy)).interval("reflected", undefined="nan")
        made += rows_of({"r over seeds": r}, judge=judge, n=len(several), critical=critical)
    return frame_of(made, "judge", "n", "critical")


def inversions(found: JudgedCells, judge: str) -> pd.DataFrame:
    """How often more data looks worse: each seed of a configuration beside the next larger number of examples of its base.

    Returns
    -------
    a row per pair of cells: base, fewer, more, seed, score_drop (points; positive: worse with more data), loss_rise (nats),
    inverted (score fell while loss rose, as in the post's 14B)
    """
    cells = found.cells.assign(rate=cell_rates(found, judge))
    sizes = sorted(cells["examples"].unique())
    made = []
    for base, own in cells.groupby("base", sort=False):
        for fewer, more in pairwise(sizes):
            for _, a in own[own["examples"] == fewer].iterrows():
                for _, b in own[own["examples"] == more].iterrows():
                    drop, rise = a["rate"] - b["rate"], b["final_loss"] - a["final_loss"]
                    made.append((base, fewer, more, a["seed"], b["seed"], drop, rise, drop > 0 and rise > 0))
    columns = ["base", "fewer", "more", "seed", "other seed", "score_drop", "loss_rise", "inverted"]
    return pd.DataFrame(made, columns=columns)


def seed_noise(found: JudgedCells, judge: str) -> pd.DataFrame:
    """Standard deviation over seeds of pass rate (points) and final loss (nats), per configuration with at least three."""
    cells = found.cells.assign(rate=cell_rates(found, judge))
    grouped = cells.groupby(["base", "examples"], sort=False)
    made = grouped.agg(seeds=("seed", "nunique"), rate=("rate", "std"), final_loss=("final_loss", "std")).reset_index()
    return made[made["seeds"] >= 3].reset_index(drop=True)


def inversions_by_luck(found: JudgedCells, judge: str, bootstrap: Bootstrap) -> pd.DataFrame:
    """How often two runs look inverted though only the luck of seeds and notes parts them from their configurations' means.

    Returns
    -------
    one row, none without configurations of several seeds: observed (share of the pairs of `inversions`), low and high
    (Wilson, as if each pair of neighbouring configurations were one observation: their pairs of seeds share cells), pairs (of
    configurations), as_found (share expected where the configurations' means are those found) and no_effect (where more data
    changes nothing)

    Notes
    -----
    Normal noise with one covariance of pass rate and loss, pooled over configurations; a grid whose noise differs between
    configurations, as ours, has more of it in some pairs and less in others. `as_found` takes the means as true, which they
    are not: seeds' luck is in them.
    """
    cells = found.cells.assign(rate=cell_rates(found, judge))
    pair = ["rate", "final_loss"]
    grouped = cells.groupby(["base", "examples"], sort=False)[pair]
    apart = (cells[pair] - grouped.transform("mean")).to_numpy(float)
    degrees = len(cells) - grouped.ngroups
    columns = ["observed", "low", "high", "pairs", "as_found", "no_effect"]
    if degrees < 2:
        return pd.DataFrame([], columns=columns)
    noise = np.random.default_rng(bootstrap.seed).multivariate_normal([0, 0], 2 * apart.T @ apart / degrees, size=20_000)
    means = grouped.mean()
    steps = [
        np.diff(own.sort_index(level="examples").to_numpy(float), axis=0) for _, own in means.groupby(level="base", sort=False)
    ]
    looks = lambda step: np.mean((step[0] + noise[:, 0] < 0) & (step[1] + noise[:, 1] > 0))
    every = np.concatenate(steps)
    share = inversions(found, judge)["inverted"].mean()
    ends = stats.proportion_interval(share * len(every), len(every), bootstrap.level)
    row = (share, *ends[1:3], len(every), np.mean([looks(step) for step in every]), looks(np.zeros(2)))
    return pd.DataFrame([row], columns=columns)
