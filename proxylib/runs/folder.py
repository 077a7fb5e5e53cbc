"""The one work folder: what is made once, goes on after a kill, and is trusted only as far as its digests reach.

FOLDER/request.json    what is asked for, all that decides the content; written first
FOLDER/progress.json   files that are finished, with their digests, and the library versions that made them
FOLDER/manifest.json   request, files, facts, versions, machine; written last, so it means that everything is there
FOLDER/lock            held by the process that makes it

Runs of the grid, `extract`, `judge` and `finetune` are such folders. The JSON files carry digests of themselves. Names of
files come from the manifest: what else lies in a folder is never read.
"""

from __future__ import annotations

import contextlib
import resource
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from proxylib.errors import UserError
from proxylib.runs.files import Damaged, alone, parquet_bytes, read_sealed, refuse_damage, sha256, write_atomic, write_sealed
from proxylib.runs.provenance import provenance
from proxylib.text import warn

REQUEST, PROGRESS, MANIFEST, LOCK = "request.json", "progress.json", "manifest.json", "lock"
OWN = (REQUEST, PROGRESS, MANIFEST, LOCK)
OLDER = ("plan.json", "about.json", "facts.json")  # first files of folders that versions before this layout made
#: packages whose version moves the bits of what a model computes
DECIDING = ("torch", "transformers", "tokenizers", "peft", "trl", "accelerate", "numpy")


def _inside(name: str) -> str:
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise ValueError("leads out of the folder")
    return name


class _Manifest(BaseModel):
    """What a manifest must hold to be used."""

    model_config = ConfigDict(strict=True)

    request: dict[str, Any]
    files: dict[Annotated[str, AfterValidator(_inside)], Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]] = Field(
        min_length=1
    )
    facts: dict[str, Any]
    versions: dict[str, str]
    withheld: list[str] = []


def read_manifest(folder: Path) -> dict[str, Any]:
    """A folder's manifest, its fields checked; its files are not looked at.

    Raises
    ------
    Damaged
        Naming the manifest: no JSON, edited, or a field that is missing or of another type.
    """
    path = folder / MANIFEST
    manifest = read_sealed(path)
    try:
        _Manifest.model_validate(manifest)
    except ValidationError as error:
        first = error.errors()[0]
        raise Damaged(f"{path} is no manifest ({'.'.join(map(str, first['loc']))}: {first['msg']})") from None
    return manifest


@dataclass(frozen=True)
class Finished:
    """A finished folder."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def request(self) -> Mapping[str, Any]:
        """All that decided the content."""
        return self.manifest["request"]

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was measured or decided beside the tables: throughput, vocabulary size, counts."""
        return self.manifest["facts"]

    @property
    def files(self) -> Mapping[str, str]:
        """Name -> SHA-256 of everything that is read again."""
        return self.manifest.get("files", {})

    @property
    def withheld(self) -> tuple[str, ...]:
        """Files that a recorded run left out; empty for what was made on this machine."""
        return tuple(self.manifest.get("withheld", ()))

    def refuse_damage(self) -> None:
        """`Damaged`, naming the first file that is missing or not what it was."""
        for name, digest in self.files.items():
            if name not in self.withheld:
                refuse_damage(self.folder / name, digest)


def read(folder: Path) -> Finished:
    """What a finished folder holds, every file compared with its digest; `Damaged` names what is not what it was."""
    finished = Finished(folder, read_manifest(folder))
    finished.refuse_damage()
    return finished


@dataclass(frozen=True)
class Progress:
    """What an earlier call has finished: files with their digests, facts, and the versions that made them."""

    files: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] | None = None


