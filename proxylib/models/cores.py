"""How many cores this process may use: those of its affinity mask, and no more than the quotas of its control groups."""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

PROCESS = Path("/proc/self")
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
    for group, mount in _groups(process):
        for folder in (group, *group.parents):
            if not folder.is_relative_to(mount):
                break
            limits.append(_quota(_words(folder / "cpu.max")))
            if first := _words(folder / "cpu.cfs_quota_us"):
                limits.append(_quota([first[0], *_words(folder / "cpu.cfs_period_us")]))
    return [limit for limit in limits if limit]


def _groups(process: Path) -> Iterator[tuple[Path, Path]]:
    """(folder of the process's group, where its tree is mounted) of every tree that may hold quotas of processors."""
    paths = {}  # controllers, none for version 2 -> path of the group
    for line in _lines(process / "cgroup"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if (number, controllers) == ("0", "") or "cpu" in controllers.split(","):
            paths["cpu" if controllers else ""] = path
    for line in _lines(process / "mountinfo"):
        before, _, after = line.partition(" - ")
        fields, (kind, *_, options) = before.split(" "), after.split(" ") or [""]
        if len(fields) < 5 or kind not in ("cgroup", "cgroup2"):
            continue
        path = paths.get("" if kind == "cgroup2" else "cpu" if "cpu" in options.split(",") else None)
        if path is None:
            continue
        root, mount = (re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field) for field in fields[3:5])
        inside = PurePosixPath(path)
        # what the tree's mount does not reach (a container sees its own group as the root) counts from the mount on
        below = inside.relative_to(root) if inside.is_relative_to(root) and ".." not in inside.parts else ""
        yield Path(mount) / below, Path(mount)


def _quota(words: list[str]) -> float | None:
    """Cores of `quota period` in microseconds; None for no limit ("max", -1) and for what is no quota."""
    with contextlib.suppress(ValueError, IndexError):
        quota, period = float(words[0]), float(words[1]) if len(words) > 1 else PERIOD
        if 0 < quota < math.inf and 0 < period < math.inf:
            return quota / period
    return None


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:  # no such file system, or not for us
        return []
