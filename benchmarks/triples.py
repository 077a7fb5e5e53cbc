"""How long the exhaustive 3-sparse search takes, beside a plain scikit-learn loop.

    python benchmarks/triples.py            about two minutes on one core

Ours searches all 82,160 triples of 80 features in all 28 leave-two-of-eight-tasks-out folds over 18 models. The loop fits
one `LinearRegression` per triple to written-out pair differences and ranks with scipy, for 300 random triples of one fold;
its time for the whole search is extrapolated in proportion and marked so. Both run on one thread and take turns. Before
timing, the loop's weights are checked against ours. The data are synthetic: the work does not depend on the values.

Writes benchmarks/triples_<system>_<processor>.csv, with seconds as median, 20th and 80th percentile over the repeats.
"""

from __future__ import annotations

import itertools
import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
import sklearn
from scipy.stats import spearmanr
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_limits

from proxylib.ranking import panel, rankers

MODELS, TASKS, FEATURES, OUT, SAMPLE, REPEATS = 18, 8, 80, 2, 300, 5


def synthetic(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Standardised features [n, T, F] of five latent dimensions and a little noise, and accuracies [n, T] in percent steps."""
    rng = np.random.default_rng(seed)
    latent = rng.standard_normal((MODELS, 1, 5)) + 0.5 * rng.standard_normal((MODELS, TASKS, 5))
    features = latent @ rng.standard_normal((5, FEATURES)) + 0.2 * rng.standard_normal((MODELS, TASKS, FEATURES))
    accuracy = 1 / (1 + np.exp(-latent[:, :, 0] - 0.3 * rng.standard_normal((MODELS, TASKS))))
    return panel.standardise(features, np.arange(MODELS)), np.round(accuracy, 2)


def held_in() -> list[list[int]]:
    """The tasks that each fold learns from."""
    return [[t for t in range(TASKS) if t not in out] for out in itertools.combinations(range(TASKS), OUT)]


def search(X: np.ndarray, y: np.ndarray) -> None:
    """Ours: every triple in every fold."""
    for tasks in held_in():
        rankers.SparseLinear(3).fit(X[:, tasks], y[:, tasks])


def loop(X: np.ndarray, y: np.ndarray, triples: np.ndarray) -> np.ndarray:
    """Weights [triples, 3] of a plain loop; ranks every triple as well, as a search must."""
    i, j = np.triu_indices(len(y), 1)
    differences = (X[i] - X[j]).reshape(-1, X.shape[2])
    preferences = np.sign(y[i] - y[j]).ravel()
    weights, merit = [], []
    for triple in triples:
        fitted = LinearRegression(fit_intercept=False).fit(differences[:, triple], preferences)
        scores = X[:, :, triple] @ fitted.coef_
        merit.append(np.mean([spearmanr(scores[:, t], y[:, t]).statistic for t in range(y.shape[1])]))
        weights.append(fitted.coef_)
    return np.array(weights)


def timed(work, *arguments) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def measure() -> pd.DataFrame:
    """Time both in turns; a row per implementation and extent."""
    X, y = synthetic()
    every = rankers._subsets(FEATURES, 3)
    triples = every[np.random.default_rng(1).choice(len(every), SAMPLE, replace=False)]
    first = X[:, held_in()[0]], y[:, held_in()[0]]
    # once untimed, to load libraries and to see that both solve the same problem
    np.testing.assert_allclose(loop(*first, triples), rankers._solutions(*first, triples), rtol=1e-5, atol=1e-8)
    search(X, y)
    seconds = {"ours": [], "loop": []}
    for _ in range(REPEATS):
        seconds["ours"].append(timed(search, X, y))
        seconds["loop"].append(timed(loop, *first, triples))
    folds = len(held_in())
    scale = len(every) * folds / SAMPLE
    extents = [
        ("proxylib SparseLinear", seconds["ours"], 1, len(every), folds, False),
        ("scikit-learn loop", seconds["loop"], 1, SAMPLE, 1, False),
        ("scikit-learn loop", seconds["loop"], scale, len(every), folds, True),
    ]
    versions = f"python {platform.python_version()}; numpy {np.__version__}; scipy {scipy.__version__}; "
    versions += f"scikit-learn {sklearn.__version__}"
    rows = []
    for name, taken, factor, many, of, extrapolated in extents:
        p20, median, p80 = (f"{value:.4g}" for value in np.quantile(np.array(taken) * factor, [0.2, 0.5, 0.8]))
        rows.append((name, MODELS, TASKS, FEATURES, many, of, median, p20, p80, extrapolated, versions))
    columns = ["impl", "models", "tasks", "features", "triples", "folds", "median_s", "p20", "p80", "extrapolated", "versions"]
    return pd.DataFrame(rows, columns=columns)


if __name__ == "__main__":
    with threadpool_limits(1):
        table = measure()
    target = Path(__file__).with_name(f"triples_{platform.system()}_{platform.machine()}.csv".lower())
    table.to_csv(target, index=False)
    print(table.drop(columns="versions").to_string(index=False))
