"""Threads, device and precision of a step: set in one place, from the config, with the reason beside it."""

from __future__ import annotations

import time

from ..errors import UserError


def prepare(device: str, threads: int) -> dict[str, str | int]:
    """Fix the number of threads and determinism; returns what the manifest should say.

    Raises
    ------
    UserError
        If the config asks for CUDA and there is none.
    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("parameter device: 'cuda', but torch sees no CUDA device; say cpu in the profile's file")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=device == "cuda")
    return {
        "device": device,
        "threads": threads,
        "precision": "float32",
        "precision_reason": "ranks and ties of logits are decided by their last bits, and these models are small",
    }


def matmul_rate(rows: int, inner: int, columns: int, seconds: float = 0.2) -> float:
    """Measured float32 rate of one matrix product of that shape, in FLOP/s: the machine's ceiling for a model's step."""
    import torch

    a, b = torch.randn(rows, inner), torch.randn(inner, columns)
    a @ b  # first call: threads start, memory is touched
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        a @ b
        done += 1
    return 2.0 * rows * inner * columns * done / (time.perf_counter() - began)
