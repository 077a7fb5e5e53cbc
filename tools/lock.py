"""Write `requirements.lock` and `requirements-cuda.lock`: exact versions, each with the sha256 of every file it comes as.

    pip install uv
    python tools/lock.py                        # versions stay, hashes anew
    python tools/lock.py --upgrade              # newest versions that go together; try them out before committing
    python tools/lock.py --cpu-index URL        # the index of PyTorch's wheels without CUDA, where it has another address

uv resolves pyproject.toml with all extras for every supported Python and system at once, and takes hashes from the index's
metadata; nothing is downloaded. The one lock holds all but the CUDA libraries that torch asks for on Linux, which stand in
the other. torch's own line lists the wheels of both indexes, so that `pip --require-hashes` takes either; where the second
index cannot be reached, its hashes stay as they are if torch's version does.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK, CUDA = ROOT / "requirements.lock", ROOT / "requirements-cuda.lock"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
WITH_CUDA = re.compile(r"nvidia-|cuda-|triton==")  # how the blocks of these libraries begin
HASH = re.compile(r"sha256:[0-9a-f]{64}")
HEADS = {
    LOCK: "# Exact versions that were tried out together (Python 3.11 to 3.13). Written by tools/lock.py.\n",
    CUDA: "# What torch asks for beside these on Linux, unless it is a build without CUDA. Written by tools/lock.py.\n",
}


def compiled(*options: str, source: str = "pyproject.toml", text: str | None = None) -> str:
    """What uv resolves, with hashes."""
    command = ["uv", "pip", "compile", source, "--quiet", "--universal", "--generate-hashes", "--no-annotate", "--no-header"]
    python = ["--python", sys.executable, "--python-version", "3.11.5"]  # soupsieve needs more than 3.11.0
    done = subprocess.run([*command, *python, *options], cwd=ROOT, input=text, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def blocks(text: str) -> list[str]:
    """A requirement each, its hashes on the lines after it."""
    return re.findall(r"^[a-z].*\n(?:[ ].*\n)*", text, re.M)


def of_torch(text: str) -> tuple[str, set[str]]:
    """Version and hashes."""
    block = next((block for block in blocks(text) if block.startswith("torch==")), "torch==none\n")
    return re.split(r"==|[ +\n]", block)[1], set(HASH.findall(block))


def without_cuda(version: str, index: str, before: str) -> set[str]:
    """Hashes of the wheels of that version on the index without CUDA, or those that an earlier lock holds."""
    options = ["--no-deps", "--extra-index-url", index, "--index-strategy", "unsafe-best-match"]
    try:
        return of_torch(compiled(*options, source="-", text=f"torch=={version}+cpu\n"))[1]
    except subprocess.CalledProcessError:
        kept, hashes = of_torch(before)
        if kept != version:
            raise SystemExit(f"{index} has no torch {version}+cpu or was not reached, and the lock holds {kept}") from None
        print(f"{index} was not reached: hashes of torch without CUDA stay as they are", file=sys.stderr)
        return hashes


def main() -> None:
    """Resolve, split, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--upgrade", action="store_true")
    parser.add_argument("--cpu-index", default=CPU_INDEX)
    given = parser.parse_args()
    before = LOCK.read_text() if LOCK.exists() else ""
    pins = "" if given.upgrade else before + (CUDA.read_text() if CUDA.exists() else "")
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "constraints.txt"  # without hashes: uv would take these for all there are
        kept.write_text("\n".join(re.findall(r"^[a-z][^ \n]*==.*?(?=[\\\n])", pins, re.M | re.I)))
        resolved = compiled("--all-extras", "--constraint", str(kept))
    version, hashes = of_torch(resolved)
    every = sorted(hashes | without_cuda(version, given.cpu_index, before))
    torch = f"torch=={version} \\\n" + " \\\n".join(f"    --hash={digest}" for digest in every) + "\n"
    parts: dict[Path, list[str]] = {LOCK: [], CUDA: []}
    for block in blocks(resolved):
        parts[CUDA if WITH_CUDA.match(block) else LOCK].append(torch if block.startswith("torch==") else block)
    for path, lines in parts.items():
        path.write_text(HEADS[path] + "".join(lines))
        print(f"{path.name}: {len(lines)} packages, {sum(len(HASH.findall(line)) for line in lines)} hashes")


if __name__ == "__main__":
    main()
