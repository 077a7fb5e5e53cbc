"""What token statistics cost beyond the forward pass, beside naive ways and the physical floor.

    python benchmarks/tokenstats.py --shape small            a minute
    python benchmarks/tokenstats.py --shape qwen3-0.6b -T 512 2048 --repeats 7

Every implementation scores the same positions of the same random tokens under the same randomly drawn float32 weights. The
floor is trunk plus the bare product with the head, chunk by chunk, its logits thrown away. Implementations take turns
within a repeat, in another order each time, so that a machine that slows down slows all of them. Memory is the peak of
resident memory during the head stage alone, beyond what was resident before it; it is measured apart from the timing
(Linux only). `lm_eval` returns one statistic and is measured where that package is installed.

Writes benchmarks/tokenstats_<system>_<processor>.csv, replacing rows of the same shape and length.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers

from proxylib.measure.tokenstats import chunked, heads

SHAPES = {
    "qwen3-0.6b": {
        "hidden_size": 1024,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "intermediate_size": 3072,
        "vocab_size": 151936,
        "tie_word_embeddings": True,
    },
    "50m": {
        "hidden_size": 512,
        "num_hidden_layers": 8,
        "num_attention_heads": 8,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "intermediate_size": 1536,
        "vocab_size": 50304,
        "tie_word_embeddings": True,
    },
    "small": {
        "hidden_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 64,
        "intermediate_size": 256,
        "vocab_size": 32000,
        "tie_word_embeddings": True,
    },
}
CHUNK = 128
MIB = 2**20


class Case:
    """One model and one batch of tokens, every position after the first scored."""

    def __init__(self, shape: str, length: int, batch: int):
        torch.manual_seed(0)
        config = transformers.Qwen3Config(**SHAPES[shape], max_position_embeddings=max(length, 64))
        self.model = transformers.Qwen3ForCausalLM(config).eval()
        self.trunk, self.head = heads.split(self.model)
        self.ids = torch.randint(0, config.vocab_size, (batch, length))
        self.targets = self.ids[:, 1:].flatten()
        self.vocabulary = config.vocab_size

    def hidden(self) -> torch.Tensor:
        return self.trunk(input_ids=self.ids, use_cache=False).last_hidden_state[:, :-1].flatten(0, 1)

    def floor(self, hidden: torch.Tensor) -> None:
        for start in range(0, len(hidden), CHUNK):
            self.head(hidden[start : start + CHUNK])

    def proxylib(self, hidden: torch.Tensor) -> dict:
        """What the commands do where there is this much to score: one compiled reduction per chunk."""
        return chunked.token_statistics(hidden, self.head, self.targets, self.vocabulary, CHUNK, impl="compiled")

    def proxylib_eager(self, hidden: torch.Tensor) -> dict:
        """Without a compiler: blocks of rows that fit a cache."""
        return chunked.token_statistics(hidden, self.head, self.targets, self.vocabulary, CHUNK)

    def naive_compare(self, hidden: torch.Tensor) -> dict:
        log_p = torch.log_softmax(self.head(hidden), -1)
        own = log_p.gather(1, self.targets[:, None])
        return {
            "nll": -own[:, 0],
            "entropy": -(log_p.exp() * log_p).sum(-1),
            "n_greater": (log_p > own).sum(-1),
            "n_equal": (log_p == own).sum(-1),
            "p_max": log_p.amax(-1).exp(),
        }

    def naive_sort(self, hidden: torch.Tensor) -> dict:
        log_p = torch.log_softmax(self.head(hidden), -1)
        order = log_p.argsort(-1, descending=True)
        return {
            "nll": -log_p.gather(1, self.targets[:, None])[:, 0],
            "entropy": -(log_p.exp() * log_p).sum(-1),
            "n_greater": (order == self.targets[:, None]).int().argmax(-1),
            "p_max": log_p.gather(1, order[:, :1])[:, 0].exp(),
        }


def lm_eval_call(case: Case) -> Callable[[], object] | None:
    """A call of lm_eval's log-likelihood on the same tokens, None where the package is not installed."""
    try:
        from lm_eval.models.huggingface import HFLM
    except ImportError:
        return None
    from tokenizers import Tokenizer, models

    words = {f"w{n}": n for n in range(case.vocabulary)}
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, "w0")), eos_token="w0", pad_token="w1"
    )
    lm = HFLM(pretrained=case.model, tokenizer=tokenizer, batch_size=len(case.ids), max_length=case.ids.shape[1], device="cpu")
    requests = [(("", ""), row[:1].tolist(), row[1:].tolist()) for row in case.ids]
    return lambda: lm._loglikelihood_tokens(requests, disable_tqdm=True)


