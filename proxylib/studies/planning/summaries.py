"""What policies came to: curves over cells bought, differences with intervals, and whether promises were kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from proxylib.stats import Interval, jackknife_interval, mean_interval
from proxylib.studies.planning.grids import Grid
from proxylib.studies.planning.policies import NOTHING, PLAN, POLICIES, RANDOM, UNSURE, nothing_bought, traced

WITHOUT = ", loss unknown"  # of a policy whose fit knows size and data alone
STATES = (3, 8)  # cells bought, over which promises are compared
BINS = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.05, 1.0)  # of a promise, shares
POINTS = 100
DECISION = ["study", "data", "part", "score"]  # what is to be chosen from, and by what


def traces(
    grids: Iterable[Grid],
    items: int,
    cells: int,
    repeats: int,
    seed: int,
    known: Sequence[str] = tuple(POLICIES),
    unknown: Sequence[str] = (UNSURE, PLAN),
) -> pd.DataFrame:
    """Policies on every grid.

    Parameters
    ----------
    known, unknown : policies that know the loss; those that ask a fit which does not

    Returns
    -------
    study, data, part, score, policy, items, and the columns of `policies.traced`
    """
    rows = []
    for grid in grids:
        about = {"study": grid.study, "data": grid.data, "part": grid.part, "score": grid.score, "items": items}
        for policy in known:
            rows.append(traced(grid, policy, items, cells, repeats, seed).assign(policy=policy, **about))
        for policy in unknown:
            trace = traced(grid, policy, items, cells, repeats, seed, loss=False)
            rows.append(trace.assign(policy=policy + WITHOUT, **about))
        lost = {"repeat": 0, "cells": 0, "regret": nothing_bought(grid), "error": np.nan, "promised": np.nan}
        rows.append(pd.DataFrame([lost | {"policy": NOTHING} | about]))
    return pd.concat(rows, ignore_index=True)


def curves(rows: pd.DataFrame, level: float) -> pd.DataFrame:
    """Regret and error by cells bought, in points.

    Returns
    -------
    data, score, policy, items, cells, measure, estimate, low, high: mean over repeats and parts; the interval is Student's over
    parts, nan where there is one
    """
    measured = ["regret", "error"]
    by = ["data", "score", "policy", "items", "cells"]
    parts = rows.groupby([*by, "part"], sort=False)[measured].mean()
    out = []
    for keys, part in parts.groupby(level=by, sort=False):
        for measure in measured:
            ends = mean_interval(POINTS * part[measure], level)
            out.append(dict(zip(by, keys, strict=True)) | {"measure": measure} | ends._asdict())
    return pd.DataFrame(out)


def over_all(decisions: pd.Series, over: str) -> pd.Series:
    """Mean of decisions for each of `over`, a level of their index: over grids first, then over all that share it."""
    return decisions.groupby(level=sorted({over, "data"}), sort=False).mean().groupby(level=over, sort=False).mean()


def differences(rows: pd.DataFrame, first: str, second: str, measure: str, cells: int, over: str) -> pd.Series:
    """First policy minus second, in points, for each of `over` (a column): mean over all that share it.

    What buys nothing has one row, which stands for any number of cells.
    """
    at = rows[rows["cells"] == np.minimum(cells, rows.groupby(DECISION)["cells"].transform("max"))]
    free = rows[rows["policy"] == NOTHING]
    means = pd.concat([at, free]).groupby([*DECISION, "policy"], sort=False)[measure].mean().unstack()
    return POINTS * over_all(means[first] - means[second], over)


def kept(rows: pd.DataFrame, over: str) -> pd.Series:
    """Regret that came minus regret that was promised, in points, for each of `over`."""
    chosen = states(rows)
    more = chosen.assign(more=chosen["regret"] - chosen["promised"])
    return POINTS * over_all(more.groupby(DECISION, sort=False)["more"].mean(), over)


def states(rows: pd.DataFrame) -> pd.DataFrame:
    """Those over which promises are compared: a few cells bought, by the plan or at random."""
    return rows[rows["policy"].isin((PLAN, RANDOM)) & rows["cells"].between(*STATES)]


def promises(rows: pd.DataFrame) -> pd.DataFrame:
    """What came of promises, by their size: data, low and high (of the promise), states, promised and regret, in points."""
    chosen = states(rows)
    bins = pd.cut(chosen["promised"], BINS, right=False)
    grouped = chosen.groupby([chosen["data"], bins], observed=True, sort=False)
    means = (POINTS * grouped[["promised", "regret"]].mean()).assign(states=grouped.size()).reset_index(names=["data", "bin"])
    ends = {"low": [POINTS * bin.left for bin in means["bin"]], "high": [POINTS * bin.right for bin in means["bin"]]}
    return means.drop(columns="bin").assign(**ends).sort_values(["data", "low"], ignore_index=True)


def over_groups(
    grids: Sequence[Grid], first: tuple[str, bool], second: tuple[str, bool], measure: str, how: dict[str, int], level: float
) -> Interval:
    """A difference over grids that share their groups, in points: the wider of two intervals.

    Parameters
    ----------
    first, second : policy, and whether the fit knows the loss
    how : items, cells, repeats, seed

    Notes
    -----
    The jackknife leaves a group of configurations out of all grids; Student's interval is over grids. Neither alone covers what
    a claim generalises about: other bases, and other trainings.
    """
    of = lambda several: np.array([_difference(grid, first, second, measure, how) for grid in several])
    each = of(grids)
    groups = sorted(set(grids[0].cells["group"]))
    left = np.array([of([grid.without(group) for grid in grids]).mean() for group in groups])
    intervals = [jackknife_interval(each.mean(), left, level), mean_interval(each, level)]
    defined = [interval for interval in intervals if np.isfinite(interval.low)]
    if not defined:
        return Interval(float(each.mean()), np.nan, np.nan)
    return Interval(float(each.mean()), min(ends.low for ends in defined), max(ends.high for ends in defined))


def _difference(grid: Grid, first: tuple[str, bool], second: tuple[str, bool], measure: str, how: dict[str, int]) -> float:
    values = []
    for policy, loss in (first, second):
        trace = traced(grid, policy, loss=loss, **how)
        values.append(trace.loc[trace["cells"] == trace["cells"].max(), measure].mean())
    return POINTS * (values[0] - values[1])


def estimate(claim: str, ends: Interval, level: float, n: int, unit: str) -> dict[str, object]:
    """A row of `estimates`."""
    return {"claim": claim} | ends._asdict() | {"level": level, "n": n, "n_unit": unit}
