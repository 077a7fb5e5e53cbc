"""How long `proxylib forecast` takes on 100,000 rows, and how much memory.

    python benchmarks/forecast.py                                  all four shapes; a minute or so on an idle core
    python benchmarks/forecast.py "long runs" "many tasks"         some of them

Four shapes of a table, each in a process of its own, from the command to its files: long runs, many tasks, many short series,
and many signals. The data are synthetic: power laws with the noise of 500 items.

Writes benchmarks/forecast_<system>_<processor>.csv: seconds of the processor, of the wall (which say how busy the machine was)
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
import scipy

ROWS = 100_000
#: shape -> runs, tasks, signals; the rest are checkpoints
SHAPES = {"long runs": (4, 10, 3), "many tasks": (1, 200, 2), "short series": (50, 100, 1), "many signals": (2, 10, 80)}


def table(runs: int, tasks: int, signals: int, seed: int = 0) -> pd.DataFrame:
    """A history of `ROWS` rows."""
    rng = np.random.default_rng(seed)
    x = np.geomspace(1e9, 1e11, ROWS // (runs * tasks))
    rows = []
    for run in range(runs):
        columns = {f"s{n}": 2 + rng.uniform(0.5, 2) * (x / 1e9) ** -0.3 + rng.normal(0, 0.01, len(x)) for n in range(signals)}
        for task in range(tasks):
            share = rng.uniform(0.5, 0.9) - rng.uniform(0.2, 0.4) * (x / 1e9) ** -rng.uniform(0.1, 0.5)
            score = rng.binomial(500, share) / 500
            rows.append(pd.DataFrame({"run": run, "task": f"t{task}", "tokens": x, "score": score, "items": 500} | columns))
    return pd.concat(rows, ignore_index=True)


def measure(shapes: list[str]) -> pd.DataFrame:
    """A row per shape."""
    versions = f"python {platform.python_version()}; numpy {np.__version__}; scipy {scipy.__version__}; pandas {pd.__version__}"
    rows = []
    for name, shape in ((name, SHAPES[name]) for name in shapes or SHAPES):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "history.csv"
            table(*shape).to_csv(path, index=False)
            began = time.perf_counter()
            words = ["forecast", str(path), "--target", "tokens=4e11", "--out", f"{folder}/out"]
            code = f"import resource, sys; from proxylib.cli import main; code = main({words!r}); print("
            code += "*(f'{getattr(resource.getrusage(resource.RUSAGE_SELF), name):.1f}' for name in "
            code += "('ru_utime', 'ru_stime', 'ru_maxrss')), file=sys.stderr); sys.exit(code)"
            ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            user, system, memory = map(float, ended.stderr.split("\n")[-2].split())
            wall = time.perf_counter() - began
            columns = (name, *shape, ROWS, round(user + system, 1), round(wall, 1), round(memory / 1024), versions)
            rows.append(columns)
            print(*columns[:8], ended.stdout.strip(), sep="; ", flush=True)
    names = ["shape", "runs", "tasks", "signals", "rows", "cpu_s", "wall_s", "peak_mib", "versions"]
    return pd.DataFrame(rows, columns=names)


if __name__ == "__main__":
    result = measure(sys.argv[1:])
    target = Path(__file__).with_name(f"forecast_{platform.system()}_{platform.machine()}.csv".lower())
    result.to_csv(target, index=False)