class Workspace:
    """A folder in which something is being made.

    Parameters
    ----------
    folder : where
    progress : what an earlier call finished there
    begin : called once, before anything is written
    say : told of damage
    """

    def __init__(
        self,
        folder: Path,
        progress: Progress | None = None,
        begin: Callable[[], None] = lambda: None,
        say: Callable[[str], None] | None = None,
    ):
        progress = progress or Progress()
        self.folder = folder
        self.files, self.facts = dict(progress.files), dict(progress.facts)
        self._begin, self._begun, self._say = begin, False, say or warn

    def begin(self) -> None:
        """The folder belongs to this request from now on; before, nothing is written."""
        if not self._begun:
            self._begun = True
            self._begin()

    def path(self, name: str) -> Path:
        """Where a library may write by itself (weights, tokenizers); such files are finished with `keep`."""
        return self.folder / name

    def write_table(self, name: str, frame: pd.DataFrame) -> None:
        """Write `<name>.parquet`; the same frame gives the same bytes."""
        write_atomic(self.folder / f"{name}.parquet", parquet_bytes(frame))

    def note(self, **facts: Any) -> None:
        """Add measured or decided facts to the manifest; times and machine-dependent numbers belong here only."""
        self.facts |= facts

    def write(self, name: str, data: bytes) -> None:
        """Write a file that a later call may go on from; see `holds`."""
        self.begin()
        self.files[name] = sha256(data)
        self._save()  # first: a file without its digest would be made again
        write_atomic(self.folder / name, data)

    def keep(self, *names: str) -> None:
        """Take the digests of files, or of all files in folders, that a library wrote: they are finished."""
        self.begin()
        stale = {file for name in names for file in self.files if file == name or file.startswith(f"{name}/")}
        self.files = {file: digest for file, digest in self.files.items() if file not in stale}
        for place in (self.folder / name for name in names):
            for path in sorted(place.rglob("*")) if place.is_dir() else (place,):
                if path.is_file():
                    self.files[path.relative_to(self.folder).as_posix()] = sha256(path)
        self._save()

    def holds(self, *names: str) -> bool:
        """Whether these files, or all that was kept of these folders, are finished and as they were; damage is named."""
        wanted = [[file for file in self.files if file == name or file.startswith(f"{name}/")] for name in names]
        if not all(wanted):
            return False
        try:
            for file in (file for part in wanted for file in part):
                refuse_damage(self.folder / file, self.files[file])
        except Damaged as error:
            self._say(f"{error}; it is made again")
            return False
        return True

    def forget(self) -> None:
        """Begin anew: nothing of what was there counts as finished."""
        self.files.clear()
        self.facts.clear()

    def _save(self) -> None:
        _save(self.folder, Progress(self.files, self.facts, deciding_versions()))


def _save(folder: Path, progress: Progress) -> None:
    write_sealed(folder / PROGRESS, asdict(progress))


def deciding_versions() -> dict[str, str]:
    """Installed versions of the packages that move bits."""
    versions = {}
    for name in DECIDING:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def difference(before: Any, now: Any, name: str = "") -> str | None:
    """The first thing in which two requests differ: "window 1000, now 500"; None if they are alike.

    What is known by its digest only is "another model", and "other traces".
    """
    if before == now:
        return None
    if isinstance(before, dict) and isinstance(now, dict):
        keys = (*now, *(key for key in before if key not in now))
        differences = (difference(before.get(key), now.get(key), key) for key in keys)
        return next(text for text in differences if text)
    shown = [value if isinstance(value, str) else str(value) for value in (before, now)]
    if any(len(value) > 60 or _hashed(value) for value in shown):
        return f"{'other' if name.endswith('s') else 'another'} {name}"
    return f"{name} {shown[0]}, now {shown[1]}"


def _hashed(value: str) -> bool:
    return len(value) >= 16 and set(value) <= set("0123456789abcdef")


