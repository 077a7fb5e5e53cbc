"""Threads, device and precision of a step: set in one place, from the config, with the reason beside it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from proxylib.errors import UserError


def prepare(device: str, threads: int) -> dict[str, str | int]:
    """Fix the number of threads and determinism; returns what the manifest should say.

    Raises
    ------
    UserError
        If the config asks for CUDA and there is none, or none for this process; see also `refuse`.
    """
    import torch

    refuse(device)
    if device == "cuda":
        torch.cuda.set_device(_of_this_process(torch.cuda.device_count()))
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
    return {
        "device": device,
        "threads": threads,
        "precision": "float32",
        "precision_reason": "ranks and ties of logits are decided by their last bits, and these models are small",
    }


def refuse(device: str) -> None:
    """`UserError` where CUDA is asked for and there is none, or several processes would each take all GPUs ("auto")."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("parameter device: 'cuda', but torch sees no CUDA device; say cpu")
    if device == "auto" and launched("WORLD_SIZE", 1) > 1:
        raise UserError("parameter device: 'auto' takes all GPUs for one process; start one, or say cuda")


def launched(variable: str, otherwise: int) -> int:
    """A number that a launcher of several processes sets in the environment; `UserError` where it is none."""
    said = os.environ.get(variable, "") or str(otherwise)
    if not said.isdecimal():
        raise UserError(f"{variable} is {said[:40]!r} in the environment, where a launcher sets a number; unset it")
    return int(said)


def _of_this_process(count: int) -> int:
    """Number of the GPU that a launcher means for this process; the first where none launched it."""
    number = launched("LOCAL_RANK", 0)
    if number >= count:
        raise UserError(f"process {number + 1} of a launch has no GPU: there are {count}; start one process for each")
    return number


def in_batches(items: list, batch: int, compute: Callable[[list], Any]) -> tuple[list, int]:
    """Apply `compute` to slices of `items`; where memory runs out, halve the slice, say so, and go on.

    Returns
    -------
    results : one per slice, in order
    batch : the size that the last slice was given; smaller than asked for if memory ran out, and then the promise of
        the same bits is void, so callers put it into the manifest

    Raises
    ------
    UserError
        If a single item does not fit.
    """
    import torch

    results, start = [], 0
    while start < len(items):
        try:
            results.append(compute(items[start : start + batch]))
            start += batch
            continue
        except (torch.OutOfMemoryError, MemoryError):
            pass
        except RuntimeError as error:  # torch's allocator for processors raises no kind of its own
            if "allocate memory" not in str(error):
                raise
        if batch == 1:
            raise UserError("out of memory with a single item in the batch; take a smaller model, window or device") from None
        batch = (batch + 1) // 2
        print(f"proxylib: out of memory; going on with batches of {batch}", file=sys.stderr)
    return results, batch


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
