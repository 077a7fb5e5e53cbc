"""Files of runs: JSON of one spelling, digests, files that are whole or not there, JSON that proves itself, one writer."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import filelock
import pandas as pd

from proxylib.errors import UserError

DIGEST = "digest"  # key of sealed JSON: SHA-256 of all its other keys


class Damaged(UserError):
    """A file that is not what it was when it was written; the message names it and says how."""


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
def _file_sha256(path: Path, *version: int) -> str:
    return sha256(path)


def _digest(path: Path) -> str:
    """Of a file that may be asked for often: it is read again where it may have changed since."""
    stat = path.stat()
    if time.time_ns() - stat.st_ctime_ns < 2 * 10**9:  # a clock of files ticks too slowly to tell two changes apart
        return sha256(path)
    return _file_sha256(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def refuse_damage(file: Path, digest: str) -> None:
    """`Damaged` unless the file is there and has this SHA-256."""
    if not file.is_file():
        raise Damaged(f"{file} is missing")
    if _digest(file) != digest:
        raise Damaged(f"{file} does not match its checksum")


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """A table as a Parquet file, the same bytes for the same table."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def write_atomic(path: Path, data: bytes) -> None:
    """Write under a temporary name, flush to the device, rename: a reader sees the old file, the new one, or none."""
    write_together(path.parent, {path.name: data})


def write_together(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Files that belong together: none takes its place before all are written, as on a full disk not all can be.

    Parameters
    ----------
    folder : made if it is missing
    contents : name -> data, in the order in which they take their places
    """
    temporary = {name: folder / f".{name}.{os.getpid()}.tmp" for name in contents}
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in contents.items():
            path = folder / name
            with temporary[name].open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for name, place in temporary.items():
            path = folder / name
            place.replace(path)
        _flush(folder)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); free space or choose another folder") from error
    finally:
        for place in temporary.values():  # none is left where all went well
            with contextlib.suppress(OSError):
                place.unlink()


def _flush(folder: Path) -> None:
    """The names of its files, to the device."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_sealed(path: Path, values: Mapping[str, Any]) -> None:
    """JSON with a digest of itself, so that a reader knows whether it was edited."""
    write_atomic(path, sealed(values))


def sealed(values: Mapping[str, Any]) -> bytes:
    """What `write_sealed` writes."""
    plain = json.loads(json.dumps(dict(values), allow_nan=False))  # as it will be read: tuples are lists, keys are text
    plain.pop(DIGEST, None)
    plain[DIGEST] = sha256(canonical(plain).encode())
    return json.dumps(plain, indent=1, sort_keys=True).encode()


def read_sealed(path: Path) -> dict[str, Any]:
    """What `write_sealed` wrote, without the digest.

    Raises
    ------
    Damaged
        No such file, no JSON object, or another digest than that of its keys.
    """
    try:
        values = json.loads(path.read_bytes())
        digest = values.pop(DIGEST, None)
        whole = digest == sha256(canonical(values).encode())
    except FileNotFoundError:
        raise Damaged(f"{path} is missing") from None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        raise Damaged(f"{path} is not what it was when it was written") from None
    if not whole:
        raise Damaged(f"{path} does not match its digest: it was edited or damaged")
    return values


@contextlib.contextmanager
def alone(lock: Path, what: str, wait: bool = False) -> Iterator[None]:
    """Refuse a second process that holds the same lock file, or wait for it; the kernel drops the lock with its owner.

    Raises
    ------
    UserError
        Where another process makes `what`, or the lock's folder cannot be written.
    """
    held = filelock.FileLock(lock)
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held.acquire(timeout=-1 if wait else 0)
    except filelock.Timeout:
        raise UserError(f"{what} is being made by another process; wait for it or stop it") from None
    except OSError as error:
        raise UserError(f"{what}: cannot be written ({error.strerror or error}); give another folder") from None
    try:
        yield
    finally:
        held.release()
