"""Token rows of models of known skill."""

import numpy as np
import pandas as pd

from proxylib.stats import Bootstrap
from proxylib.studies.your_models.compare import Measured

BOOTSTRAP = Bootstrap(draws=400, level=0.95, seed=3)


def rows(skill, seed=0, traces=12, length=20, tasks=("a", "b")):
    """Token rows of a model that says the expert's token first with probability `skill`; later tasks have more traces."""
    rng = np.random.default_rng(seed)
    made = []
    for task, number in [(task, number) for more, task in enumerate(tasks) for number in range(traces + 2 * more)]:
        first = rng.random(length) < skill
        made.append(
            pd.DataFrame(
                {
                    "task": task,
                    "id": str(number),
                    "position": np.arange(length),
                    "token": rng.integers(0, 30, length),
                    "offset": np.arange(length) * 2,
                    "n_bytes": 2,
                    "nll": np.where(first, 0.1, 2.0 + rng.random(length)),
                    "entropy": 0.5 + rng.random(length),
                    "n_greater": np.where(first, 0, rng.integers(1, 20, length)),
                    "n_equal": 1,
                    "p_max": np.where(first, 0.9, 0.5),
                }
            )
        )
    return Measured(pd.concat(made, ignore_index=True), 40)
