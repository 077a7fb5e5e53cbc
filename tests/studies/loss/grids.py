"""Simulated grids of cells: verdicts drawn with known pass rates."""

import numpy as np
import pandas as pd

from proxylib.judging.criteria import CRITERIA
from proxylib.stats import Bootstrap
from proxylib.studies.loss import cell_draws

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)
SIZES, DATA = (20_000, 40_000, 80_000, 160_000, 320_000), (100, 200, 360)


def made(rate, loss, seeds=(1,), notes=60, seed=0):
    """A grid whose verdicts are drawn with given pass rates: functions of (log2 size, log2 data, noise)."""
    rng = np.random.default_rng(seed)
    cells, verdicts = [], []
    for size in SIZES:
        for data in DATA:
            for number in seeds:
                x, noise = (np.log2(size / 20_000), np.log2(data / 100)), rng.standard_normal()
                name = f"cell/{size}-{data}-{number}"
                value = loss(*x, noise)
                row = {
                    "cell": name,
                    "base": f"{size}",
                    "parameters": size,
                    "examples": data,
                    "seed": number,
                    "copying": x[0] / 5,
                }
                signals = dict.fromkeys(cell_draws.LOSSES, value) | {
                    cell_draws.PROXY: 3 - 2 * value
                }  # the proxy grows as losses fall
                cells.append(row | {"diverged": False} | signals)
                share = rate(*x, noise)
                for note in range(notes):
                    for criterion in CRITERIA:
                        verdicts.append((name, note, criterion, "rubric, strict", rng.random() < share))
                        verdicts.append((name, note, criterion, "LM judge", rng.random() < share / 2))
    columns = ["cell", "id", "criterion", "judge", "passed"]
    return pd.DataFrame(cells), pd.DataFrame(verdicts, columns=columns).astype({"passed": "boolean"})


def drawn(*given, **more):
    cells, verdicts = made(*given, **more)
    return cell_draws.draws(cell_draws.judged(cells, verdicts), BOOTSTRAP)


def get(frame, **keys):
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]
