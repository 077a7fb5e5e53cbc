"""Which code on which machine: what a manifest says beside the config. No host name, no user, no path."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from proxylib import __version__
from proxylib.runs.config import ROOT, in_repository

#: what runs write: a change there is no change of the code
RECORDED = ("results", "book/executed")
PACKAGES = (
    *("numpy", "pandas", "pyarrow", "scipy", "statsmodels", "scikit-learn"),
    *("torch", "transformers", "tokenizers", "safetensors", "huggingface-hub"),
    *("peft", "trl", "accelerate", "datasets"),
    *("inspect-ai", "openai"),
)


@lru_cache(maxsize=1)
def provenance() -> dict[str, Any]:
    """Git commit and whether tracked files other than recorded ones had changed, package versions, system and processor."""

    def git(*arguments: str) -> str | None:
        if not in_repository():
            return None  # an installed copy may lie inside of a repository of another's
        try:
            done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
        except (OSError, subprocess.SubprocessError):
            return None  # not a checkout, or no git: the manifest says null
        return done.stdout.strip()

    changes = git("status", "--porcelain", "--untracked-files=no", "--", ".", *(f":(exclude){name}" for name in RECORDED))
    versions = {"proxylib": __version__}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {
        "git": {"commit": git("rev-parse", "HEAD"), "dirty": None if changes is None else bool(changes)},
        "versions": versions,
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "processor": _processor(),
        },
    }


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
