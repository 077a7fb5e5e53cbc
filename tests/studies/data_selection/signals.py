"""A small world of two signals: seven corpora, seven sizes, three seeds."""

import numpy as np
import pandas as pd

from proxylib.data.published import datadecide
from proxylib.stats import Bootstrap
from proxylib.studies.data_selection import panel

SETTINGS = Bootstrap(draws=200, level=0.9, seed=5)
SIZES = ("4M", "20M", "60M", "90M", "150M", "750M", "1B")
COMPUTE = dict(zip(SIZES, (1.0, 2.0, 5.0, 10.0, 20.0, 70.0, 100.0), strict=True))
GROUP = {"a": "one", "b": "one", "c": "two", "d": "two", "e": "three", "f": "three", "g": "three"}


def world(seed=0):
    """Frames of the loaders' layout: 7 corpora in 3 groups, signals that sharpen with size."""
    rng = np.random.default_rng(seed)
    truth = dict(zip(GROUP, rng.permutation(len(GROUP)) / 10, strict=True))
    rows, likelihood = [], []
    for size in SIZES:
        for corpus, group in GROUP.items():
            blur = 0.5 / COMPUTE[size]
            value = truth[corpus] if size == "1B" else truth[corpus] + rng.normal(0, blur)
            rows.append((size, corpus, group, COMPUTE[size], COMPUTE[size] / COMPUTE["1B"], value))
            for index in range(3):
                likelihood.append((size, corpus, group, index, 2 - truth[corpus] + rng.normal(0, blur)))
    accuracy = pd.DataFrame(rows, columns=["size", "corpus", "group", "compute", "compute_fraction", "accuracy"])
    nll = pd.DataFrame(likelihood, columns=["size", "corpus", "group", "seed_index", "nll_per_char"])
    target = pd.DataFrame(
        {"task": datadecide.MACRO, "corpus": list(GROUP), "group": list(GROUP.values()), "accuracy": [truth[c] for c in GROUP]}
    )
    target["accuracy_default_seed"] = target["accuracy"] + rng.normal(0, 0.05, len(target))
    return accuracy, nll, target


def tidy(seed=0):
    accuracy, nll, target = world(seed)
    return panel.scores(accuracy, nll, off_trajectory=("750M",)), target


def row(frame, **values):
    for name, value in values.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def by_task(one, *others, groups=None):
    """Frame of one task from the accuracies of three seeds."""
    one, others = np.array(one, float), np.array(others, float)
    corpora = [f"c{i}" for i in range(len(one))]
    return pd.DataFrame(
        {
            "task": datadecide.MACRO,
            "corpus": corpora,
            "group": groups or corpora,
            "accuracy": (one + others.sum(axis=0)) / 3,
            "accuracy_default_seed": one,
        }
    )


def three_corpora(scores):
    """One size below the target; c0 and c1 are close, c2 is far above both."""
    target = by_task([0.10, 0.11, 0.50], [0.10, 0.11, 0.50], [0.10, 0.11, 0.50])
    rows = []
    for size, compute in (("150M", 0.02), ("1B", 1.0)):
        for corpus, score in zip(target["corpus"], scores, strict=True):
            for signal in panel.SIGNALS:
                place = {"size": size, "compute": compute, "compute_fraction": compute, "on_trajectory": True}
                rows.append(place | {"corpus": corpus, "group": corpus, "signal": signal, "score": score})
    return pd.DataFrame(rows), target


def column(frame, signal, size):
    """[n] one signal's scores at one size, in the order of the candidates."""
    rows = frame[(frame["signal"] == signal) & (frame["size"] == size)].set_index("corpus")
    return rows.loc[list(GROUP), "score"].to_numpy()
