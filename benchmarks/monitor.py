"""How long `proxylib monitor` takes on 100,000 rows, and how much memory.

    python benchmarks/monitor.py                 all three shapes; a minute or so on an idle core
    python benchmarks/monitor.py "a suite"       some of them

Each shape in a process of its own, from the command to its files: the log of one loss, a suite of scores and losses, and many
tasks at few checkpoints. The data are synthetic: scores of 2,000 items that rise, losses that fall.

Writes benchmarks/monitor_<system>_<processor>.csv: seconds of the processor, of the wall (which say how busy the machine was)
and peak memory of the process.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 100_000
#: shape -> scores, losses; the rest are checkpoints
SHAPES = {"one loss": (0, 1), "a suite": (20, 10), "many tasks": (1000, 0)}


def table(scores: int, losses: int, seed: int = 0) -> pd.DataFrame:
    """A history of about `ROWS` rows."""
    rng = np.random.default_rng(seed)
    length = ROWS // (scores + losses)
    k = np.arange(length)
    parts = []
    for place in range(scores):
        share = 0.3 + 0.4 * rng.uniform() * (1 - np.exp(-5 * k / length))
        score = rng.binomial(2000, share) / 2000
        parts.append(pd.DataFrame({"task": f"t{place}", "step": k + 1, "score": score, "items": 2000}))
    for place in range(losses):
        values = 2 + 3 / np.sqrt(k + 1) + rng.normal(0, 0.01, length)
        parts.append(pd.DataFrame({"task": f"loss {place}", "step": k + 1, "score": values, "kind": "loss"}))
    return pd.concat(parts, ignore_index=True)


def measure(shapes: list[str]) -> pd.DataFrame:
    """A row per shape."""
    versions = f"python {platform.python_version()}; numpy {np.__version__}; pandas {pd.__version__}"
    rows = []
    for name in shapes or SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "history.csv"
            history = table(*SHAPES[name])
            history.to_csv(path, index=False)
            began = time.perf_counter()
            words = ["monitor", str(path), "--out", f"{folder}/out"]
            code = f"import resource, sys; from proxylib.cli import main; code = main({words!r}); print("
            code += "*(f'{getattr(resource.getrusage(resource.RUSAGE_SELF), name):.1f}' for name in "
            code += "('ru_utime', 'ru_stime', 'ru_maxrss')), file=sys.stderr); sys.exit(code)"
            ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
            user, system, memory = map(float, ended.stderr.split("\n")[-2].split())
            wall = time.perf_counter() - began
            row = {"shape": name, "scores": SHAPES[name][0], "losses": SHAPES[name][1], "rows": len(history)}
            row |= {"cpu_s": round(user + system, 1), "wall_s": round(wall, 1), "peak_mib": round(memory / 1024)}
            rows.append(row | {"code": ended.returncode, "versions": versions})
            print(rows[-1], flush=True)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    target = Path(__file__).with_name(f"monitor_{platform.system().lower()}_{platform.machine()}.csv")
    measure(sys.argv[1:]).to_csv(target, index=False)
