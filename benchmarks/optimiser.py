"""What a step of the optimiser takes: Muon on all matrices of a shape at once, Muon as torch has it, AdamW alone.

    python benchmarks/optimiser.py [--turns 60] [--out benchmarks]     under a minute on one core

A Llama of two blocks a width, gradients drawn once; one thread, processor time of `step` alone, ways in turn, one row per
width and way in `optimiser_<system>_<processor>.csv`: median, 20 % and 80 % over turns (milliseconds), and the median over
turns of its ratio to torch's Muon.

by shape       what training uses (`pretrain.optimisers`): `proxylib.models.muon.Muon` on matrices, AdamW on the rest, fused
torch's Muon   `torch.optim.Muon` on the same matrices, the same AdamW on the rest
AdamW          on everything, fused
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from proxylib import studies
from proxylib.models import architectures, pretrain
from proxylib.models.muon import Muon
from proxylib.models.settings import Model, Training

ROOT = Path(__file__).resolve().parents[1]
WIDTHS, DEPTH, VOCABULARY, WARM = (32, 64, 96), 2, 512, 5
BY_SHAPE, TORCHS, ADAMW = "by shape", "torch's Muon", "AdamW"
Step = Callable[[], None]


def ways(width: int, config: Training) -> dict[str, Step]:
    """Way -> one step of it, on a model of its own."""
    return {name: _stepping(name, width, config) for name in (BY_SHAPE, TORCHS, ADAMW)}


def _stepping(name: str, width: int, config: Training) -> Step:
    torch.manual_seed(0)
    spec = Model(architecture="llama", tokenizer="bpe", width=width, depth=DEPTH, mix="expert", post="none", share=1.0)
    model = architectures.build(spec, VOCABULARY, config.context)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    muon, rest = pretrain.optimisers(model, config)
    assert isinstance(muon, Muon)
    if name == TORCHS:
        matrices = [parameter for group in muon.param_groups for parameter in group["params"]]
        muon = torch.optim.Muon(matrices, lr=config.muon_learning_rate, weight_decay=0.0)
    used = [muon, rest]
    if name == ADAMW:
        used = [torch.optim.AdamW(model.parameters(), lr=config.adamw_learning_rate, weight_decay=0.0, fused=True)]

    def step() -> None:
        for optimiser in used:
            optimiser.step()

    return step


def timed(steps: dict[str, Step], turns: int) -> dict[str, np.ndarray]:
    """Way -> milliseconds of processor time of each turn, ways in turn and back."""
    for step in steps.values():
        for _ in range(WARM):
            step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(turns):
        for name in list(steps) if turn % 2 == 0 else reversed(steps):
            began = time.process_time()
            steps[name]()
            times[name].append(1000 * (time.process_time() - began))
    return {name: np.array(values) for name, values in times.items()}


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks")
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = studies.profile("lab").training
    rows = []
    for width in WIDTHS:
        times = timed(ways(width, config), given.turns)
        for name, values in times.items():
            low, middle, high = np.quantile(values, [0.2, 0.5, 0.8])
            rows.append((width, name, middle, low, high, np.median(values / times[TORCHS]), given.turns))
    table = pd.DataFrame(rows, columns=["width", "way", "median_ms", "p20", "p80", "ratio_to_torchs", "turns"]).round(3)
    table = table.assign(versions=f"python {platform.python_version()}; torch {torch.__version__}")
    table.to_csv(given.out / f"optimiser_{platform.system().lower()}_{platform.machine()}.csv", index=False)
    print(table.to_string(index=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
