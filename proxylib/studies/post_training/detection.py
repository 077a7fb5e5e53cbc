"""How regressions are found on a dashboard of metrics: paired tests beside unpaired ones, with truth known.

Truth is known by construction. Where before and after of a real pair of models are swapped at random, item by item, nothing
has changed and answers churn as they do; where right answers are then made wrong, a known share is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from proxylib.alarms import paired
from proxylib.alarms.paired import Comparison, Outcome
from proxylib.data import tasks
from proxylib.studies.post_training.changes import WHERE

PAIRED, UNPAIRED = "paired", "unpaired"
CORRECTIONS = {"none": "none", "Benjamini-Hochberg": "fdr_bh", "Holm": "holm"}
DROPS = (0.02, 0.05, 0.1, 0.2)  # shares of the items that are lost
PLANTED = 4  # one metric in so many loses
DASHBOARDS = 480  # simulated, spread evenly over bases and pairs of rounds


def metrics(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The rows that a dashboard shows, with a column metric: tasks by halves of their levels, and politely asked."""
    plain = outcomes[outcomes["kind"] == "plain"]
    middle = {name: tasks.task(name).levels[len(tasks.task(name).levels) // 2] for name in plain["task"].unique()}
    half = np.where(plain["level"] < plain["task"].map(middle), "easier", "harder")
    polite = outcomes[outcomes["kind"] == "polite"]
    parts = [plain.assign(metric=plain["task"] + ", " + half), polite.assign(metric=polite["task"] + ", polite")]
    return pd.concat(parts, ignore_index=True).rename(columns={"correct": "score"})


class Grid:
    """Answers of every look at the same items: [looks, items], and the metric of every item."""

    def __init__(self, shown: pd.DataFrame):
        table = shown.pivot(index=WHERE, columns=["metric", "item"], values="score")
        self.looks, self.answers = table.index, table.to_numpy(bool)
        self.names, self.metric = np.unique(table.columns.get_level_values("metric"), return_inverse=True)

    def of(self, base: str, arm: str, number: int) -> np.ndarray:
        """[items] of one look."""
        return self.answers[self.looks.get_loc((base, arm, number))]

    def counts(self, which: np.ndarray) -> np.ndarray:
        """[metrics] how many items of each metric are chosen."""
        return np.bincount(self.metric, weights=which, minlength=len(self.names)).astype(int)


def _unpaired(before: np.ndarray, after: np.ndarray, items: np.ndarray) -> np.ndarray:
    """p of two shares as if they were of different items: statsmodels' `proportions_ztest`, many at once.

    Parameters
    ----------
    before, after, items : [metrics] right answers of either side, and how many each had
    """
    from scipy.stats import norm

    share = (before + after) / (2 * items)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (after - before) / items / np.sqrt(2 * share * (1 - share) / items)
    return np.where(np.isfinite(z), 2 * norm.sf(np.abs(z)), 1.0)


_exact = lru_cache(maxsize=None)(paired.exact_p)


def tested(grid: Grid, before: np.ndarray, after: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """test -> p, and whether the metric fell, of every metric between two looks [items]."""
    up, down = grid.counts(after & ~before), grid.counts(before & ~after)
    right = grid.counts(before), grid.counts(after)
    items = grid.counts(np.ones(len(before), bool))
    exact = np.array([_exact(*pair) for pair in zip(up.tolist(), down.tolist(), strict=True)])
    apart = _unpaired(*right, items)
    return {PAIRED: (exact, down > up), UNPAIRED: (apart, down > up)}


def called(p: np.ndarray, correction: str, level: float) -> np.ndarray:
    """Which metrics are called changed, as `paired.adjusted` would say.

    Holm's steps are walked here: statsmodels collects garbage at each call of his, a tenth of a second among thousands.
    """
    if correction != "holm":
        return paired.adjusted(list(p), Comparison(level=level, correction=correction)) <= 1 - level
    order = np.argsort(p)
    passes = p[order] <= (1 - level) / np.arange(len(p), 0, -1)
    named = np.zeros(len(p), bool)
    named[order] = np.logical_and.accumulate(passes)
    return named


def simulated(grid: Grid, bases: Sequence[str], arm: str, rounds: int, level: float, seed: int) -> pd.DataFrame:
    """Dashboards on which it is known what fell.

    Returns
    -------
    A row per base, drop, test and correction: dashboards, metrics (unchanged ones) and false (of them called changed either
    way), any (dashboards with a false one), planted (metrics that lost) and found (of them called lower), discoveries (mean
    share of false ones among those called, 0 where none is)
    """
    rng = np.random.default_rng(seed)
    rows: dict[tuple, np.ndarray] = {}
    pairs = [(base, number) for base in bases for number in range(1, rounds + 1)]
    for draw in range(max(1, DASHBOARDS // len(pairs)) * len(pairs)):
        base, number = pairs[draw % len(pairs)]
        looks = grid.of(base, arm, number - 1), grid.of(base, arm, number)
        swap = rng.random(len(looks[0])) < 0.5
        before, after = np.where(swap, looks[1], looks[0]), np.where(swap, looks[0], looks[1])
        for drop in (0.0, *DROPS):
            lost = np.zeros(len(grid.names), bool)
            changed = after.copy()
            if drop:
                for metric in rng.permutation(len(grid.names))[: len(grid.names) // PLANTED]:
                    places = np.flatnonzero((grid.metric == metric) & after)
                    number_lost = round(drop * (grid.metric == metric).sum())
                    changed[rng.permutation(places)[:number_lost]] = False
                    lost[metric] = len(places) > 0 and number_lost > 0
            for test, (p, fell) in tested(grid, before, changed).items():
                for name, correction in CORRECTIONS.items():
                    named = called(p, correction, level)
                    false, true = (named & ~lost).sum(), (named & lost & fell).sum()
                    row = np.array([1, (~lost).sum(), false, false > 0, lost.sum(), true, false / max(1, named.sum())])
                    key = (base, drop, test, name)
                    rows[key] = rows.get(key, 0) + row
    columns = ["dashboards", "metrics", "false", "any", "planted", "found", "discoveries"]
    table = pd.DataFrame([(*key, *row) for key, row in rows.items()], columns=["base", "drop", "test", "correction", *columns])
    return table.assign(discoveries=table["discoveries"] / table["dashboards"])


def rates(table: pd.DataFrame) -> pd.DataFrame:
    """Per base: false (share of unchanged metrics called changed), any (share of dashboards), discoveries, power."""
    return table[["base", "drop", "test", "correction", "discoveries"]].assign(
        false=table["false"] / table["metrics"],
        any=table["any"] / table["dashboards"],
        power=np.where(table["planted"] > 0, table["found"] / table["planted"].clip(lower=1), np.nan),
    )


def compared(grid: Grid, pairs: Sequence[tuple[tuple, tuple]], level: float) -> pd.DataFrame:
    """Real pairs of looks, as a dashboard would call them with Benjamini and Hochberg's correction.

    Returns
    -------
    Columns base, arm, round (of the second look), against (arm and round of the first), metric, test, p, change (share), called
    """
    rows = []
    for first, second in pairs:
        before, after = grid.of(*first), grid.of(*second)
        items = grid.counts(np.ones(len(before), bool))
        change = (grid.counts(after) - grid.counts(before)) / items
        for test, (p, _) in tested(grid, before, after).items():
            named = called(p, "fdr_bh", level)
            for metric, value, size, flag in zip(grid.names, p, change, named, strict=True):
                rows.append((*second, f"{first[1]} {first[2]}", metric, test, value, size, flag))
    return pd.DataFrame(rows, columns=[*WHERE, "against", "metric", "test", "p", "change", "called"])


def smallest_shown(shown: pd.DataFrame, base: str, arm: str, number: int, level: float) -> pd.DataFrame:
    """What `alarms.paired` says of one pair of looks: items, shows, decision of every metric."""
    looks = [rows_[["metric", "item", "score"]] for rows_ in (_look(shown, base, arm, 0), _look(shown, base, arm, number))]
    table = paired.compare(paired.matched(*looks), Comparison(level=level))
    return table.assign(base=base, arm=arm, round=number, decision=table["decision"].map(Outcome))


def _look(shown: pd.DataFrame, base: str, arm: str, number: int) -> pd.DataFrame:
    part = shown[(shown["base"] == base) & (shown["arm"] == arm) & (shown["round"] == number)]
    return part.assign(score=part["score"].astype(float))
