"""Runs on disk: `runs/<profile>/<stage>/<run_id>/`, Parquet or safetensors beside a manifest that is written last.

A manifest means success. A run's id is the hash of what determines its content (stage, the stage's version, config,
inputs) and of nothing else, so that asking for a run that exists costs a look at the disk, and a changed parameter
changes the ids of its dependants and of nothing besides. `results/` is a second store of the same layout, committed,
without weights and without large tables.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import filelock
import pandas as pd

from proxylib.errors import UserError
from proxylib.runs.config import ROOT
from proxylib.runs.provenance import provenance

MANIFEST = "manifest.json"
NOTEBOOK = "notebook.ipynb"  # kept beside a run for its reader; carries timings, so it is no part of the run's content
SHARED = "published"  # folder of recorded runs that no profile owns
LARGEST_RECORDED_TABLE = 250_000  # bytes: a larger table is recomputed rather than carried by every clone


def canonical(value: Any) -> str:
    """JSON with one spelling: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256(data: bytes | Path) -> str:
    """Hex digest of bytes or of a file."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    with data.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=4096)
def _file_sha256(path: Path, size: int, mtime_ns: int) -> str:
    return sha256(path)  # size and time are in the cache's key, so that a file changed in this process is read again


@dataclass(frozen=True)
class Key:
    """What a run is, before it exists.

    Parameters
    ----------
    stage : name of the computation, a folder of the store
    version : raised whenever the stage's code changes what it writes
    config : JSON values that determine the content
    inputs : name -> run id of a parent, or sha256 of a file or text from outside
    """

    stage: str
    version: int
    config: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """16 hex digits of the SHA-256 of the canonical JSON of all four fields."""
        parts = [self.stage, self.version, dict(self.config), dict(self.inputs)]
        return sha256(canonical(parts).encode())[:16]


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def run_id(self) -> str:
        return self.manifest["run_id"]

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the stage measured or decided beside its tables: throughput, vocabulary size, counts."""
        return self.manifest["facts"]

    @property
    def withheld(self) -> tuple[str, ...]:
        """Files that a recorded run left out; empty for a run of this machine."""
        return tuple(self.manifest.get("withheld", ()))

    def path(self, name: str) -> Path:
        """A file or folder of the run; `UserError` if a recorded run left it out."""
        if not (self.folder / name).exists():
            raise UserError(f"{self.folder / name}: not in this run{' (recorded without it)' if self.withheld else ''}")
        return self.folder / name

    @property
    def tables(self) -> list[str]:
        """Names of the tables that are here, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.parquet"))

    def table(self, name: str) -> pd.DataFrame:
        """The Parquet table of that name."""
        return pd.read_parquet(self.path(f"{name}.parquet"))


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """A table as a Parquet file, the same bytes for the same table."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def write_atomic(path: Path, data: bytes) -> None:
    """Write under a temporary name, flush to the device, rename: a reader sees the old file, the new one, or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written ({error.strerror}); free space or choose another PROXYLIB_RUNS") from error
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Workspace:
    """The folder of a run that is being made. What lies in it when the builder returns is the run."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.facts: dict[str, Any] = {}

    def path(self, name: str) -> Path:
        """Where a library may write by itself (weights, tokenizers); the manifest comes later in any case."""
        return self.folder / name

    def write_table(self, name: str, frame: pd.DataFrame) -> None:
        """Write `<name>.parquet`; the same frame gives the same bytes."""
        write_atomic(self.folder / f"{name}.parquet", parquet_bytes(frame))

    def note(self, **facts: Any) -> None:
        """Add measured or decided facts to the manifest; times and machine-dependent numbers belong here only."""
        self.facts |= facts


