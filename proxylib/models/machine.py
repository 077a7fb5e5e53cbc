"""What this machine has for models: cores, arithmetic, memory, graphics cards; and what that means for models of known size."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from proxylib.models.cores import allotted_cores
from proxylib.models.devices import matmul_rate
from proxylib.models.memory import available

#: parameters of models that people ask about: SmolLM2-135M, and the loss post's bases
SIZES = {"0.135B": 0.135e9, "1.7B": 1.7e9, "8B": 8e9, "32B": 32e9}
SHAPE = (512, 2048, 2048)  # of the product that is timed: the tokens of a pass against a matrix of a small model
FORWARD, LORA = 2, 4  # operations a parameter and token: a forward pass; with a backward pass through frozen weights
WEIGHTS = {"float32": 4, "bfloat16": 2}  # bytes


def processor() -> dict[str, str]:
    """Cores, threads and libraries of arithmetic."""
    cores, asked = allotted_cores(), os.environ.get("OMP_NUM_THREADS")
    return {
        "cores": f"{cores} of {os.cpu_count()} are this process's",
        "threads": f"{torch.get_num_threads()} of torch" + (f" (OMP_NUM_THREADS={asked})" if asked else ""),
        "BLAS": f"torch {blas_of_torch()}, numpy {blas_of_numpy()}",
        "C++ compiler": compiler() or "none",
    }


def blas_of_torch() -> str:
    """As torch was built."""
    words = torch.__config__.show().replace(",", " ").split()
    named = [word.partition("=")[2] for word in words if word.startswith("BLAS_INFO=")]
    return named[0] if named else "of unknown name"


def blas_of_numpy() -> str:
    """As numpy was built."""
    with warnings.catch_warnings(action="ignore"):  # without PyYAML it warns of how it would print
        return np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]


def compiler() -> str | None:
    """The C++ compiler that `torch.compile` would call."""
    return next(filter(None, map(shutil.which, (os.environ.get("CXX") or "c++", "g++", "clang++"))), None)


def cards() -> list[dict[str, str | float]]:
    """name, bytes, free bytes and bfloat16 (yes or no) of each graphics card that torch can use."""
    rows = []
    for number in range(torch.cuda.device_count()) if torch.cuda.is_available() else ():
        facts, (free, _) = torch.cuda.get_device_properties(number), torch.cuda.mem_get_info(number)
        native = "yes" if facts.major >= 8 else "no"  # older cards imitate it
        rows.append({"name": facts.name, "bytes": float(facts.total_memory), "free": float(free), "bfloat16": native})
    return rows


def room(device: str = "cpu") -> float:
    """Bytes that weights may take there: what is free, of the processor's memory also within limits of containers and shell."""
    return available(device)


def disk(folder: Path) -> float:
    """Free bytes where a folder lies, or would lie."""
    while not folder.exists():
        folder = folder.parent
    return float(shutil.disk_usage(folder).free)


def within_reach(rate: float, space: float) -> pd.DataFrame:
    """What a rate of arithmetic and a room for weights allow.

    Parameters
    ----------
    rate : FLOP/s of a matrix product, see `devices.matmul_rate`
    space : bytes for weights

    Returns
    -------
    A row per size of `SIZES`: parameters, forward and lora (tokens/s), float32 and bfloat16 (whether the weights fit).

    Notes
    -----
    The rates are bounds: two operations a parameter and token forward, four to train an adapter (the weights get no gradient
    but pass one on). Attention, the head and everything that is no product come on top; half of the bound is usual.
    """
    rows = [
        {
            "model": name,
            "forward": rate / FORWARD / size,
            "lora": rate / LORA / size,
            **{kind: size * bytes_ <= space for kind, bytes_ in WEIGHTS.items()},
        }
        for name, size in SIZES.items()
    ]
    return pd.DataFrame(rows)


def rate(threads: int | None = None) -> float:
    """Measured float32 rate of the processor with so many threads, in FLOP/s; takes half a second."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or allotted_cores())
    try:
        return max(matmul_rate(*SHAPE, seconds=0.1) for _ in range(5))  # other work makes the others slower
    finally:
        torch.set_num_threads(before)
