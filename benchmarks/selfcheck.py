"""What the self-check of `extract` costs in a run of a thousand traces, and how far rows may be from a trace alone.

    python benchmarks/selfcheck.py [--turns 7] [--out benchmarks]     some fifteen minutes on an idle core

One row each in `selfcheck_<system>_<processor>.csv`:

cost          percent of a call of `shards.extract` that the check takes beside the rest of it (loading, encoding, passes,
              shards; not Python's imports), and beside the passes alone. Traces are random letters, of lengths drawn like those
              of worked solutions (lognormal, median 100 tokens); in every case some share a prompt. Models have random weights.
              Cases take turns, each in an empty folder; processor time; medians over turns
difference    the largest difference (nats) of the rows of shared, padded, chunked passes from a model's own forward on one
              trace alone, for every architecture of `tests/measure/tokenstats/test_architectures.py`
"""

from __future__ import annotations

import argparse
import os
import platform
import runpy
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import transformers

from proxylib.data.trace import Trace
from proxylib.measure.settings import ExtractSettings, Layout
from proxylib.measure.tokenstats import extract, selfcheck, shards
from proxylib.measure.tokenstats.encode import Window, encode
from proxylib.models import tokenizers

ROOT = Path(__file__).resolve().parents[1]
SIZES = {
    "2 x 64": {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128, "vocab_size": 512},
    "4 x 128": {"hidden_size": 128, "num_hidden_layers": 4, "intermediate_size": 256, "vocab_size": 4096},
}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096}
PROMPT, SHARED = 40, 8  # letters in front; traces that share them
LAYOUT = Layout(chunk=128, impl="chunked")


def traces(count: int, spread: float, most: int = 2000) -> list[Trace]:
    """Random letters, a token each under bytes; a few come after the same prompt."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(100), spread, count), 4, most).astype(int)
    letters = lambda size: rng.integers(97, 123, size).astype("uint8").tobytes().decode()
    prompts = [letters(PROMPT) for _ in range(count)]
    prompts[:SHARED] = prompts[:1] * SHARED
    return [Trace("t", str(n), prompts[n], letters(length), "", "") for n, length in enumerate(lengths)]


class Clock:
    """A function that counts the processor time of its calls, unless these are made by another that counts."""

    def __init__(self, function: Callable, within: Clock | None = None):
        self.function, self.within, self.seconds, self.running = function, within, 0.0, False

    def __call__(self, *given: Any) -> Any:
        if self.within is not None and self.within.running:
            return self.function(*given)
        began, self.running = time.process_time(), True
        self.result = self.function(*given)
        self.seconds, self.running = self.seconds + time.process_time() - began, False
        return self.result


class Case:
    """A model and traces, and what the check, the rest and the passes of each call took."""

    def __init__(self, folder: Path, kind: str, size: str, spread: float, count: int):
        torch.manual_seed(0)
        self.name, self.spread, self.folder = f"{kind} {size}", spread, folder
        config = transformers.AutoConfig.for_model(kind, **SIZES[size], **HEADS, sliding_window=256)
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder / "model")
        tokenizers.train("byte", [], 300).save_pretrained(folder / "model")
        self.traces, self.seconds = traces(count, spread), []

    def turn(self) -> None:
        """A call in an empty folder."""
        real = selfcheck.checked, extract.Engine.score
        check = Clock(real[0])
        passes = Clock(real[1], within=check)
        selfcheck.checked, extract.Engine.score = check, lambda *given: passes(*given)
        began = time.process_time()
        try:
            shards.extract(self.folder / "model", self.traces, self.folder / "out", ExtractSettings(), LAYOUT)
        finally:
            selfcheck.checked, extract.Engine.score = real
        self.seconds.append((check.seconds, time.process_time() - began - check.seconds, passes.seconds))
        self.account = check.result[1]
        shutil.rmtree(self.folder / "out")

    def row(self) -> dict[str, float | str | int | None]:
        """Without the first turn, which warms up."""
        check, rest, passes = np.array(self.seconds[1:]).T
        percent = 100 * check / rest
        return {
            "part": "cost",
            "model": self.name,
            "traces": len(self.traces),
            "spread": self.spread,
            "check_s": round(float(np.median(check)), 4),
            "rest_s": round(float(np.median(rest)), 3),
            "percent": round(float(np.median(percent)), 2),
            "least": round(float(percent.min()), 2),
            "most": round(float(percent.max()), 2),
            "percent_of_passes": round(float(np.median(100 * check / passes)), 2),
            "turns": len(check),
            "tried": self.account["traces"],
            "nats": float(f"{self.account['difference']:.2g}"),
            "narrowed": self.account["narrowed"],
        }


def costs(turns: int, count: int) -> pd.DataFrame:
    """All cases, taking turns."""
    with tempfile.TemporaryDirectory() as folder:
        named = [(kind, size, spread) for size in SIZES for kind in ("llama", "mistral") for spread in (0.1, 0.8)]
        cases = [Case(Path(folder) / str(number), *names, count) for number, names in enumerate(named)]
        for turn in range(turns + 1):
            for case in cases[turn % len(cases) :] + cases[: turn % len(cases)]:
                case.turn()
            print(f"turn {turn}, load {os.getloadavg()[0]:.1f}", flush=True)
        return pd.DataFrame([case.row() for case in cases])


def differences() -> pd.DataFrame:
    """Of every architecture that is tested."""
    tests = runpy.run_path(str(ROOT / "tests/measure/tokenstats/test_architectures.py"))
    tokenizer, rows = tokenizers.train("byte", [], 300), []
    encoded = [encode(trace, tokenizer, Window(1000), 128) for trace in traces(200, 0.3, most=80)]  # that many positions
    for name in tests["ARCHITECTURES"]:
        model = tests["build"](name)
        _, account = selfcheck.checked(model, extract.Engine(model, len(tokenizer), LAYOUT), encoded)
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