class Store:
    """The runs of one profile, and its recorded ones for reading.

    Parameters
    ----------
    profile : one of `config.PROFILES`
    root : folder of the runs; default the environment variable PROXYLIB_RUNS, else `runs/`
    recorded : folder of the committed runs, one folder per profile and a shared one
    """

    def __init__(self, profile: str, root: Path | None = None, recorded: Path = ROOT / "results"):
        self.profile = profile
        self.root = Path(root or os.environ.get("PROXYLIB_RUNS") or ROOT / "runs") / profile
        self.recorded = recorded

    def folder(self, key: Key) -> Path:
        return self.root / key.stage / key.run_id

    def find(self, key: Key) -> Run | None:
        """The run if it is complete and intact: made here, or else recorded. A damaged file is named on stderr.

        A profile never sees the recorded runs of another, so that no page mixes them; those on published data are shared.
        """
        for folder in (self.folder(key), *(self.recorded / name / key.stage / key.run_id for name in (self.profile, SHARED))):
            run = self._read(folder)
            if run:
                return run
        return None

    def get(self, key: Key) -> Run:
        """`find`, or one line that says which run is missing."""
        run = self.find(key)
        if run is None:
            raise UserError(f"run {key.stage}/{key.run_id} is missing; proxylib grid --profile {self.profile} makes it")
        return run

    def _read(self, folder: Path) -> Run | None:
        path = folder / MANIFEST
        if not path.exists():
            return None
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            run = Run(folder, manifest)
            names = [name for name in manifest["files"] if name not in run.withheld]
        except (ValueError, KeyError, TypeError):
            return self._damaged(path, "is no manifest")
        for name in names:
            file = folder / name
            if not file.exists():
                return self._damaged(file, "is missing")
            stat = file.stat()
            if _file_sha256(file, stat.st_size, stat.st_mtime_ns) != manifest["files"][name]:
                return self._damaged(file, "does not match its checksum")
        return run

    @staticmethod
    def _damaged(file: Path, what: str) -> None:
        print(f"proxylib: {file} {what}; the run is made anew", file=sys.stderr)

    @contextlib.contextmanager
    def lock(self, key: Key, purpose: str) -> Iterator[None]:
        """Refuse a second process with the same purpose on the same run; the kernel drops the lock with its owner."""
        path = self.root / "locks" / f"{key.run_id}.{purpose}"
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise UserError(f"run {key.stage}/{key.run_id} is being made by another process; wait for it or stop it") from None
        try:
            yield
        finally:
            lock.release()

    def produce(self, key: Key, build: Callable[[Workspace], None]) -> Run:
        """The run, made by `build` if it does not exist.

        `build` writes into the workspace; files of an earlier, killed attempt may lie there for it to go on from, and
        it must end with the same bytes with or without them. The manifest is written after it returns.
        """
        found = self.find(key)
        if found and not found.withheld:  # who asks for production wants the weights too
            return found
        with self.lock(key, "writer"):
            folder = self.folder(key)
            (folder / MANIFEST).unlink(missing_ok=True)  # of a damaged run
            folder.mkdir(parents=True, exist_ok=True)
            for leftover in folder.rglob(".*.tmp"):
                leftover.unlink()
            workspace = Workspace(folder)
            began = time.perf_counter()
            build(workspace)
            files = {str(path.relative_to(folder)): sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}
            files.pop(NOTEBOOK, None)
            manifest = {
                "run_id": key.run_id,
                "stage": key.stage,
                "version": key.version,
                "config": key.config,
                "inputs": key.inputs,
                "facts": workspace.facts,
                "files": files,
                "seconds": round(time.perf_counter() - began, 3),
                "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                **provenance(),
            }
            write_atomic(folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False).encode())
        return Run(folder, manifest)

    def record(self, run: Run, shared: bool = False) -> Run:
        """Copy manifest and small tables into the committed store; weights and large tables are listed as withheld.

        `shared` runs depend on published data alone and serve every profile.
        """
        target = self.recorded / (SHARED if shared else self.profile) / run.manifest["stage"] / run.run_id
        kept, withheld = [], []
        for name in run.manifest["files"]:
            small = name.endswith(".parquet") and run.path(name).stat().st_size <= LARGEST_RECORDED_TABLE
            (kept if small else withheld).append(name)
        for name in kept:
            write_atomic(target / name, run.path(name).read_bytes())
        manifest = dict(run.manifest) | {"withheld": withheld}
        write_atomic(target / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
        return Run(target, manifest)

    def prune(self, keys: Iterable[Key]) -> None:
        """Remove this profile's recorded runs that none of `keys` asks for: what an older config or code left."""
        wanted = {key.run_id for key in keys}
        places = (self.recorded / name for name in (self.profile, SHARED))
        for manifest in sorted(path for place in places for path in place.glob(f"*/*/{MANIFEST}")):
            if manifest.parent.name not in wanted:
                shutil.rmtree(manifest.parent)

    def set_aside(self, key: Key, notebook: Path, traceback: str) -> Path:
        """Keep a failed notebook and its traceback under `failed/<run_id>/`, where no page is ever taken from."""
        target = self.root / "failed" / key.run_id
        target.mkdir(parents=True, exist_ok=True)
        if notebook.exists():
            shutil.move(notebook, target / NOTEBOOK)
        write_atomic(target / "traceback.txt", traceback.encode())
        return target