class Folder:
    """A place for one piece of work.

    Parameters
    ----------
    path : of the folder
    request : JSON values, all that decides the content
    parts : files and folders that are removed where the work begins anew; None: all, and a folder without a request is
        its own, too
    differs : from an earlier request and this one to what keeps this one from going on there, or None
    """

    def __init__(
        self,
        path: Path,
        request: Mapping[str, Any],
        parts: Sequence[str] | None = None,
        differs: Callable[[Any, Any], str | None] = difference,
    ):
        self.path, self.request, self.parts, self.differs = path, dict(request), parts, differs
        self._said: set[str] = set()

    def finished(self) -> Finished | None:
        """What the folder holds, if all of it is there; damage is named on stderr.

        Raises
        ------
        UserError
            If it is a file, holds other work, or files of another kind.
        """
        self._refuse_others()
        last = self.last()
        return last if last and last.request == self.request else None

    def last(self) -> Finished | None:
        """What was finished here last, of this request or of one that this one goes on from."""
        if not (self.path / MANIFEST).exists():
            return None
        try:
            return read(self.path)
        except Damaged as error:
            self._say(f"{error}; it is made again")
            return None

    def progress(self) -> Progress:
        """What an earlier call finished; nothing where other library versions made it, so that one folder never mixes them."""
        progress, now = self._recorded(), deciding_versions()
        if progress is None or self.parts == ():  # nothing there, or nothing that versions move
            return progress or Progress()
        for name in DECIDING:
            if progress.versions.get(name) != now.get(name):
                self._say(f"{self.path} was begun under {name} {progress.versions.get(name)}, now {now.get(name)}: begun anew")
                return Progress()
        return progress

    def make(self, build: Callable[[Workspace], None], enough: Callable[[Finished], bool] = lambda finished: True) -> Finished:
        """The finished folder, made by `build` unless it is there already.

        `build` finds what an earlier, killed call finished (`Workspace.holds`), and must end with the same bytes with or
        without it. Before its first write the folder is as it was. The manifest is written when it returns, if there is
        anything new to say. Where what is finished may not be `enough`, it is built upon.

        Raises
        ------
        UserError
            See `finished`; also where another process makes it, or it cannot be written.
        """
        if (done := self.finished()) and enough(done):
            return done
        with self._alone():
            if (done := self.finished()) and enough(done):  # by another process, since
                return done
            progress = self.progress()
            workspace = Workspace(self.path, progress, lambda: self._begin(anew=progress.versions is None), self._say)
            began = time.perf_counter()
            with self._clean_where_refused():
                build(workspace)
            if done and (done.files, done.facts) == (workspace.files, workspace.facts):
                return done
            manifest = {
                "request": self.request,
                "files": workspace.files,
                "facts": workspace.facts,
                "seconds": round(time.perf_counter() - began, 3),
                "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                **provenance(),
            }
            write_sealed(self.path / MANIFEST, manifest)
        return Finished(self.path, read_manifest(self.path))

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            warn(text)

    def _recorded(self) -> Progress | None:
        """As manifest or progress say it, whoever made it; None where neither can be trusted."""
        with contextlib.suppress(Damaged):
            manifest = read_manifest(self.path)
            if manifest["request"] == self.request:
                return Progress(manifest["files"], manifest["facts"], manifest["versions"])
        if not (self.path / PROGRESS).exists():
            return None
        try:
            return Progress(**read_sealed(self.path / PROGRESS))
        except (Damaged, TypeError) as error:
            self._say(f"{error}; begun anew")
            return None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        new = not self.path.exists()
        with alone(self.path / LOCK, str(self.path)):
            try:
                yield
            finally:
                if not (self.path / REQUEST).exists():  # refused before the first write: as it was
                    (self.path / LOCK).unlink(missing_ok=True)
                    with contextlib.suppress(OSError):
                        if new:
                            self.path.rmdir()

    @contextlib.contextmanager
    def _clean_where_refused(self) -> Iterator[None]:
        """What is refused before anything was made leaves no request, which would stand in the way of a mended one."""
        try:
            yield
        except UserError:
            ours = {self.path / name for name in OWN}
            if not any(path.is_file() and path not in ours for path in self.path.rglob("*")):
                for path in self.path.iterdir():
                    if path.name != LOCK:
                        shutil.rmtree(path) if path.is_dir() else path.unlink()
            raise

    def _refuse_others(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path}: is a file; give a folder")
        if not (self.path / REQUEST).exists():
            if self.parts is not None and self.path.exists():
                self._refuse_files()
            return
        try:
            begun = read_sealed(self.path / REQUEST)
        except Damaged as error:
            if self.parts is None:  # its place alone says what it is
                return
            raise UserError(f"{error}; give another folder, or delete this one") from None
        if changed := self.differs(begun, self.request):
            raise UserError(f"{self.path}: was begun with {changed}; give another folder, or delete this one")

    def _refuse_files(self) -> None:
        names = sorted(path.name for path in self.path.iterdir())
        if any(name in OLDER or name == MANIFEST for name in names):
            raise UserError(f"{self.path}: was begun by an older version; give another folder")
        if others := [name for name in names if name != LOCK and not name.startswith(f".{REQUEST}.")]:
            raise UserError(f"{self.path}: holds other files ({others[0]}); give a folder that does not exist yet")

    def _begin(self, anew: bool) -> None:
        """Write the request; whatever a killed writer left half, and what cannot be gone on from, is removed."""
        for leftover in self.path.rglob(".*.tmp"):
            leftover.unlink()
        if anew:
            names = [path.name for path in self.path.iterdir()] if self.parts is None else [*self.parts, PROGRESS, MANIFEST]
            for path in (self.path / name for name in names if name != LOCK):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        write_sealed(self.path / REQUEST, self.request)
        if anew:
            _save(self.path, Progress(versions=deciding_versions()))
