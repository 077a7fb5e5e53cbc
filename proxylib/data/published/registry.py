"""Which published sets there are, and where their files lie on this machine.

`checksums.txt` (the format of sha256sum) pins every byte; `sets.yaml` says where a set comes from. A set is read from
the folder that the environment variable PROXYLIB_MIRROR names if it is set, else from the user's cache
(PROXYLIB_CACHE, or the place that pooch chooses), into which missing files are downloaded. A file whose checksum
differs is never used.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import Field

from proxylib.errors import UserError
from proxylib.runs.files import sha256
from proxylib.settings import Frozen, read_yaml, validated

if TYPE_CHECKING:
    from pooch import Pooch

HERE = Path(__file__).resolve().parent
SETS = HERE / "sets.yaml"
CHECKSUMS = HERE / "checksums.txt"
TIMEOUT_SECONDS = 30


class Dataset(Frozen):
    """One published set: where it comes from, under which licence, and the sha256 of each of its files."""

    name: str
    title: str
    upstream: str = Field(description="public repository or hub address")
    commit: str | None = None
    licence: str
    address: str | None = Field(default=None, description="public address of a file; {path} is its path upstream")
    paths: dict[str, str] = Field(default_factory=dict, description="start of a path here -> start upstream")
    unlisted: tuple[str, ...] = Field(default=(), description="files without a public address")
    note: str
    files: dict[str, str] = Field(min_length=1, description="path -> sha256")

    def address_of(self, path: str) -> str | None:
        """Public address of one file, or None if only a mirror can hold it."""
        if self.address is None or path in self.unlisted:
            return None
        start = max((start for start in self.paths if path.startswith(start)), key=len, default=None)
        upstream = path if start is None else self.paths[start] + path[len(start) :]
        return self.address.format(path=quote(upstream))


@lru_cache(maxsize=1)
def _datasets() -> dict[str, Dataset]:
    files: dict[str, dict[str, str]] = {}
    for line in CHECKSUMS.read_text(encoding="utf-8").splitlines():
        digest, path = line.split("  ", 1)
        name, rest = path.split("/", 1)
        files.setdefault(name, {})[rest] = digest
    return {
        name: validated(Dataset, {"name": name, "files": files.get(name, {}), **entry}, f"{SETS}: {name}")
        for name, entry in read_yaml(SETS).items()
    }


def names() -> tuple[str, ...]:
    """The sets, in alphabetical order."""
    return tuple(sorted(_datasets()))


def describe(name: str) -> Dataset:
    """Title, licence, upstream address, files with their sha256, and what a reader must know.

    Raises
    ------
    UserError
        For an unknown name; the message lists those that exist.
    """
    if name not in _datasets():
        raise UserError(f"published set '{name}' is unknown; choose one of {', '.join(names())}")
    return _datasets()[name]


def fingerprint(name: str) -> str:
    """sha256 over the set's checksum lines, in order of path: what enters a run's id. Needs no data."""
    lines = [f"{digest}  {name}/{path}\n" for path, digest in sorted(describe(name).files.items())]
    return sha256("".join(lines).encode())


def cache() -> Path:
    """Folder of downloaded sets: PROXYLIB_CACHE, or the user cache of the operating system."""
    return Path(_pooch({}, {}).abspath)


def _pooch(files: dict[str, str], urls: dict[str, str]) -> Pooch:
    """The cache as pooch keeps it: path below it -> sha256, and -> public address."""
    import pooch

    return pooch.create(pooch.os_cache("proxylib"), base_url="", env="PROXYLIB_CACHE", registry=files, urls=urls)


def locate(name: str) -> Path | None:
    """Folder of the set if every file that it must hold is on this machine; never touches the network.

    Returns
    -------
    None where a file is missing, or where a file of the cache is damaged (`fetch` replaces it).

    Raises
    ------
    UserError
        For an unknown name, or a file of the mirror that differs from its checksum.
    """
    dataset, mirror = describe(name), _mirror()
    folder = (mirror or cache()) / name
    missing, differing = _check(dataset, folder)
    if mirror and differing:
        raise _differs(folder / differing[0])
    return None if missing or differing else folder


def fetch(name: str) -> Path:
    """Folder that holds the set; pooch downloads what the cache lacks, with its progress where stderr is a terminal.

    Parameters
    ----------
    name : one of `names()`

    Returns
    -------
    The folder. Files that have no public address are in it only if a mirror or a person put them there, unless the
    whole set is of that kind: then all of them are required.

    Raises
    ------
    UserError
        Unknown name; a missing or differing file in the mirror; a set without public address that is not at hand; an
        address that cannot be reached; a download whose checksum differs (nothing of it is kept).

    Notes
    -----
    Each file is downloaded under a temporary name and renamed when its checksum is right, so an interrupted fetch goes
    on with the next missing file.
    """
    dataset, mirror = describe(name), _mirror()
    folder = (mirror or cache()) / name
    missing, differing = _check(dataset, folder)
    if mirror:
        if differing:
            raise _differs(folder / differing[0])
        if missing:
            raise UserError(
                f"{folder / missing[0]}: not in the mirror; put it there, or unset PROXYLIB_MIRROR to use the cache"
            )
        return folder
    urls = {path: dataset.address_of(path) for path in sorted([*missing, *differing])}
    for path in (*differing, *missing):
        if urls[path] is None:
            what = "differs from its checksum" if path in differing else "is missing"
            raise UserError(
                f"{folder / path} {what}, and these bytes have no public address (upstream: {dataset.upstream}); "
                "set PROXYLIB_MIRROR to a folder that holds them"
            )
    key = lambda path: f"{name}/{path}"
    keeper = _pooch({key(path): dataset.files[path] for path in urls}, {key(path): url for path, url in urls.items()})
    for path in urls:
        _download(keeper, key(path))
    return folder


def _mirror() -> Path | None:
    value = os.environ.get("PROXYLIB_MIRROR")
    if not value:
        return None
    if not Path(value).is_dir():
        raise UserError(f"{value}: no such folder; correct or unset PROXYLIB_MIRROR")
    return Path(value)


def _check(dataset: Dataset, folder: Path) -> tuple[list[str], list[str]]:
    """Files that are missing though required, and files that differ from their checksum."""
    missing, differing = [], []
    for path, digest in sorted(dataset.files.items()):
        if not (folder / path).is_file():
            if path not in dataset.unlisted:
                missing.append(path)
        elif sha256(folder / path) != digest:
            differing.append(path)
    return missing, differing


def _differs(file: Path) -> UserError:
    return UserError(f"{file}: differs from its pinned checksum and is not used; replace it with the published file")


def _download(keeper: Pooch, file: str) -> None:
    import pooch
    import requests  # pooch's own downloader

    watched = sys.stderr.isatty()
    pooch.get_logger().disabled = not watched  # outside logging's tree: a level that was asked for once stays remembered
    address, place = keeper.get_url(file), Path(keeper.abspath) / file
    try:
        keeper.fetch(file, downloader=pooch.HTTPDownloader(progressbar=watched, timeout=TIMEOUT_SECONDS))
    except requests.RequestException as error:
        answer = getattr(error, "response", None)
        reason = type(error).__name__ if answer is None else f"status {answer.status_code}"
        raise UserError(
            f"{file}: cannot be downloaded from {address} ({reason}); connect to the network, "
            "or set PROXYLIB_MIRROR to a folder that holds the set"
        ) from None
    except ValueError:  # pooch: the checksum differs; it has removed what it downloaded
        raise UserError(
            f"{file}: what {address} sent differs from the pinned checksum and was not kept; "
            "set PROXYLIB_MIRROR to a folder that holds the published file"
        ) from None
    except OSError as error:
        raise UserError(f"{place}: cannot be written ({error.strerror}); free space or choose another PROXYLIB_CACHE") from None
