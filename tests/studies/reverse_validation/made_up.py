"""A grid made up of numbers: bases of growing skill, whose loss falls as they pass more."""

import numpy as np
import pandas as pd

from proxylib.data.domains.base import CRITERIA
from proxylib.judging.criteria import LENIENT, LM_JUDGE, PROMPTED, STRICT
from proxylib.studies.reverse_validation import bank, worth
from proxylib.studies.reverse_validation.grid import Grid
from proxylib.studies.reverse_validation.settings import ReverseValidation

PLAN = ReverseValidation(fewest=3, labels=(5, 40), repeats=40, candidates=10, shuffles=60, equal=10, seed=3)


def grid(bases=4, data=3, seeds=2, notes=30, seed=0):
    rng = np.random.default_rng(seed)
    rows = [
        {"base": f"{base} k", "parameters": 1000 * (base + 1), "examples": 10 * (size + 1), "seed": number}
        for base in range(bases)
        for size in range(data)
        for number in range(seeds)
    ]
    cells = pd.DataFrame(rows)
    skill = 0.1 + 0.18 * cells["parameters"] / 1000 + 0.001 * cells["examples"]
    cells = cells.assign(cell=[f"cell/{n}" for n in range(len(cells))], schedule="epochs")
    cells = cells.assign(final_loss=2 - skill + 0.01 * rng.standard_normal(len(cells)), held_out_loss=2.1 - skill)
    shape = (len(cells), notes, len(CRITERIA))
    truth = (rng.random(shape) < skill.to_numpy()[:, None, None]).astype(float)
    wrong = lambda share: np.where(rng.random(shape) < share, 1 - truth, truth)
    judges = {STRICT: truth, LENIENT: np.maximum(truth, rng.random(shape) < 0.1)}
    judges |= {name: wrong(0.1 + 0.1 * n) for n, name in enumerate(PROMPTED.values())}
    judges[LM_JUDGE][0, 0, 0] = np.nan
    counts = (rng.integers(5, 30, shape[:2]).astype(float) for _ in range(3))
    return Grid(cells, judges, np.clip(truth * 0.8 + 0.2 * rng.random(shape), 0, 1), *counts)


def bench(**given):
    made = grid(**given)
    return worth.bench(made, bank.bank(made, 3))
