"""Outcomes of made-up models, whose truth is known."""

import itertools

import numpy as np
import pandas as pd

from proxylib.measure import scoring
from proxylib.studies.benchmark_settings import asking

TEMPLATES = ("as trained", "labelled")
DECODINGS = {"greedy": 1, "temperature 1": 4}


def outcomes(rng, chance, items=30, tasks=("sorting", "counting")):
    """The table `outcomes` of one model; `chance(template, shots, ask, decoding, scorer)` is that an answer is right."""
    rows = []
    for template, shots, ask, (decoding, samples) in itertools.product(TEMPLATES, (0, 1), asking.ASKS, DECODINGS.items()):
        for task, number in itertools.product(tasks, range(items)):
            right = {
                scorer: rng.binomial(samples, chance(template, shots, ask, decoding, scorer)) for scorer in scoring.SCORERS
            }
            about = {"template": template, "shots": shots, "ask": ask, "decoding": decoding}
            rows.append(about | {"task": task, "id": f"{task}-3-{number:04d}", "samples": samples} | right)
    return pd.DataFrame(rows)


def population(chance, models=6, seed=0, items=30):
    """Model -> outcomes; `chance(model, ...)` as above with the model's number in front."""
    rng = np.random.default_rng(seed)
    return {f"model-{m}": outcomes(rng, lambda *s, m=m: chance(m, *s), items) for m in range(models)}
