"""Grids that are made up: scores follow loss, size says little beside it."""

import numpy as np
import pandas as pd

from proxylib.judging.criteria import GRADED, LM_JUDGE, STRICT
from proxylib.studies.planning.grids import Grid


def follows_loss(seed=0, number=12, notes=40, luck=0.0):
    """Losses at random, sizes at random, scores a line in the loss; notes are right or wrong."""
    rng = np.random.default_rng(seed)
    loss = rng.uniform(0.5, 2.5, number)
    cells = pd.DataFrame({"loss": loss, "size": rng.uniform(1e8, 1e9, number), "examples": rng.choice([100, 300], number)})
    truth = np.clip(0.85 - 0.3 * loss + rng.normal(0, luck, number), 0.02, 0.98)
    outcomes = (rng.random((number, notes)) < truth[:, None]).astype(float) if notes else None
    truth = truth if outcomes is None else outcomes.mean(1)
    return Grid("made up", f"seed {seed}", LM_JUDGE, cells.assign(group=np.arange(number) % 4), truth, outcomes)


def recorded(seeds=(1, 2), bases=(20, 40, 80), examples=(100, 300), notes=6):
    """Tables as `loss_fits` and `verdicts` leave them: cells, verdicts, grades."""
    rng = np.random.default_rng(3)
    cells, verdicts, grades = [], [], []
    for seed in seeds:
        for base in bases:
            for count in examples:
                name, loss = f"cell/{base}-{count}-epochs-seed{seed}", 3 - 0.4 * np.log(base * count / 2000)
                about = {"cell": name, "base": f"{base} k", "parameters": base * 1000, "examples": count, "seed": seed}
                cells.append(about | {"schedule": "epochs", "final_loss": loss})
                for note in range(notes):
                    for criterion in ("template", "inference"):
                        row = {"cell": name, "id": f"test-{note}", "criterion": criterion}
                        verdicts += [row | {"judge": judge, "passed": rng.random() < 0.3} for judge in (LM_JUDGE, STRICT)]
                        grades.append(row | {"grade": rng.random()})
    verdicts = pd.DataFrame(verdicts).assign(passed=lambda rows: rows["passed"].astype("boolean"))
    return pd.DataFrame(cells), verdicts, pd.DataFrame(grades).assign(judge=GRADED)
