"""How many cores this process may use: those of its affinity mask, and no more than the quotas of its control groups."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path

from proxylib.models import control_groups
from proxylib.models.control_groups import PROCESS, words

ASKED = ("OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT")  # what people set who share a machine
PERIOD = 100_000.0  # microseconds, where a quota names none


def allotted_cores() -> int:
    """Whole cores that this process may use, one at least: of a quota of 2.5, two.

    Notes
    -----
    More threads than cores wait for each other: with one core allotted, 16 threads took seven times as long as one.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = [float(number) for name in ASKED if (number := os.environ.get(name, "").split(",")[0].strip()).isdecimal()]
    return max(1, math.floor(min([allowed, *quotas(PROCESS), *(number for number in asked if number)])))


def quotas(process: Path) -> list[float]:
    """Cores by every quota that holds: of the process's control group and of all around it, in either version of the kernel's.

    Parameters
    ----------
    process : its folder under /proc
    """
    limits = []
    for folder in control_groups.around(process, "cpu"):
        limits.append(_quota(words(folder / "cpu.max")))
        if first := words(folder / "cpu.cfs_quota_us"):
            limits.append(_quota([first[0], *words(folder / "cpu.cfs_period_us")]))
    return [limit for limit in limits if limit]


def _quota(words: list[str]) -> float | None:
    """Cores of `quota period` in microseconds; None for no limit ("max", -1) and for what is no quota."""
    with contextlib.suppress(ValueError, IndexError):
        quota, period = float(words[0]), float(words[1]) if len(words) > 1 else PERIOD
        if 0 < quota < math.inf and 0 < period < math.inf:
            return quota / period
    return None
