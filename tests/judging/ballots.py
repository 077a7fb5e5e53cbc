"""Votes of simulated judges, whose true ratings are known."""

import numpy as np
import pandas as pd
from scipy.stats import t

NAMES = ("ada", "bob", "cyd", "dee", "eve", "fay")


def ballots(strengths, votes, seed, ties=0.2, judges=40, questions=60, taste=0.0):
    """Votes on pairs drawn evenly; judges and questions have tastes for models, of a spread in log odds."""
    rng = np.random.default_rng(seed)
    models = len(strengths)
    first = rng.integers(0, models, votes)
    second = (first + rng.integers(1, models, votes)) % models
    judge, question = rng.integers(0, judges, votes), rng.integers(0, questions, votes)
    tastes = rng.normal(0, taste, (judges, models)), rng.normal(0, taste, (questions, models))
    worth = np.asarray(strengths, float) + tastes[0][judge] + tastes[1][question]
    rows = np.arange(votes)
    odds = worth[rows, first] - worth[rows, second]
    points = np.where(rng.random(votes) < ties, 0.5, rng.random(votes) < 1 / (1 + np.exp(-odds)))
    names = np.array(NAMES[:models])
    return pd.DataFrame({"a": names[first], "b": names[second], "points": points, "judge": judge, "question": question})


def plain(*rows):
    """Votes written out, every one by a judge of its own: `("ada", "bob", 1.0, 20)` is twenty of them."""
    votes = [row[:3] for row in rows for _ in range(row[3])]
    return pd.DataFrame(votes, columns=["a", "b", "points"]).assign(judge=range(len(votes)))


def least(ratings):
    """The smallest p of all pairs: Holm's first, without statsmodels' pause to collect garbage."""
    upper = np.triu_indices(len(ratings.models), 1)
    return 2 * t.sf((np.abs(ratings.differences) / np.sqrt(ratings.variances))[upper].max(), ratings.degrees)
