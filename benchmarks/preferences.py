"""How long `proxylib preferences` takes on a million votes, and how much memory.

    python benchmarks/preferences.py                       all shapes; a minute or two on an idle core
    python benchmarks/preferences.py "csv" "with texts"    some of them

Votes as the Chatbot Arena has them (every conversation a question, many judges of few votes), as CSV, Parquet and JSON Lines;
many models; and fewer votes with texts. The data are synthetic. Each shape runs in a process of its own, from the command to
its files.

Writes benchmarks/preferences_<system>_<processor>.csv: seconds of the processor, of the wall (which say how busy the machine
was) and peak memory of the process.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy
import statsmodels


class Shape(NamedTuple):
    """A file of votes."""

    votes: int
    models: int
    ending: str = "csv"
    words: int = 0  # of each answer; 0 leaves texts out


SHAPES = {
    "csv": Shape(1_000_000, 20),
    "parquet": Shape(1_000_000, 20, "parquet"),
    "json lines": Shape(1_000_000, 20, "jsonl"),
    "many models": Shape(1_000_000, 200, "parquet"),
    "with texts": Shape(100_000, 20, "parquet", 100),
}


def table(shape: Shape, seed: int = 0) -> pd.DataFrame:
    """Votes whose models differ by a spread of half a unit of log odds, a fifth of them ties."""
    rng = np.random.default_rng(seed)
    strengths = rng.normal(0, 0.5, shape.models)
    first = rng.integers(0, shape.models, shape.votes)
    second = (first + rng.integers(1, shape.models, shape.votes)) % shape.models
    wins = rng.random(shape.votes) < 1 / (1 + np.exp(strengths[second] - strengths[first]))
    winner = np.where(rng.random(shape.votes) < 0.2, "tie", np.where(wins, "model_a", "model_b"))
    names = np.array([f"model-{number:03d}" for number in range(shape.models)])
    frame = pd.DataFrame({"model_a": names[first], "model_b": names[second], "winner": winner})
    frame = frame.assign(
        judge=rng.integers(0, shape.votes // 5, shape.votes).astype(str), question_id=np.arange(shape.votes).astype(str)
    )
    if shape.words:
        said = np.array(["certainly", "perhaps", "the", "answer", "is", "- one\n", "two"])
        for side in "ab":
            lengths = rng.integers(1, 2 * shape.words, shape.votes)
            frame[f"response_{side}"] = [" ".join(rng.choice(said, length)) for length in lengths]
    return frame


def write(frame: pd.DataFrame, path: Path) -> None:
    """A file of the kind that its name says."""
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True)


def measure(shapes: list[str]) -> pd.DataFrame:
    """A row per shape."""
    parts = {"numpy": np, "scipy": scipy, "pandas": pd, "statsmodels": statsmodels}
    versions = "; ".join(
        [f"python {platform.python_version()}", *(f"{name} {each.__version__}" for name, each in parts.items())]
    )
    rows = []
    for name, shape in ((name, SHAPES[name]) for name in shapes or SHAPES):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"votes.{shape.ending}"
            write(table(shape), path)
            began = time.perf_counter()
            words = ["preferences", str(path), "--out", f"{folder}/out"]
            code = f"import resource, sys; from proxylib.cli import main; code = main({words!r}); print("
            code += "*(f'{getattr(resource.getrusage(resource.RUSAGE_SELF), name):.1f}' for name in "
            code += "('ru_utime', 'ru_stime', 'ru_maxrss')), file=sys.stderr); sys.exit(code)"
            ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            user, system, memory = map(float, ended.stderr.split("\n")[-2].split())
            wall = time.perf_counter() - began
        row = {"shape": name} | shape._asdict() | {"cpu_s": round(user + system, 1), "wall_s": round(wall, 1)}
        rows.append(row | {"peak_mib": round(memory / 1024), "versions": versions})
        print(rows[-1])
    return pd.DataFrame(rows)


if __name__ == "__main__":
    named = f"preferences_{platform.system().lower()}_{platform.machine().lower()}.csv"
    measure(sys.argv[1:]).to_csv(Path(__file__).with_name(named), index=False)
