"""Simulated grids: a skill per configuration, of which signals and scores are noisy readings."""

import numpy as np
import pandas as pd

from proxylib.studies.proxies_or_loss import grid

SIZES, DATA = (20_000, 40_000, 80_000, 160_000, 320_000), (100, 200, 360)


def cells(score, loss, eighty=None, seed=0):
    """A row per cell; `score`, `loss` and `eighty` are functions of (log2 size, log2 data, noise), the last of a name too."""
    rng = np.random.default_rng(seed)
    rows = []
    for size in SIZES:
        for data in DATA:
            x = np.log2(size / SIZES[0]), np.log2(data / DATA[0])
            shared = rng.standard_normal()
            row = {"cell": f"cell/{size}-{data}", "base": f"{size}", "parameters": size, "examples": data, "seed": 1}
            row |= dict.fromkeys(grid.LOSSES, loss(*x, shared)) | dict.fromkeys(grid.SCORES, score(*x, shared))
            for name in grid.SIGNS.keys() - set(grid.LOSSES):
                row[name] = rng.standard_normal() if eighty is None else grid.SIGNS[name] * eighty(*x, shared)
            rows.append(row | {"schedule": "epochs", "diverged": False})
    return pd.DataFrame(rows)


def made(*given, scores=grid.SCORES, **more):
    whole = grid.of(cells(*given, **more))
    return whole._replace(scores=whole.scores[list(scores)])


def get(frame, **keys):
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]
