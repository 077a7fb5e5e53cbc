"""Choosing a corpus: scores of the small runs as matrices, and the resampling of recipes and seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from proxylib.data.published import datadecide as runs
from proxylib.ranking.decision import decision_accuracy
from proxylib.stats import Bootstrap, Interval

Statistic = Callable[[np.ndarray], np.ndarray]  # from multiplicities [draws, n] to [draws]
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


class Candidates:
    """The corpora between which is chosen, drawn anew in the same way for every interval, so that differences are paired.

    Parameters
    ----------
    target : columns corpus, group, accuracy (the target); the order of the candidates
    bootstrap : draws, level and seed

    Attributes
    ----------
    wanted : [n] the target
    groups : recipe groups drawn whole
    corpora : corpora drawn singly
    without : [groups, n] ones, but zero for one group
    """

    def __init__(self, target: pd.DataFrame, bootstrap: Bootstrap):
        self.wanted = target["accuracy"].to_numpy()
        self.groups, self.corpora = bootstrap.over(target["group"]), bootstrap.over(target["corpus"])
        labels = np.unique(target["group"].astype(object))
        self.without = (target["group"].to_numpy(object) != labels[:, None]).astype(float)

    def interval(self, compute: Statistic) -> Interval:
        """Estimate and interval over groups; nan ends where most draws leave nothing to take a share of."""
        return self.groups.drawn(compute(self.groups.weights)).interval(undefined="nan")

    def all_intervals(self, compute: Statistic) -> dict[str, float]:
        """Estimate with all three expressions of uncertainty."""
        single = self.corpora.drawn(compute(self.corpora.weights)).interval()
        without = compute(self.without)
        return self.interval(compute)._asdict() | {
            "low_corpora": single.low,
            "high_corpora": single.high,
            "low_without_group": float(np.min(without)),
            "high_without_group": float(np.max(without)),
        }

    def accuracy(self, predicted: np.ndarray) -> Statistic:
        """Decision accuracy of scores [n]."""
        return lambda weights: decision_accuracy(predicted, self.wanted, weights)

    def gain(self, predicted: np.ndarray, other: np.ndarray) -> Statistic:
        """Decision accuracy of scores minus that of others."""
        first, second = self.accuracy(predicted), self.accuracy(other)
        return lambda weights: first(weights) - second(weights)
