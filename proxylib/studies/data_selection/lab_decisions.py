"""Choosing a corpus in the lab: how many pairs each signal orders as the target does, after how much compute.

What was fixed before any run existed stands in the experiment log ("choosing a corpus in the lab (declared)").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.measure import proxies
from proxylib.ranking.decision import pair_credits, weighted_share
from proxylib.stats import Resampling
from proxylib.studies.data_selection.lab_panel import ACCURACY, BASELINES, FIXED, NAMED, LabPanel, Point, Trial

ORACLE, OTHER_CORPORA, OTHER_TASKS = "best of eighty (oracle)", "chosen on other corpora", "chosen on other tasks"
BEST = "best of the others"
CHEAP = 0.01  # share of the target's compute: what "cheap" is
LEVELS = (0.80, 0.85)
_BLOCK = 500  # draws at a time


class Curve(NamedTuple):
    """A method over points: shares of compute [points], and decision accuracies [points, 1 + draws]."""

    shares: np.ndarray
    values: np.ndarray


# ---- one point ---------------------------------------------------------------------------------------------------------


def of_signal(scores: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[1 + draws] decision accuracy of scores [corpora] against a target [corpora]."""
    return weighted_share(*pair_credits(scores, target), weights)


def all_credits(eighty: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[features, n, n] credits of the eighty as measured, and [n, n] which pairs count."""
    pairs = [pair_credits(column, target) for column in eighty.T]
    return np.stack([right for right, _ in pairs]), pairs[0][1]


def oracle(eighty: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[1 + draws] decision accuracy of the feature and sign that are best on the pairs they are judged by, in each draw."""
    right, counted = all_credits(eighty, target)
    shares = np.stack([weighted_share(part, counted, weights) for part in right])  # [80, 1 + draws]
    return np.maximum(shares, 1 - shares).max(0)


def on_other_corpora(eighty: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[1 + draws] decision accuracy where each corpus is judged by the feature and sign that are best without it.

    Notes
    -----
    A pair is judged twice, once for each of its corpora left out, and counts half each time. The whole choice is repeated in
    each draw; copies of a corpus are left out together. A coin is not its null: a feature that orders the others rightly by
    luck places a corpus of which it knows nothing rightly against two thirds of them. See `null_of`.
    """
    right, counted = all_credits(eighty, target)
    parts = [weights[start : start + _BLOCK] for start in range(0, len(weights), _BLOCK)]
    return np.concatenate([_left_out(right, counted, part) for part in parts])


def _left_out(right: np.ndarray, counted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    own = np.matmul(weights, right).swapaxes(0, 1) * weights[:, None, :]  # [draws, 80, n]: right pairs of each corpus
    pairs = (weights @ counted) * weights  # [draws, n]
    others, of = own.sum(2)[:, :, None] - 2 * own, pairs.sum(1)[:, None] - 2 * pairs
    with np.errstate(invalid="ignore", divide="ignore"):
        without = np.nan_to_num(others / of[:, None, :], nan=0.5)
        chosen = np.abs(without - 0.5).argmax(1)[:, None, :]  # [draws, 1, n]
        rising = np.take_along_axis(without, chosen, 1)[:, 0] >= 0.5
        won = np.take_along_axis(own, chosen, 1)[:, 0]
        return np.where(rising, won, pairs - won).sum(1) / pairs.sum(1)


def null_of(search: Callable[..., np.ndarray], trial: Trial, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """[repeats] what a search among the eighty finds where the target's accuracies are exchanged among corpora."""
    eighty, target = trial.eighty.mean(1), trial.target.mean(1)
    once = np.ones((1, len(target)))
    return np.array([search(eighty, target[rng.permutation(len(target))], once)[0] for _ in range(repeats)])


def on_other_tasks(trial: Trial, weights: np.ndarray) -> np.ndarray:
    """[1 + draws] decision accuracy on single tasks, mean over tasks, of the feature and sign that are best on the others."""
    shares = []
    for task in range(trial.target.shape[1]):
        others = np.delete(np.arange(trial.target.shape[1]), task)
        right, counted = all_credits(trial.eighty[:, others].mean(1), trial.target[:, others].mean(1))
        without = np.stack([weighted_share(part, counted, weights) for part in right])  # [80, 1 + draws]
        chosen = np.abs(np.nan_to_num(without, nan=0.5) - 0.5).argmax(0)
        rising = np.take_along_axis(without, chosen[None], 0)[0] >= 0.5
        right, counted = all_credits(trial.eighty[:, task], trial.target[:, task])
        judged = np.stack([weighted_share(part, counted, weights) for part in right])
        judged = np.take_along_axis(judged, chosen[None], 0)[0]
        shares.append(np.where(rising, judged, 1 - judged))
    return np.mean(shares, 0)


def on_single_tasks(scores: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[1 + draws] decision accuracy of a signal on single tasks, mean over tasks; both [corpora, tasks]."""
    return np.mean([of_signal(*columns, weights) for columns in zip(scores.T, target.T, strict=True)], 0)


#: searches among the eighty: by pairs that judge them, and by pairs of other corpora
SEARCHES = {ORACLE: oracle, OTHER_CORPORA: on_other_corpora}

# ---- curves ------------------------------------------------------------------------------------------------------------


def curves(panel: LabPanel, weights: np.ndarray) -> dict[str, Curve]:
    """Every method that orders corpora by the mean over tasks: fixed signals, the oracle, the choice on other corpora."""

    def of(search: Callable[..., np.ndarray]) -> Callable[[Trial], np.ndarray]:
        return lambda trial: search(trial.eighty.mean(1), trial.target.mean(1), weights)

    return fixed_curves(panel, weights) | {name: _over(panel, of(search)) for name, search in SEARCHES.items()}


def fixed_curves(panel: LabPanel, weights: np.ndarray) -> dict[str, Curve]:
    """Signals whose sign is fixed in advance."""

    def of(name: str) -> Callable[[Trial], np.ndarray]:
        return lambda trial: of_signal(trial.fixed[name].mean(1), trial.target.mean(1), weights)

    return {name: _over(panel, of(name)) for name in FIXED}


def _over(panel: LabPanel, compute: Callable[[Trial], np.ndarray]) -> Curve:
    shares = np.array([point.share for point in panel.points])
    return Curve(shares, np.stack([np.mean([compute(trial) for trial in point.trials], 0) for point in panel.points]))


def task_curves(panel: LabPanel, weights: np.ndarray) -> dict[str, Curve]:
    """On single tasks: the choice on other tasks, and fixed signals judged in the same way."""
    points = panel.small
    shares = np.array([point.share for point in points])
    fixed = {
        name: np.stack([on_single_tasks(point.trials[0].fixed[name], point.trials[0].target, weights) for point in points])
        for name in FIXED
    }
    chosen = {OTHER_TASKS: np.stack([on_other_tasks(point.trials[0], weights) for point in points])}
    return {name: Curve(shares, values) for name, values in (fixed | chosen).items()}


def two_sizes(panel: LabPanel, weights: np.ndarray) -> dict[str, Curve]:
    """Each fixed signal at the ends of two neighbouring small widths together: mean of z-scores, compute added up."""
    ends = [point for point in panel.small if point.part == 1]
    together = {}
    for name in FIXED:
        shares, values = [], []
        for one, other in zip(ends, ends[1:], strict=False):
            scores = sum(_z(point.trials[0].fixed[name].mean(1)) for point in (one, other))
            shares.append(one.share + other.share)
            values.append(of_signal(scores, one.trials[0].target.mean(1), weights))
        if values:
            together[name] = Curve(np.array(shares), np.stack(values))
    return together


def _z(scores: np.ndarray) -> np.ndarray:
    return (scores - scores.mean()) / (scores.std() or 1.0)


def is_cheap(shares: np.ndarray) -> np.ndarray:
    """Which points cost at most `CHEAP`; the cheapest alone, where a profile has none so cheap."""
    return np.asarray(shares) <= max(CHEAP, np.min(shares))


# ---- what follows from curves ------------------------------------------------------------------------------------------


def first_reached(curve: Curve, level: float) -> np.ndarray:
    """[1 + draws] least share of compute at which a decision accuracy has been reached; 1, the target itself, where never."""
    reached = curve.values >= level
    order = np.argsort(curve.shares, kind="stable")
    first = reached[order].argmax(0)
    return np.where(reached.any(0), np.minimum(curve.shares[order][first], 1.0), 1.0)


def needed(by_method: dict[str, Curve], resampling: Resampling) -> pd.DataFrame:
    """Compute at which a method first reaches a level, and how many times as much direct accuracy needs.

    Returns
    -------
    level, method, share (of the target's compute; 1 where only the target will do), reached, ratio (direct accuracy's over
    this one's), low, high

    Notes
    -----
    Points lie a factor of 1.3 to 4 apart, so a ratio moves in steps; first crossings of a noisy curve come early, for the
    noisier one the most; and no ratio can pass the range of compute.
    """
    rows = []
    for level in LEVELS:
        direct = first_reached(by_method[ACCURACY], level)
        for method, curve in by_method.items():
            shares = first_reached(curve, level)
            ratio = resampling.drawn(direct / shares).interval(undefined="nan")
            rows.append((level, method, shares[0], bool((curve.values[:, 0] >= level).any()), *ratio))
    return pd.DataFrame(rows, columns=["level", "method", "share", "reached", "ratio", "low", "high"])


def frontier(by_method: dict[str, Curve], resampling: Resampling) -> pd.DataFrame:
    """The named proxy's decision accuracy minus each baseline's, and minus the best of them, mean over all cheap points.

    Returns
    -------
    baseline, estimate, low, high, points

    Notes
    -----
    The best baseline is that of each draw: it is chosen on the pairs that judge it, which favours the baselines.
    """
    cheap = is_cheap(by_method[NAMED].shares)
    gains = {name: (by_method[NAMED].values[cheap] - by_method[name].values[cheap]).mean(0) for name in BASELINES}
    gains[BEST] = np.min(list(gains.values()), axis=0)
    rows = [(name, *resampling.drawn(gain).interval(undefined="nan"), int(cheap.sum())) for name, gain in gains.items()]
    return pd.DataFrame(rows, columns=["baseline", "estimate", "low", "high", "points"])


def table(by_method: dict[str, Curve], resampling: Resampling, points: tuple[Point, ...] | None = None) -> pd.DataFrame:
    """Curves with intervals: method, share, estimate, low, high, and with `points` width and part."""
    rows = []
    for method, curve in by_method.items():
        for place, (share, values) in enumerate(zip(curve.shares, curve.values, strict=True)):
            about = {"width": points[place].width, "part": points[place].part} if points else {}
            rows.append(
                {"method": method, "share": share, **about, **resampling.drawn(values).interval(undefined="nan")._asdict()}
            )
    columns = ["method", "share", *(["width", "part"] if points else []), "estimate", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def nulls(panel: LabPanel, repeats: int, seed: int) -> pd.DataFrame:
    """What searches among the eighty find by chance at small points.

    Returns
    -------
    method, share, width, part, mean, high (what 95 % of repeats stay below)
    """
    rng = np.random.default_rng(seed)
    rows = []
    for method, search in SEARCHES.items():
        for point in panel.small:
            best = null_of(search, point.trials[0], repeats, rng)
            rows.append((method, point.share, point.width, point.part, best.mean(), np.quantile(best, 0.95)))
    return pd.DataFrame(rows, columns=["method", "share", "width", "part", "mean", "high"])


def choices(panel: LabPanel) -> pd.DataFrame:
    """Which feature is best on all pairs, at each small point: share, width, part, feature, rising, estimate."""
    rows = []
    for point in panel.small:
        trial = point.trials[0]
        right, counted = all_credits(trial.eighty.mean(1), trial.target.mean(1))
        shares = np.array([weighted_share(part, counted, np.ones(len(trial.target))) for part in right])
        best = int(np.abs(shares - 0.5).argmax())
        rows.append(
            (
                point.share,
                point.width,
                point.part,
                proxies.NAMES[best],
                shares[best] >= 0.5,
                max(shares[best], 1 - shares[best]),
            )
        )
    return pd.DataFrame(rows, columns=["share", "width", "part", "feature", "rising", "estimate"])


def ceiling(panel: LabPanel, weights: np.ndarray) -> np.ndarray:
    """[1 + draws] how many pairs one seed of the target orders as the others do, mean over seeds."""
    return np.mean(list(_agreements(panel, weights)), 0)


def _agreements(panel: LabPanel, weights: np.ndarray) -> Iterator[np.ndarray]:
    for seed in range(len(panel.target)):
        others = np.delete(panel.target, seed, 0).mean((0, 2))
        yield of_signal(panel.target[seed].mean(1), others, weights)
