"""Two models, or two checkpoints of one, on the same items: which metrics became worse, which better, which are tied?

What an item's difficulty adds to both sides cancels in the difference, so that far fewer items show a change than would
with fresh ones for each side. The p values of all metrics are corrected together, as a dashboard of dozens shows something
on any day.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from proxylib.alarms import table
from proxylib.errors import UserError
from proxylib.settings import Frozen

ITEM = ["metric", "item"]
COLUMNS = [
    *("metric", "test", "items", "clusters", "unpaired", "before", "after", "change", "low", "high"),
    *("up", "down", "p_alone", "p", "shows", "decision"),
]


class Outcome(StrEnum):
    """What is said of one metric."""

    WORSE = "worse"
    BETTER = "better"
    TIED = "tied"
    CANNOT_TELL = "cannot tell"


class Comparison(Frozen):
    """How two models are compared."""

    level: float = Field(default=0.95, gt=0.5, lt=1, description="coverage of intervals; 1 - level is the error rate")
    correction: Literal["fdr_bh", "holm", "none"] = Field(
        default="fdr_bh",
        description="over metrics: Benjamini and Hochberg hold down the share of false ones among those that are named, Holm "
        "the chance of any",
    )
    margin: float = Field(default=0.02, ge=0, description="changes smaller than this, in the score's unit, count as none")
    power: float = Field(default=0.8, gt=0.5, lt=1, description="chance with which the smallest shown change is found")


class Paired(NamedTuple):
    """The change of one metric, tested by itself."""

    test: str
    change: float
    low: float
    high: float
    p: float
    error: float  # standard error that the smallest shown change is computed from
    degrees: float  # of freedom; infinite for a normal


def matched(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """The items of two models side by side.

    Parameters
    ----------
    before, after : columns metric, item, score; optional cluster (items of one label share a passage, and luck with it)

    Returns
    -------
    columns metric, item, before, after, cluster (where one of them has it); a score is nan where that side lacks the item

    Raises
    ------
    UserError
        If a side has an item twice, or the two have no item in common.
    """
    for name, side in (("first", before), ("second", after)):
        if (twice := side.duplicated(ITEM)).any():
            metric, item = side.loc[twice, ITEM].iloc[0]
            raise UserError(f"{name} model: item {item!a} of {metric!a} occurs twice; keep one score of each item")
    clustered = [side for side in (before, after) if "cluster" in side]
    sides = [side[[*ITEM, "score"]].rename(columns={"score": name}) for name, side in (("before", before), ("after", after))]
    pairs = sides[0].merge(sides[1], on=ITEM, how="outer", validate="one_to_one")
    if pairs[["before", "after"]].isna().any(axis=1).all():
        raise UserError("the two models have no item in common; paired tests need the same items on both sides")
    if clustered:
        labels = pd.concat([side[[*ITEM, "cluster"]] for side in clustered]).drop_duplicates(ITEM)
        pairs = pairs.merge(labels, on=ITEM, how="left", validate="one_to_one")
    return pairs


def compare(pairs: pd.DataFrame, how: Comparison | None = None) -> pd.DataFrame:
    """Which metrics changed between two models.

    Parameters
    ----------
    pairs : as from `matched`; scores where more is better, shares of 0 and 1 for right and wrong
    how : settings

    Returns
    -------
    A row a metric, in the order in which they come. Columns metric; test; items (pairs that count); clusters (0 where items
    stand for themselves); unpaired (items that one side lacks or could not score: they count for nothing, and a run with many
    of them tells little); before, after (means); change with the ends low and high of its own interval; up, down (items
    that rose and fell); p_alone and p (two-sided, before and after the correction); shows (the smallest change that so many
    items find with `power`, at the strictest step of the correction); decision (`Outcome`)

    Notes
    -----
    Which test: right and wrong without clusters, McNemar's exact one, with Bonett and Price's interval (2012); other scores
    Student's paired t; with clusters a mean with cluster-robust errors, and Student's t with one degree fewer than
    clusters, all by statsmodels.

    The error rate: with `fdr_bh`, of the metrics that are called worse or better on average no more than 1 - `level` are not
    (Benjamini and Hochberg 1995; holds where metrics are independent or rise and fall together); with `holm`, the
    chance that any is. A metric is tied if its interval lies within the margin, whatever its p: each tie has an
    error rate of its own, of half of 1 - `level`, that nothing corrects. The interval is of one metric alone; that of a metric
    which is looked at because it fell furthest is too kind.

    How it misleads: the pair stands for two models, not for two recipes. Another training of the second model answers other
    items. Below about ten clusters the cluster-robust interval is too short.
    """
    how = how or Comparison()
    rows = []
    for metric, part in pairs.groupby("metric", sort=False):
        kept = part.dropna(subset=["before", "after"])
        clusters = _labels(kept)
        paired = _paired(kept["before"].to_numpy(float), kept["after"].to_numpy(float), clusters, how.level)
        difference = kept["after"].to_numpy(float) - kept["before"].to_numpy(float)
        counted = (len(kept), 0 if clusters is None else len(np.unique(clusters)), len(part) - len(kept))
        means = (kept["before"].mean(), kept["after"].mean())
        moved = (int((difference > 0).sum()), int((difference < 0).sum()))
        rows.append((metric, paired, counted, means, moved))
    corrected = adjusted([paired.p for _, paired, *_ in rows], how)
    alpha = (1 - how.level) / (1 if how.correction == "none" else max(1, len(rows)))
    lines = []
    for (metric, paired, counted, means, moved), p in zip(rows, corrected, strict=True):
        shows = smallest(paired, counted[0], alpha, how.power)
        given = (metric, paired.test, *counted, *means, paired.change, paired.low, paired.high, *moved)
        lines.append((*given, paired.p, p, shows, decide(paired, p, how)))
    return pd.DataFrame(lines, columns=COLUMNS)


def alarms(compared: pd.DataFrame, at: float, since: float) -> pd.DataFrame:
    """The metrics that became worse (see `compare`) between the checkpoints `since` and `at`, in the columns of `table`."""
    worse = compared[compared["decision"] == Outcome.WORSE]
    numbers = worse[["change", "low", "high", "p"]].itertuples(index=False, name=None)
    return table.frame(("regression", metric, at, since, *row) for metric, row in zip(worse["metric"], numbers, strict=True))


def adjusted(ps: list[float], how: Comparison) -> np.ndarray:
    """p values after the correction over all that are defined; the others stay nan."""
    from statsmodels.stats.multitest import multipletests

    values = np.array(ps, float)
    tested = np.isfinite(values)
    if how.correction != "none" and tested.any():
        values[tested] = multipletests(values[tested], method=how.correction)[1]
    return values


def decide(paired: Paired, p: float, how: Comparison) -> Outcome:
    """What is said of a metric: see `compare`."""
    if not np.isfinite([paired.low, paired.high, p]).all():
        return Outcome.CANNOT_TELL
    if -how.margin <= paired.low and paired.high <= how.margin:
        return Outcome.TIED
    if p > 1 - how.level or not paired.change:
        return Outcome.CANNOT_TELL
    return Outcome.BETTER if paired.change > 0 else Outcome.WORSE


def smallest(paired: Paired, items: int, alpha: float, power: float) -> float:
    """The smallest change that is found with a power, by a two-sided test at `alpha`; nan where there is no error.

    Notes
    -----
    From the spread of the differences that were seen. Of right and wrong answers that is their churn, those that change one way
    and are made up for the other way; a true change comes on top of it, and an exact test asks for one answer more:
    (change - 1 / n)^2 = (z_alpha/2 + z_power)^2 (churn + change) / n. A pair of models with more churn shows less.
    """
    if paired.test != EXACT:
        return detectable(paired.error, alpha, power, paired.degrees)
    churn = max(0.0, paired.error**2 * (items + 2) - abs(paired.change) * (1 - abs(paired.change)))
    scale = detectable(1.0, alpha, power) ** 2 / items
    middle = 1 / items + scale / 2
    return middle + math.sqrt(middle**2 - 1 / items**2 + scale * churn)


def exact_p(up: int, down: int) -> float:
    """McNemar's exact p, two-sided, of so many answers that became right, and wrong."""
    from statsmodels.stats.contingency_tables import mcnemar

    return float(mcnemar([[0, up], [down, 0]], exact=True).pvalue) if up + down else 1.0


