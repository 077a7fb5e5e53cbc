"""What the self-check of `extract` costs in a run of a thousand traces, and how far rows may be from a trace alone.

    python benchmarks/selfcheck.py [--turns 7] [--out benchmarks]     some fifteen minutes on an idle core

One row each in `selfcheck_<system>_<processor>.csv`:

cost          percent of a run that the check takes beside it. Traces are random tokens of lengths drawn like those of worked
              solutions (lognormal, median 100); in every case some share a prompt. Models have random weights. In every turn
              each case has its check and the passes of its run, one after the other; processor time; medians over turns
difference    the largest difference (nats) of the rows of shared, padded, chunked passes from a model's own forward on one
              trace alone, for every architecture of `tests/measure/tokenstats/test_architectures.py`, weights made larger so
              that they predict something
"""

from __future__ import annotations

import argparse
import os
import platform
import runpy
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers

from proxylib.measure.settings import Layout
from proxylib.measure.tokenstats import extract, selfcheck
from proxylib.measure.tokenstats.encode import Encoded

ROOT = Path(__file__).resolve().parents[1]
SIZES = {
    "2 x 64": {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128, "vocab_size": 512},
    "4 x 128": {"hidden_size": 128, "num_hidden_layers": 4, "intermediate_size": 256, "vocab_size": 4096},
}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096}
PROMPT, SHARED = 40, 8  # tokens in front; traces that share them
LAYOUT = Layout(chunk=128)


def traces(count: int, spread: float, vocabulary: int, most: int = 2000) -> list[Encoded]:
    """Random tokens, a few of them after the same prompt."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(100), spread, count), 4, most).astype(int)
    prompts = rng.integers(0, vocabulary, (count, PROMPT))
    prompts[:SHARED] = prompts[0]
    ids = [[*front, *rng.integers(0, vocabulary, length)] for front, length in zip(prompts.tolist(), lengths, strict=True)]
    return [Encoded([int(token) for token in row], len(row) - PROMPT, [], [], 0, 0, PROMPT) for row in ids]


class Case:
    """A model and a thousand traces, and the seconds that check and run took."""

    def __init__(self, kind: str, size: str, spread: float, count: int):
        torch.manual_seed(0)
        config = transformers.AutoConfig.for_model(kind, **SIZES[size], **HEADS, sliding_window=256)
        self.model = transformers.AutoModelForCausalLM.from_config(config).eval()
        self.name, self.spread, vocabulary = f"{kind} {size}", spread, SIZES[size]["vocab_size"]
        self.encoded = traces(count, spread, vocabulary)
        self.engine = extract.Engine(self.model, vocabulary, LAYOUT)
        self.seconds: list[tuple[float, float]] = []

    def turn(self) -> None:
        """The check, then what it guards."""
        began = time.process_time()
        _, self.account = selfcheck.checked(self.model, self.engine, self.encoded)
        middle = time.process_time()
        for batch in self.engine.passes(self.encoded):
            self.engine.score([self.encoded[index] for index in batch])
        self.seconds.append((middle - began, time.process_time() - middle))

    def row(self) -> dict[str, float | str | int | None]:
        """Without the first turn, which warms up."""
        check, run = np.array(self.seconds[1:]).T
        percent = 100 * check / run
        return {
            "part": "cost",
            "model": self.name,
            "traces": len(self.encoded),
            "spread": self.spread,
            "check_s": round(float(np.median(check)), 4),
            "run_s": round(float(np.median(run)), 3),
            "percent": round(float(np.median(percent)), 2),
            "least": round(float(percent.min()), 2),
            "most": round(float(percent.max()), 2),
            "turns": len(check),
            "tried": self.account["traces"],
            "nats": float(f"{self.account['difference']:.2g}"),
            "narrowed": self.account["narrowed"],
        }


def costs(turns: int, count: int) -> pd.DataFrame:
    """All cases, taking turns."""
    cases = [Case(kind, size, spread, count) for size in SIZES for kind in ("llama", "mistral") for spread in (0.1, 0.8)]
    for turn in range(turns + 1):
        for case in np.roll(np.array(cases, dtype=object), turn):
            case.turn()
        print(f"turn {turn}, load {os.getloadavg()[0]:.1f}", flush=True)
    return pd.DataFrame([case.row() for case in cases])


def differences() -> pd.DataFrame:
    """Of every architecture that is tested."""
    tests = runpy.run_path(str(ROOT / "tests/measure/tokenstats/test_architectures.py"))
    rows = []
    for name in tests["ARCHITECTURES"]:
        model = tests["build"](name)
        engine = extract.Engine(model, tests["SIZE"], LAYOUT)
        encoded = traces(200, 0.3, tests["SIZE"], most=80)  # the models have 128 positions
        _, account = selfcheck.checked(model, engine, encoded)
        row = {"part": "difference", "model": name, "traces": len(encoded), "spread": 0.3, "tried": account["traces"]}
        rows.append(row | {"nats": float(f"{account['difference']:.2g}"), "narrowed": account["narrowed"]})
    return pd.DataFrame(rows)


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--traces", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = pd.concat([costs(given.turns, given.traces), differences()], ignore_index=True)
    rows["versions"] = f"torch {torch.__version__}; transformers {transformers.__version__}"
    rows = rows.astype({name: "Int64" for name in ("traces", "tried", "turns")})
    machine = f"{platform.system()}_{platform.processor() or platform.machine()}".lower()
    path = given.out / f"selfcheck_{machine}.csv"
    rows.to_csv(path, index=False)
    print(rows.drop(columns="versions").to_string(index=False))
    print(path)


if __name__ == "__main__":
    main()
