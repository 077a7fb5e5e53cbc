"""Panels made up for the tests of rankers, and what they are held against."""

import dataclasses

import numpy as np
from hypothesis import settings
from scipy import stats as reference

from proxylib.ranking import panel as panel_
from proxylib.ranking import rankers
from proxylib.stats import Bootstrap

quick = settings(max_examples=30, deadline=None, derandomize=True, database=None)
BOOTSTRAP = Bootstrap(draws=200, level=0.9, seed=3)
SVM = rankers.LinearRankSVM((1.0,))


def panel(seed=0, families=4, sizes=3, tasks=4, features=6, signal=1.0, rounded=False):
    """Accuracies with a part shared by all tasks; features that know them to a degree."""
    rng = np.random.default_rng(seed)
    n = families * sizes
    skill = rng.standard_normal((n, 1)) + 0.7 * rng.standard_normal((n, tasks))
    values = signal * skill[:, :, None] * rng.standard_normal(features) + rng.standard_normal((n, tasks, features))
    return panel_.Panel(
        models=[f"model {i}" for i in range(n)],
        families=np.repeat([f"family {i}" for i in range(families)], sizes),
        tasks=[f"task {t}" for t in range(tasks)],
        features=np.round(values) if rounded else values,
        names=[f"feature {f}" for f in range(features)],
        accuracy=np.round(1 / (1 + np.exp(-skill)), 1 if rounded else 3),
    )


def changed(given_panel, **arrays):
    """A copy of a panel with functions applied to copies of its arrays."""
    fields = {}
    for name, change in arrays.items():
        fields[name] = getattr(given_panel, name).copy()
        change(fields[name])
    return dataclasses.replace(given_panel, **fields)


def ones(given_panel):
    return np.ones((1, len(given_panel.models)), int)


def mean_rho(scores, y):
    """By scipy, task by task; an undefined correlation counts as 0."""
    found = [
        0.0 if np.ptp(s) == 0 or np.ptp(a) == 0 else reference.spearmanr(s, a).statistic
        for s, a in zip(scores.T, y.T, strict=True)
    ]
    return np.mean(found)


def scramble(array, *where):
    """Replace a part by numbers that have nothing to do with it."""
    array[where] = np.random.default_rng(99).uniform(0, 1, array[where].shape)