def peak_mib(stage: Callable[[], object]) -> float | None:
    """Most MiB that a call holds beyond what is resident before it."""
    try:
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
        status = lambda name: int(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0])
        before = status("VmRSS")
        stage()
        return (status("VmHWM") - before) / 1024
    except OSError:
        return None


def measure(shape: str, length: int, batch: int, repeats: int, only: list[str] | None) -> pd.DataFrame:
    """Rows of the table for one case."""
    with torch.inference_mode():
        case = Case(shape, length, batch)
        names = ["floor", "proxylib", "proxylib_eager", "naive_compare", "naive_sort"]
        names = [name for name in names if only is None or name in only]
        stages = {name: getattr(case, name) for name in names}
        calls = {name: (lambda stage=stage: stage(case.hidden())) for name, stage in stages.items()}
        if only is None:
            calls["trunk"] = case.hidden
        whole = lm_eval_call(case) if only is None or "lm_eval" in only else None
        calls |= {"lm_eval": whole} if whole else {}
        check(case, names)
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        for repeat in range(repeats + 1):  # the first warms up
            order = list(calls.items())
            turn = repeat % len(order)  # each goes first once: what ran before leaves its memory behind
            for name, call in order[turn:] + order[:turn]:
                began = time.perf_counter()
                call()
                if repeat:
                    seconds[name].append(time.perf_counter() - began)
            print(shape, length, batch, f"repeat {repeat} of {repeats}", flush=True)
        hidden = case.hidden()
        memory = {}
        for name, stage in stages.items():
            case.head._kept.clear()  # the memory that chunks share is part of what a stage needs
            memory[name] = peak_mib(lambda stage=stage: stage(hidden))
    sizes = SHAPES[shape]
    versions = f"python {platform.python_version()}; torch {torch.__version__}; transformers {transformers.__version__}"
    rows = []
    for name, found in seconds.items():
        middle, low, high = np.quantile(found, [0.5, 0.2, 0.8])
        ratio = np.median(np.array(found) / seconds["floor"]) if "floor" in seconds else None
        rows.append(
            {
                "impl": name,
                "model": shape,
                "hidden": sizes["hidden_size"],
                "layers": sizes["num_hidden_layers"],
                "vocab": sizes["vocab_size"],
                "T": length,
                "batch": batch,
                "chunk": CHUNK,
                "dtype": "float32",
                "threads": torch.get_num_threads(),
                "median_s": float(f"{middle:.4g}"),
                "p20": float(f"{low:.4g}"),
                "p80": float(f"{high:.4g}"),
                "ratio_to_floor": None if ratio is None else float(f"{ratio:.4g}"),
                "peak_mib": None if memory.get(name) is None else round(memory[name], 1),
                "bound_mib": round(2 * CHUNK * sizes["vocab_size"] * 4 / MIB, 1) if name == "proxylib" else None,
                "repeats": repeats,
                "versions": versions,
            }
        )
    return pd.DataFrame(rows)


def check(case: Case, names: list[str]) -> None:
    """Every implementation finds the same, on the first positions, before it is timed."""
    hidden = case.hidden()[:200]
    targets, case.targets = case.targets, case.targets[:200]
    expected = case.proxylib(hidden)
    for name in names:
        found = getattr(case, name)(hidden)
        for column, value in (found or {}).items():
            close = torch.allclose(value.double(), expected[column].double(), rtol=1e-4, atol=1e-3)
            assert close or column.startswith("n_"), f"{name} finds another {column}"
    case.targets = targets


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--shape", choices=SHAPES, default="small")
    parser.add_argument("-T", type=int, nargs="+", default=[512])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", nargs="+", help="implementations; default all")
    args = parser.parse_args()
    machine = f"{platform.system()}_{platform.processor() or platform.machine()}".lower()
    path = Path(__file__).with_name(f"tokenstats_{machine}.csv")
    for length in args.T:
        new = measure(args.shape, length, args.batch, args.repeats, args.only)
        print(
            new[["impl", "T", "batch", "median_s", "p20", "p80", "ratio_to_floor", "peak_mib", "bound_mib"]].to_string(
                index=False
            )
        )
        old = pd.read_csv(path) if path.exists() else new.iloc[:0]
        same = (
            (old["model"] == args.shape) & (old["T"] == length) & (old["batch"] == args.batch) & old["impl"].isin(new["impl"])
        )
        pd.concat([old[~same], new]).to_csv(path, index=False)
    print(path)


if __name__ == "__main__":
    main()
