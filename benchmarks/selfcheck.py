"""What the self-check of `extract` costs in a run of a thousand traces.

    python benchmarks/selfcheck.py            a few minutes on an idle core

Traces are random tokens of lengths drawn like those of worked solutions (lognormal, median 100); in every case some share a
prompt. The check and the passes of the run take turns on models of random weights; processor time counts. Prints a table.
On models of 2 x 64 a pass costs more to begin than its tokens do, and the check 2.1 to 2.7 %; on 4 x 128 1.7 to 1.9 %.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
import torch
import transformers

from proxylib.measure.settings import Layout
from proxylib.measure.tokenstats import extract, selfcheck
from proxylib.measure.tokenstats.encode import Encoded

SIZES = {
    "2 x 64": {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128, "vocab_size": 512},
    "4 x 128": {"hidden_size": 128, "num_hidden_layers": 4, "intermediate_size": 256, "vocab_size": 4096},
}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096}
PROMPT, SHARED = 40, 8  # tokens in front; traces that share them


def traces(count: int, spread: float, vocabulary: int) -> list[Encoded]:
    """Random tokens, a few of them after the same prompt."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(100), spread, count), 4, 2000).astype(int)
    prompts = rng.integers(0, vocabulary, (count, PROMPT))
    prompts[:SHARED] = prompts[0]
    ids = [[*front, *rng.integers(0, vocabulary, length)] for front, length in zip(prompts.tolist(), lengths, strict=True)]
    return [Encoded([int(token) for token in row], len(row) - PROMPT, [], [], 0, 0, PROMPT) for row in ids]


def measure(name: str, kind: str, spread: float, turns: int, count: int) -> dict[str, float | str | int]:
    """A row of the table."""
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(kind, **SIZES[name], **HEADS, sliding_window=256)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    vocabulary = SIZES[name]["vocab_size"]
    encoded = traces(count, spread, vocabulary)
    engine = extract.Engine(model, vocabulary, Layout(chunk=128))
    check, run = [], []
    for turn in range(turns + 1):  # the first warms up
        began = time.process_time()
        _, account = selfcheck.checked(model, engine, encoded)
        middle = time.process_time()
        for batch in engine.passes(encoded):
            engine.score([encoded[index] for index in batch])
        if turn:
            check.append(middle - began)
            run.append(time.process_time() - middle)
    cost = np.median(np.array(check) / np.array(run))
    row = {"model": f"{kind} {name}", "traces": count, "spread": spread, "check_s": np.median(check), "run_s": np.median(run)}
    return row | {"percent": 100 * cost, "tried": account["traces"], "nats": account["difference"]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--traces", type=int, default=1000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cases = [(name, kind, spread) for name in SIZES for kind in ("llama", "mistral") for spread in (0.1, 0.8)]
    for number, case in enumerate(cases):
        row = pd.DataFrame([measure(*case, given.turns, given.traces)])
        print(row.round(6).to_string(index=False, header=number == 0, col_space=10), flush=True)


if __name__ == "__main__":
    main()
