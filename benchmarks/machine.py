"""What a busy machine and many small steps cost: threads that wait passively, kernels that have imported already.

    python benchmarks/machine.py [--turns 5] [--out benchmarks]

Two comparisons, each with its ways in turn, medians over turns, one row per way in `machine_<system>_<processor>.csv`:

waiting    tokens per second of a forward pass with two threads while another process holds a core: OpenMP's threads spin while
           they wait by default, or sleep (`OMP_WAIT_POLICY=PASSIVE`, which `proxylib` sets unless you do)
kernels    seconds of a grid of six steps that import torch, transformers and peft and compute nothing: a kernel each, or forks
           of one process that has imported (`proxylib.runs.kernels.WaitingKernel`)
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
STEPS = 6
FORWARD = """
import time, torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM
torch.set_num_threads(2)
torch.manual_seed(0)
sizes = dict(hidden_size=384, intermediate_size=1536, num_hidden_layers=6, num_attention_heads=6)
model = GPTNeoXForCausalLM(GPTNeoXConfig(vocab_size=8192, **sizes)).eval()
ids = torch.randint(0, 8192, (4, 256))
with torch.inference_mode():
    model(ids)
    began = time.perf_counter()
    passes = 0
    while time.perf_counter() - began < 6:
        model(ids)
        passes += 1
print(passes * ids.numel() / (time.perf_counter() - began))
"""
IMPORTS = "import torch\nfrom transformers import AutoModelForCausalLM\nfrom peft import PeftModel"
WALK = """
import sys
from pathlib import Path
from proxylib.runs import execute
if sys.argv[1] == "a kernel each":
    execute.WORTH_IMPORTING = 10**9
    execute.WaitingKernel = lambda: None
steps = [execute.own_step(path, {}) for path in sorted(Path(sys.argv[2]).glob("*.ipynb"))]
raise SystemExit(execute.walk(steps, jobs=2, record=False, say=lambda line: None))
"""


def tokens_per_second(policy: str) -> float:
    """Of a forward pass beside a process that holds a core."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        env = os.environ | {"OMP_WAIT_POLICY": policy}
        done = subprocess.run([sys.executable, "-c", FORWARD], env=env, capture_output=True, text=True, check=True)
        other.kill()
    return float(done.stdout)


def seconds_of_grid(way: str) -> float:
    """Of six steps that import and compute nothing."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(STEPS):
            cells = [
                nbformat.v4.new_code_cell('profile = "smoke"', metadata={"tags": ["parameters"]}),
                nbformat.v4.new_code_cell(f"{IMPORTS}\n{number}"),
            ]
            nbformat.write(nbformat.v4.new_notebook(cells=cells), Path(folder) / f"step{number}.ipynb")
        env = os.environ | {"PROXYLIB_RUNS": f"{folder}/runs", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", WALK, way, folder], env=env, check=True, capture_output=True)
        return time.perf_counter() - began


CASES = {
    "waiting": (tokens_per_second, ("ACTIVE", "PASSIVE"), "tokens/s"),
    "kernels": (seconds_of_grid, ("a kernel each", "forks"), "s"),
}


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks")
    given = parser.parse_args()
    rows = []
    for part, (measure, ways, unit) in CASES.items():
        values: dict[str, list[float]] = {way: [] for way in ways}
        for turn in range(given.turns):
            for way in ways if turn % 2 == 0 else reversed(ways):
                values[way].append(measure(way))
        ratios = [b / a for a, b in zip(values[ways[0]], values[ways[1]], strict=True)]
        for way in ways:
            low, high = min(values[way]), max(values[way])
            ratio = statistics.median(ratios) if way == ways[1] else 1.0
            rows.append((part, way, unit, statistics.median(values[way]), low, high, ratio, given.turns, os.cpu_count()))
    columns = ["part", "way", "unit", "median", "least", "most", "ratio_to_first", "turns", "cores"]
    table = pd.DataFrame(rows, columns=columns).round(3)
    table.to_csv(given.out / f"machine_{platform.system().lower()}_{platform.machine()}.csv", index=False)
    print(table.to_string(index=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
