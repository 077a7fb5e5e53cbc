"""What a piece of work takes: said before it begins, from counts and from a short trial on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import torch

from proxylib.models import control_groups, machine
from proxylib.models.memory import available

PAGE = 4096  # bytes; of /proc/self/statm, on every Linux that torch runs on


class Price(NamedTuple):
    """What work takes on this machine.

    tokens : read or trained on, padding apart
    seconds : from the rate of a short trial
    memory : bytes at the peak; disk : bytes that are written
    room, free : bytes of memory and disk that are there
    """

    tokens: int
    seconds: float
    memory: float
    disk: float
    room: float
    free: float

    def __str__(self) -> str:
        said = (
            f"about {self.tokens:,} tokens, {spelt(self.seconds)} here; {size(self.memory)} of memory ({size(self.room)} free)"
        )
        said += f", {size(self.disk)} of disk ({size(self.free)} free)"
        short = [what for what, need, has in (("memory", self.memory, self.room), ("disk", self.disk, self.free)) if need > has]
        return f"{said}; NOT ENOUGH {' AND '.join(short).upper()}" if short else said


def together(prices: Iterable[Price]) -> Price:
    """Of pieces that are done one after the other."""
    rows = list(prices)
    total = lambda name: sum(getattr(row, name) for row in rows)
    least, most = (lambda name: min(getattr(row, name) for row in rows)), max(row.memory for row in rows)
    return Price(total("tokens"), total("seconds"), most, total("disk"), least("room"), least("free"))


def of(tokens: int, rate: float, memory: float, disk: float, device: str, out: Path) -> Price:
    """With what is there beside it: `rate` in tokens a second, `memory` what comes on top of what this process holds."""
    held = holds(device)
    return Price(
        tokens, tokens / rate if tokens else 0.0, held + memory, disk, held + available(device), machine.disk(out.absolute())
    )


def holds(device: str) -> float:
    """Bytes that this process holds there now: weights that are loaded, libraries."""
    if torch.device(device).type != "cpu":
        return float(torch.cuda.memory_allocated(device))
    pages = control_groups.words(control_groups.PROCESS / "statm")
    return float(pages[1]) * PAGE if len(pages) > 1 else 0.0


def timed(work: Callable[[], object], device: str) -> float:
    """Seconds of a call, to its end on the device."""
    wait = torch.cuda.synchronize if torch.device(device).type == "cuda" else lambda: None
    wait()
    began = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - began


def spelt(seconds: float) -> str:
    """A time as people say it, rounded: 40 s, 3 min, 2.5 h, 3 days."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.2g} h" if seconds < 48 * 3600 else f"{seconds / 86400:.2g} days"


def size(count: float) -> str:
    """Bytes as people say them: 900 kB, 12 MB, 1.4 GB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count / 1e3:.0f} kB"
