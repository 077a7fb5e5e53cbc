"""What the luck of seeds does: to loss and pass rate together, and to whether more data looks worse."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.stats import Bootstrap
from proxylib.studies.loss.cell_draws import JudgedCells, cell_rates, frame_of, places, rows_of


def seeds_apart(grid: JudgedCells, bootstrap: Bootstrap) -> pd.DataFrame:
    """Correlation of final loss and pass rate over the seeds of one configuration, which size and data cannot explain.

    Returns
    -------
    judge, statistic "r over seeds", estimate, low, high (bootstrap over configurations), n (cells), critical (see `control`)
    """
    rows = []
    cells = grid.cells
    place = places(cells)
    several = np.flatnonzero(np.bincount(place)[place] > 1)
    groups = np.unique(place[several])
    if len(groups) < 2:
        return frame_of([], "judge", "n", "critical")
    drawn = bootstrap.over(place[several])
    critical = stats.critical_r(len(several) - len(groups) - 1, bootstrap.level)
    apart = lambda values: pd.Series(values).groupby(place).transform(lambda part: part - part.mean()).to_numpy()[several]
    for judge in grid.passed:
        x, y = apart(cells["final_loss"].to_numpy(float)), apart(cell_rates(grid, judge))
        xx, yy, xy = (drawn.weights @ product for product in (x * x, y * y, x * y))
        with np.errstate(invalid="ignore", divide="ignore"):
            r = drawn.drawn(xy / np.sqrt(xx * yy)).interval("reflected", undefined="nan")
        rows += rows_of({"r over seeds": r}, judge=judge, n=len(several), critical=critical)
    return frame_of(rows, "judge", "n", "critical")


def inversions(grid: JudgedCells, judge: str) -> pd.DataFrame:
    """How often more data looks worse: each seed of a configuration beside the next larger number of examples of its base.

    Returns
    -------
    a row per pair of cells: base, fewer, more, seed, score_drop (points; positive: worse with more data), loss_rise (nats),
    inverted (score fell while loss rose, as in the post's 14B)
    """
    cells = grid.cells.assign(rate=cell_rates(grid, judge))
    sizes = sorted(cells["examples"].unique())
    rows = []
    for base, part in cells.groupby("base", sort=False):
        for fewer, more in pairwise(sizes):
            for _, a in part[part["examples"] == fewer].iterrows():
                for _, b in part[part["examples"] == more].iterrows():
                    drop, rise = a["rate"] - b["rate"], b["final_loss"] - a["final_loss"]
                    rows.append((base, fewer, more, a["seed"], b["seed"], drop, rise, drop > 0 and rise > 0))
    columns = ["base", "fewer", "more", "seed", "other seed", "score_drop", "loss_rise", "inverted"]
    return pd.DataFrame(rows, columns=columns)


def seed_noise(grid: JudgedCells, judge: str) -> pd.DataFrame:
    """Standard deviation over seeds of pass rate (points) and final loss (nats), per configuration with at least three."""
    cells = grid.cells.assign(rate=cell_rates(grid, judge))
    grouped = cells.groupby(["base", "examples"], sort=False)
    table = grouped.agg(seeds=("seed", "nunique"), rate=("rate", "std"), final_loss=("final_loss", "std")).reset_index()
    return table[table["seeds"] >= 3].reset_index(drop=True)


def inversions_by_luck(grid: JudgedCells, judge: str, bootstrap: Bootstrap) -> pd.DataFrame:
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
    cells = grid.cells.assign(rate=cell_rates(grid, judge))
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
        np.diff(part.sort_index(level="examples").to_numpy(float), axis=0)
        for _, part in means.groupby(level="base", sort=False)
    ]
    looks = lambda step: np.mean((step[0] + noise[:, 0] < 0) & (step[1] + noise[:, 1] > 0))
    every = np.concatenate(steps)
    share = inversions(grid, judge)["inverted"].mean()
    ends = stats.proportion_interval(share * len(every), len(every), bootstrap.level)
    row = (share, *ends[1:3], len(every), np.mean([looks(step) for step in every]), looks(np.zeros(2)))
    return pd.DataFrame([row], columns=columns)