def detectable(error: float, alpha: float = 0.05, power: float = 0.8, degrees: float = math.inf) -> float:
    """Change that a two-sided test finds with a power, given the standard error of the difference (Miller 2024, eq. 9)."""
    from scipy.stats import t

    return float((t.ppf(1 - alpha / 2, degrees) + t.ppf(power, degrees)) * error)


def items_that_show(change: float, churn: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Right and wrong answers that show a change where a share of them, the churn, changes for no reason: `smallest`, inverted.

    >>> items_that_show(0.1, 0.07)
    153
    """
    noise = detectable(1.0, alpha, power) ** 2 * (churn + change)
    return math.ceil((2 * change + noise + math.sqrt((4 * change + noise) * noise)) / (2 * change**2))


EXACT, STUDENT, CLUSTERED = "McNemar, exact", "paired t", "clustered t"
FEWEST = 2  # items, or clusters, that a spread needs


def _labels(pairs: pd.DataFrame) -> np.ndarray | None:
    """Numbers of the clusters; None where each item stands for itself. An item without a label is its own cluster."""
    if "cluster" not in pairs or pairs["cluster"].isna().all():
        return None
    labels = pairs["cluster"].astype(object).where(pairs["cluster"].notna(), [("item", item) for item in pairs["item"]])
    numbers, names = pd.factorize(labels)
    return None if len(names) == len(pairs) else numbers


def _paired(before: np.ndarray, after: np.ndarray, clusters: np.ndarray | None, level: float) -> Paired:
    difference = after - before
    binary = np.isin(before, (0, 1)).all() and np.isin(after, (0, 1)).all()
    test = CLUSTERED if clusters is not None else EXACT if binary else STUDENT
    units = len(difference) if clusters is None else len(np.unique(clusters))
    if units < FEWEST:
        change = float(difference.mean()) if len(difference) else np.nan
        return Paired(test, change, np.nan, np.nan, np.nan, np.nan, np.nan)
    if test == EXACT:
        return _exact(int((difference > 0).sum()), int((difference < 0).sum()), units, level)
    if np.ptp(difference) == 0:  # no spread to go by: as many items, or clusters, of which none changed, or all did
        scale = max(np.ptp(np.concatenate([before, after])), abs(difference[0])) or 1.0
        same = _exact(units * int(difference[0] > 0), units * int(difference[0] < 0), units, level)
        return Paired(test, float(difference[0]), scale * same.low, scale * same.high, same.p, scale * same.error, units - 1)
    return _by_least_squares(test, difference, clusters, units, level)


def _exact(up: int, down: int, items: int, level: float) -> Paired:
    """McNemar's exact test of changed answers, with Bonett and Price's interval of the difference of shares.

    The interval adds one change to each side: where no answer changed it is as wide as so few items deserve.
    """
    from scipy.stats import norm

    p = exact_p(up, down)
    more, fewer = (up + 1) / (items + 2), (down + 1) / (items + 2)
    error = math.sqrt((more + fewer - (more - fewer) ** 2) / (items + 2))
    reach = float(norm.ppf((1 + level) / 2)) * error
    centre = more - fewer
    return Paired(EXACT, (up - down) / items, max(-1.0, centre - reach), min(1.0, centre + reach), p, error, math.inf)


def _by_least_squares(test: str, difference: np.ndarray, clusters: np.ndarray | None, units: int, level: float) -> Paired:
    """The mean difference with its error: a regression on nothing but a constant."""
    import statsmodels.api as sm

    model = sm.OLS(difference, np.ones(len(difference)))
    robust = {} if clusters is None else {"cov_type": "cluster", "cov_kwds": {"groups": clusters}, "use_t": True}
    fit = model.fit(**robust)
    low, high = fit.conf_int(alpha=1 - level)[0]
    numbers = (fit.params[0], low, high, fit.pvalues[0], fit.bse[0])
    return Paired(test, *map(float, numbers), units - 1)
