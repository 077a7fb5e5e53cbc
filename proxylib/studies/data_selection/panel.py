"""Choosing a corpus: scores of the small runs as matrices, and the resampling of recipes and seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from proxylib.data.published import datadecide as runs
from proxylib.stats import Bootstrap, cluster_weights, percentile_interval

SIGNALS = {"accuracy": 1, "nll": -1}  # sign that makes higher better
NAMES = {"accuracy": "accuracy", "nll": "NLL"}
TASKS = {
    "arc_challenge": "ARC Challenge",
    "arc_easy": "ARC Easy",
    "boolq": "BoolQ",
    "csqa": "CommonsenseQA",
    "hellaswag": "HellaSwag",
    "mmlu": "MMLU",
    "openbookqa": "OpenBookQA",
    "piqa": "PIQA",
    "socialiqa": "Social IQa",
    "winogrande": "WinoGrande",
    runs.MACRO: "mean of the ten",
}
TARGET_SIZE = "1B"
PRIMARY_SIZE = "150M"
SMALLEST_SIZE = "4M"
PRIMARY = (
    ("both signals", "accuracy"),
    ("accuracy, all sizes", "accuracy"),
    ("NLL, all sizes", "nll"),
    ("accuracy, extrapolated", "accuracy"),
)
EXTRAPOLATED_SIZES = 4
THRESHOLDS = (0.80, 0.85)
NOISE_WIDTH = 2  # standard errors of a difference
LISTED_PAIRS = 20


# ---- tidy inputs -----------------------------------------------------------------------------------------------------


def scores(accuracy: pd.DataFrame, nll: pd.DataFrame, off_trajectory: tuple[str, ...] = ()) -> pd.DataFrame:
    """Both signals with higher = better, NLL averaged over seeds.

    Parameters
    ----------
    accuracy : columns size, corpus, group, compute, compute_fraction, accuracy
    nll : columns size, corpus, seed_index, nll_per_char
    off_trajectory : sizes that are no point of a compute axis

    Returns
    -------
    size, compute, compute_fraction, on_trajectory, corpus, group, signal, score
    """
    sizes = accuracy[["size", "corpus", "group", "compute", "compute_fraction"]]
    means = nll.groupby(["size", "corpus"], as_index=False)["nll_per_char"].mean()
    values = {
        "accuracy": accuracy.assign(score=SIGNALS["accuracy"] * accuracy["accuracy"]),
        "nll": means.assign(score=SIGNALS["nll"] * means["nll_per_char"]),
    }
    frames = [
        sizes.merge(frame[["size", "corpus", "score"]], on=["size", "corpus"]).assign(signal=signal)
        for signal, frame in values.items()
    ]
    frame = pd.concat(frames, ignore_index=True)
    return frame.assign(on_trajectory=~frame["size"].isin(off_trajectory))


def sizes_of(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per size, cheapest first."""
    columns = ["size", "compute", "compute_fraction", "on_trajectory"]
    return frame[columns].drop_duplicates().sort_values("compute", ignore_index=True)


def ladder_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Sizes on the trajectory below the target, cheapest first."""
    sizes = sizes_of(frame)
    return sizes[sizes["on_trajectory"] & (sizes["compute_fraction"] < 1)].reset_index(drop=True)


def score_matrix(frame: pd.DataFrame, signal: str, target: pd.DataFrame) -> pd.DataFrame:
    """[corpora in the target's order, sizes] scores."""
    # pivot, because pivot_table would silently average rows that occur twice
    wide = frame[frame["signal"] == signal].pivot(index="corpus", columns="size", values="score")  # noqa: PD010
    return wide.loc[target["corpus"]]


class Resampling:
    """The draws that every interval of the chapter shares, so that differences are paired.

    Parameters
    ----------
    target : columns corpus, group; the order of the candidates
    settings : draws, level and seed

    Attributes
    ----------
    groups : [draws, n] multiplicities with recipe groups drawn whole
    corpora : [draws, n] multiplicities with corpora drawn singly
    without : [groups, n] ones, but zero for one group
    """

    def __init__(self, target: pd.DataFrame, settings: Bootstrap):
        self.level = settings.level
        self.groups = cluster_weights(target["group"], settings.draws, settings.seed)
        self.corpora = cluster_weights(target["corpus"], settings.draws, settings.seed)
        labels = np.unique(target["group"].astype(object))
        self.without = (target["group"].to_numpy(object) != labels[:, None]).astype(float)

    def interval(self, estimate: float, draws: np.ndarray) -> dict[str, float]:
        """estimate, low, high from draws over groups."""
        low, high = percentile_interval(estimate, draws, self.level)[1:3]
        return {"estimate": float(estimate), "low": low, "high": high}

    def interval_if_any(self, estimate: float, draws: np.ndarray) -> dict[str, float]:
        """As `interval`, but nan ends where most draws leave nothing to take a share of."""
        if np.isfinite(draws).mean() < 0.5:
            return {"estimate": float(estimate), "low": np.nan, "high": np.nan}
        return self.interval(estimate, draws)

    def statistic(self, compute: Callable[[np.ndarray], Any]) -> dict[str, float]:
        """Estimate with all three expressions of uncertainty.

        `compute` maps multiplicities ([n] or [draws, n]) to the statistic.
        """
        estimate = float(compute(np.ones(self.groups.shape[1])))
        single = percentile_interval(estimate, compute(self.corpora), self.level)
        without = compute(self.without)
        return self.interval(estimate, compute(self.groups)) | {
            "low_corpora": single.low,
            "high_corpora": single.high,
            "low_without_group": float(np.min(without)),
            "high_without_group": float(np.max(without)),
        }
