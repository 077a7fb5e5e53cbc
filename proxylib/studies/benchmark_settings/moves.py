"""How far settings move scores and ranks of the same models on the same problems."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from proxylib import stats
from proxylib.studies.benchmark_settings import asking
from proxylib.studies.benchmark_settings.scores import Scores

Half = tuple[np.ndarray, np.ndarray]


class Change(NamedTuple):
    """One thing that two settings differ in: places of both, from the first to the second."""

    setting: str
    change: str
    first: int
    second: int


def changes(scores: Scores) -> list[Change]:
    """Every setting that differs from the reference in one thing, and several samples against one."""
    plain, frame = scores.place(), scores.settings
    found = [Change("template", name, plain, scores.place(template=name)) for name in frame["template"].unique()[1:]]
    found += [Change("shots", f"{shots} solved before", plain, scores.place(shots=shots)) for shots in _others(frame["shots"])]
    found.append(Change("steps", asking.ALONE, plain, scores.place(ask=asking.ALONE)))
    sampled = _others(frame["decoding"])
    found += [Change("decoding", name, plain, scores.place(decoding=name)) for name in sampled]
    for name in sampled:
        most = int(frame.loc[frame["decoding"] == name, "k"].max())
        if most > 1:
            one, several = scores.place(decoding=name), scores.place(decoding=name, k=most)
            found.append(Change("pass@k", f"pass@{most} for pass@1, {name}", one, several))
    found += [Change("scorer", name, plain, scores.place(scorer=name)) for name in ("whole text", "lenient")]
    return found


def _others(column: pd.Series) -> list:
    return list(column.unique()[1:])


def best_minus_worst(halves: list[Half]) -> np.ndarray:
    """[models] score under the best setting minus under the worst, chosen on one half of the problems, scored on the other.

    Notes
    -----
    Of many noisy scores the highest lies above the lowest whatever the settings do; on the other half that luck is gone.
    """
    sides = [(chosen, scored) for pair in halves for chosen, scored in (pair, pair[::-1])]
    models = np.arange(len(halves[0][0]))
    apart = [scored[models, chosen.argmax(1)] - scored[models, chosen.argmin(1)] for chosen, scored in sides]
    return np.mean(apart, 0)


def effects(scores: Scores, level: float) -> pd.DataFrame:
    """One setting at a time, in points: setting, change, estimate, low, high (Student's over models), n, before, after."""
    means = scores.means()
    rows = []
    for change in changes(scores):
        moved = 100 * (means[:, change.second] - means[:, change.first])
        before, after = (100 * means[:, place].mean() for place in (change.first, change.second))
        rows.append((change.setting, change.change, *stats.mean_interval(moved, level), len(moved), before, after))
    return pd.DataFrame(rows, columns=["setting", "change", "estimate", "low", "high", "n", "before", "after"])


def ranks(scores: Scores, seed: int, level: float) -> pd.DataFrame:
    """What a change does to the order of models.

    Returns
    -------
    setting, change, spearman, turned, tied (of models between both settings, all problems; see `pairs`), within and
    between (mean Spearman of halves of the problems under one setting, and under two), estimate (within minus between), low,
    high (jackknife over models), n

    Notes
    -----
    A correlation below one is no proof that a setting moves ranks: forty problems a task move them too. Within and between
    come from halves of the same size, so that their difference is the setting's alone.
    """
    halves, means = scores.halves(seed), scores.means()
    everybody = np.arange(len(means))
    rows = []
    for change in changes(scores):
        places = (change.first, change.second)
        rho = _spearman(*means[:, places].T[:, :, None])[0, 0]
        within, between = _agreement(halves, everybody, list(places))
        without = np.array([np.subtract(*_agreement(halves, np.delete(everybody, one), list(places))) for one in everybody])
        interval = stats.jackknife_interval(within - between, without, level)
        turned, tied = (share[0, 0] for share in pairs(*means[:, places].T[:, :, None]))
        rows.append((change.setting, change.change, rho, turned, tied, within, between, *interval, len(means)))
    shares = ["spearman", "turned", "tied", "within", "between"]
    return pd.DataFrame(rows, columns=["setting", "change", *shares, "estimate", "low", "high", "n"])


def pairs(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the pairs of models that two settings order in opposite ways, and that one of them ties.

    Parameters
    ----------
    first, second : [models, settings] scores

    Returns
    -------
    two [settings of the first, settings of the second] arrays

    Notes
    -----
    Counted, not derived from Kendall's tau-b: that divides by the pairs which are not tied, and at the floor many are.
    """
    one, two = (_signs(side) for side in (first, second))
    agreed, both = one.T @ two, np.abs(one).T @ np.abs(two)
    return (both - agreed) / 2 / len(one), 1 - both / len(one)


def _signs(scores: np.ndarray) -> np.ndarray:
    """[pairs of models, settings] which of the two scores more; sums of shares are compared as they would be on paper."""
    rounded = scores.round(9)
    return np.sign(rounded[:, None] - rounded[None])[np.triu_indices(len(scores), 1)]


def all_pairs(scores: Scores, seed: int, level: float) -> tuple[stats.Interval, dict[str, float]]:
    """Agreement within minus between over all pairs of settings, and what stands beside it.

    Returns
    -------
    the difference with its jackknife interval over models
    within, between, turned and tied (`pairs`, mean over all pairs of settings, all problems), halves turned and halves tied
    (the same where each setting answers one half of the problems), luck turned and luck tied (one setting, both halves: what
    luck of the problems alone turns)
    """
    halves, means = scores.halves(seed), scores.means()
    everybody, places = np.arange(len(means)), list(range(means.shape[1]))
    within, between = _agreement(halves, everybody, places)
    without = np.array([np.subtract(*_agreement(halves, np.delete(everybody, one), places)) for one in everybody])
    turned, tied = (share[np.triu_indices(len(places), 1)].mean() for share in pairs(means, means))
    of_halves, ties = (np.mean(shares, 0) for shares in zip(*(pairs(*half) for half in halves), strict=True))
    same = np.eye(len(places), dtype=bool)
    facts = {"within": within, "between": between, "turned": turned, "tied": tied}
    facts |= {"halves turned": of_halves[~same].mean(), "halves tied": ties[~same].mean()}
    facts |= {"luck turned": of_halves[same].mean(), "luck tied": ties[same].mean()}
    return stats.jackknife_interval(within - between, without, level), {name: float(value) for name, value in facts.items()}


def _agreement(halves: list[Half], models: np.ndarray, places: list[int]) -> tuple[float, float]:
    """Mean Spearman correlation over models between halves of the problems: under one setting, and under two."""
    matrices = [_spearman(first[models][:, places], second[models][:, places]) for first, second in halves]
    mean = np.mean(matrices, 0)
    same = np.eye(len(places), dtype=bool)
    return float(mean[same].mean()), float(mean[~same].mean())


def _spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """[settings, settings] rank correlation over models of each column of one [models, settings] with each of the other.

    0 where a column is constant: it says nothing of any order.
    """
    a, b = (_standardised(rankdata(side, axis=0)) for side in (first, second))
    return a.T @ b


def _standardised(ranks: np.ndarray) -> np.ndarray:
    centred = ranks - ranks.mean(0)
    length = np.linalg.norm(centred, axis=0)
    return centred / np.where(length > 0, length, 1)
