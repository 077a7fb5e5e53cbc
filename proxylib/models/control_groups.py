"""The control groups that hold a process, in either version of the kernel's: where their limits stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

PROCESS = Path("/proc/self")


def around(process: Path, controller: str) -> Iterator[Path]:
    """Folders of the process's groups that may limit what a controller ("cpu", "memory") counts, and of all around them.

    Parameters
    ----------
    process : its folder under /proc
    """
    for group, mount in _groups(process, controller):
        for folder in (group, *group.parents):
            if not folder.is_relative_to(mount):
                break
            yield folder


def _groups(process: Path, controller: str) -> Iterator[tuple[Path, Path]]:
    """(folder of the process's group, where its tree is mounted) of every tree that may hold limits of the controller."""
    paths = {}  # controllers, none for version 2 -> path of the group
    for line in lines(process / "cgroup"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if (number, controllers) == ("0", "") or controller in controllers.split(","):
            paths[controller if controllers else ""] = path
    for line in lines(process / "mountinfo"):
        before, _, after = line.partition(" - ")
        fields, (kind, *_, options) = before.split(" "), after.split(" ") or [""]
        if len(fields) < 5 or kind not in ("cgroup", "cgroup2"):
            continue
        path = paths.get("" if kind == "cgroup2" else controller if controller in options.split(",") else None)
        if path is None:
            continue
        root, mount = (re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), field) for field in fields[3:5])
        inside = PurePosixPath(path)
        # what the tree's mount does not reach (a container sees its own group as the root) counts from the mount on
        below = inside.relative_to(root) if inside.is_relative_to(root) and ".." not in inside.parts else ""
        yield Path(mount) / below, Path(mount)


def words(path: Path) -> list[str]:
    """Of a file; none where there is no such file, or not for us."""
    return " ".join(lines(path)).split()


def lines(path: Path) -> list[str]:
    """Likewise."""
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
