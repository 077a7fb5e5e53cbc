"""A simulated population: its proxies follow accuracy, its answers are drawn."""

import numpy as np
import pandas as pd

from proxylib.measure import features, proxies
from proxylib.stats import Bootstrap
from proxylib.studies.proxy_metrics import model_selection

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)
TASKS = ("a", "b", "c", "d")


def population(seeds=(2, 3), families=4, seed=0, noise=0.1):
    """A population whose eighty proxies all follow accuracy and whose other features are noise."""
    rng = np.random.default_rng(seed)
    accuracy, values, answers = [], [], []
    for training in seeds:
        for family in range(families):
            for size in range(3):
                name = f"f{family}-{size}"
                keys = {"member": f"{name}-seed{training}", "model": name, "family": f"f{family}"}
                for task in TASKS:
                    skill = np.clip(0.15 + 0.3 * size + 0.1 * rng.normal(), 0.02, 0.98)
                    right = rng.random(60) < skill
                    answers += [keys | {"task": task, "id": str(i), "correct": bool(r)} for i, r in enumerate(right)]
                    accuracy.append(keys | {"seed": training, "task": task, "estimate": right.mean()})
                    row = {"member": keys["member"], "task": task}
                    signs = model_selection.SIGNS
                    for prefix in ("", features.BY_BYTE):
                        row |= {
                            prefix + n: s * (skill + noise * rng.normal()) for n, s in zip(proxies.NAMES, signs, strict=True)
                        }
                    row |= {n: s * (skill + rng.normal()) for n, s in features.BASELINES.items()}
                    values.append(row)
    return pd.DataFrame(values), pd.DataFrame(accuracy), pd.DataFrame(answers).drop(columns=["model", "family"])
