"""Choosing a corpus: do several cheap signals together decide better than one of them?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.ranking.decision import decision_accuracy
from proxylib.stats import Bootstrap, Decision
from proxylib.studies.data_selection.panel import (
    EXTRAPOLATED_SIZES,
    NAMES,
    PRIMARY,
    PRIMARY_SIZE,
    SIGNALS,
    TARGET_SIZE,
    Candidates,
    ladder_of,
    score_matrix,
    sizes_of,
)


def extrapolated(values: pd.DataFrame, compute: np.ndarray, target_compute: float) -> pd.Series:
    """Least-squares line in log compute through each row, read off at the target's compute.

    Parameters
    ----------
    values : [candidates, sizes]
    compute : [sizes] FLOPs
    target_compute : FLOPs

    Notes
    -----
    Scores that leave the floor late are convex in log compute, so the line underestimates; only the order matters here.
    """
    x = np.log(np.asarray(compute, float))
    x, at = x - x.mean(), np.log(target_compute) - x.mean()
    slope = values.to_numpy() @ x / (x @ x)
    return pd.Series(values.mean(axis=1).to_numpy() + slope * at, index=values.index)


def combined(frame: pd.DataFrame, target: pd.DataFrame) -> dict[tuple[str, str], tuple[np.ndarray, float]]:
    """Scores of every combination: (combination, largest size) -> ([n] scores, total compute in FLOPs).

    Notes
    -----
    z-scores are taken once over all candidates and held fixed in the draws; they use no label. A combination of one
    size alone is left out: it is that size.
    """
    ladder = ladder_of(frame)
    accuracy, nll = (score_matrix(frame, signal, target)[ladder["size"]] for signal in SIGNALS)
    z = {"accuracy": z_scores(accuracy), "NLL": z_scores(nll)}
    both = z["accuracy"] + z["NLL"]
    target_compute = float(sizes_of(frame).set_index("size").loc[TARGET_SIZE, "compute"])
    columns = {}
    for k, size in enumerate(ladder["size"], start=1):
        single, total = float(ladder["compute"][k - 1]), float(ladder["compute"][:k].sum())
        columns["both signals", size] = both[size].to_numpy(), single
        if k > 1:
            for name, values in (*z.items(), ("both", both)):
                columns[f"{name}, all sizes", size] = values.iloc[:, :k].mean(axis=1).to_numpy(), total
        if k >= EXTRAPOLATED_SIZES:
            last = slice(k - EXTRAPOLATED_SIZES, k)
            compute = ladder["compute"][last].to_numpy()
            line = extrapolated(accuracy.iloc[:, last], compute, target_compute)
            columns["accuracy, extrapolated", size] = line.to_numpy(), float(compute.sum())
    return columns


def combinations(frame: pd.DataFrame, target: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Every combination against the single signals at its largest size: paired differences of decision accuracy.

    Returns
    -------
    combination, baseline (signal), size, compute_fraction (of the combination), cost_ratio (its compute over that of
    the single size), decision_accuracy, estimate, low, high (combination minus baseline), primary, excludes_zero

    Notes
    -----
    The contrasts overlap in data and sizes; the number that exclude zero must be read beside the number that would by
    chance (`chance`), and the primary ones beside the exploratory ones. A combination of accuracy alone is compared
    with accuracy, one of NLL alone with NLL, and one of both with each.
    """
    candidates, rows = Candidates(target, bootstrap), []
    singles = {signal: score_matrix(frame, signal, target) for signal in SIGNALS}
    sizes = sizes_of(frame).set_index("size")
    for (name, size), (values, compute) in combined(frame, target).items():
        parts = [signal for signal in SIGNALS if name.startswith(NAMES[signal])]
        for baseline in parts or SIGNALS:
            gain = candidates.interval(candidates.gain(values, singles[baseline][size].to_numpy()))
            rows.append(
                {
                    "combination": name,
                    "baseline": baseline,
                    "size": size,
                    "compute_fraction": compute / sizes.loc[TARGET_SIZE, "compute"],
                    "cost_ratio": compute / sizes.loc[size, "compute"],
                    "decision_accuracy": decision_accuracy(values, candidates.wanted),
                    **gain._asdict(),
                    "primary": (name, baseline) in PRIMARY and size == PRIMARY_SIZE,
                    "excludes_zero": stats.decide(gain) is not Decision.UNDECIDED,
                }
            )
    return pd.DataFrame(rows)


def z_scores(values: pd.DataFrame) -> pd.DataFrame:
    """Columns centred and scaled over the candidates; a constant column becomes zero."""
    spread = values.std(ddof=0)
    return (values - values.mean()) / spread.where(spread > 0, 1)
