"""Runs on disk: `runs/<profile>/<stage>/<run_id>/`, Parquet or safetensors beside a manifest that is written last.

A manifest means success. A run's id is the hash of what determines its content (stage, the stage's version, config,
inputs) and of nothing else, so that asking for a run that exists costs a look at the disk, and a changed parameter
changes the ids of its dependants and of nothing besides. `results/` is a second store of the same layout, committed,
without weights and without large tables.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from proxylib.errors import UserError
from proxylib.runs.config import ROOT
from proxylib.runs.files import Damaged, canonical, sha256, write_atomic, write_sealed
from proxylib.runs.folder import MANIFEST, OWN, Finished, Folder, Workspace, read_manifest
from proxylib.text import all_without_keys, warn, without_keys

NOTEBOOK = "notebook.ipynb"  # kept beside a run for its reader; carries timings, so it is no part of the run's content
SHARED = "published"  # folder of recorded runs that no profile owns
LARGEST_RECORDED_TABLE = 250_000  # bytes: a larger table is recomputed rather than carried by every clone


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

    @property
    def request(self) -> dict[str, Any]:
        """As a run's folder keeps it."""
        return {"stage": self.stage, "version": self.version, "config": dict(self.config), "inputs": dict(self.inputs)}


@dataclass(frozen=True)
class Run(Finished):
    """A finished run of the grid."""

    @property
    def run_id(self) -> str:
        """Derived from the request, whatever the folder is called."""
        return Key(**self.request).run_id

    @property
    def stage(self) -> str:
        """Which computation made it."""
        return self.request["stage"]

    @property
    def config(self) -> Mapping[str, Any]:
        """Settings that decided the content."""
        return self.request["config"]

    @property
    def recorded(self) -> bool:
        """Whether it lies in the committed store, without what is large."""
        return "withheld" in self.manifest

    def path(self, name: str) -> Path:
        """A file or folder of the run; `UserError` if a recorded run left it out."""
        if not (self.folder / name).exists():
            raise UserError(f"{self.folder / name}: not in this run{' (recorded without it)' if self.withheld else ''}")
        return self.folder / name

    @property
    def tables(self) -> list[str]:
        """Names of the tables that are here, sorted."""
        here = (name for name in self.files if name not in self.withheld and "/" not in name)
        return sorted(name.removesuffix(".parquet") for name in here if name.endswith(".parquet"))

    def table(self, name: str) -> pd.DataFrame:
        """The Parquet table of that name."""
        return pd.read_parquet(self.path(f"{name}.parquet"))


def read(folder: Path) -> Run:
    """A run, made here or recorded, with all its files compared with their digests; `Damaged` names what is wrong."""
    run = Run(folder, read_manifest(folder))
    try:
        same = run.run_id == folder.name
    except (TypeError, ValueError):
        same = False
    if not same:
        raise Damaged(f"{folder / MANIFEST} is of another run than its folder")
    run.refuse_damage()
    return run


def recorded_run(results: Path, stage: str) -> Run | None:
    """The recorded reference run of a stage; None where none, or not one alone, is at hand and whole."""
    folders = [path.parent for path in sorted(results.glob(f"reference/{stage}/*/{MANIFEST}"))]
    if len(folders) != 1:  # of several one is stale, and nothing says which
        return None
    try:
        return read(folders[0])
    except UserError:  # nobody's own work hangs on it; `proxylib scoreboard --check` names the damage
        return None


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

    @staticmethod
    def _read(folder: Path) -> Run | None:
        if not (folder / MANIFEST).exists():
            return None
        try:
            return read(folder)
        except Damaged as error:
            warn(f"{error}; the run is made anew")
            return None

    def produce(self, key: Key, build: Callable[[Workspace], None]) -> Run:
        """The run, made by `build` if it does not exist.

        `build` writes into the workspace; files of an earlier, killed attempt may lie there for it to go on from, and
        it must end with the same bytes with or without them. The manifest is written after it returns.
        """
        run = self.find(key)
        if run and not run.withheld:  # who asks for production wants the weights too
            return run

        def whole(workspace: Workspace) -> None:
            workspace.begin()
            build(workspace)
            workspace.files.clear()
            workspace.keep(*(path.name for path in workspace.folder.iterdir() if path.name not in (*OWN, NOTEBOOK)))

        folder = Folder(self.folder(key), key.request).make(whole)
        return Run(folder.folder, folder.manifest)

    def record(self, run: Run, shared: bool = False) -> Run:
        """Copy manifest and small tables into the committed store; weights and large tables are listed as withheld.

        `shared` runs depend on published data alone and serve every profile.
        """
        target = self.recorded / (SHARED if shared else self.profile) / run.stage / run.run_id
        kept, withheld = [], []
        for name in run.files:
            small = name.endswith(".parquet") and run.path(name).stat().st_size <= LARGEST_RECORDED_TABLE
            (kept if small else withheld).append(name)
        for name in kept:
            write_atomic(target / name, run.path(name).read_bytes())
        manifest = dict(run.manifest) | {"withheld": withheld}
        write_sealed(target / MANIFEST, manifest)
        return Run(target, manifest)

    def prune(self, keys: Iterable[Key]) -> None:
        """Remove this profile's recorded runs that none of `keys` asks for: what an older config or code left."""
        wanted = {key.run_id for key in keys}
        places = (self.recorded / name for name in (self.profile, SHARED))
        for manifest in sorted(path for place in places for path in place.glob(f"*/*/{MANIFEST}")):
            if manifest.parent.name not in wanted:
                shutil.rmtree(manifest.parent)

    def set_aside(self, key: Key, notebook: Path, traceback: str) -> Path:
        """Keep a failed notebook and its traceback, without keys, under `failed/<run_id>/`: no page is taken from there."""
        target = self.root / "failed" / key.run_id
        if notebook.exists():
            text = notebook.read_text(encoding="utf-8", errors="replace")
            with contextlib.suppress(ValueError):  # cut short as it was written
                text = json.dumps(all_without_keys(json.loads(text)), indent=1)
            write_atomic(target / NOTEBOOK, without_keys(text).encode())
            notebook.unlink()
        write_atomic(target / "traceback.txt", without_keys(traceback).encode())
        return target
