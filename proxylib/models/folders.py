"""Models as folders of files: where a name lies, what an adapter stands on, and which bytes it is. Imports no torch."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from proxylib.errors import UserError

CONFIG, ADAPTER = "config.json", "adapter_config.json"
WANTED = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")  # of a repository on the hub: no other formats of weights
WHOLE = 64 << 20  # bytes up to which a file of a model is hashed whole
END = 1 << 20  # bytes from each end of a longer one, and from END to END in between
PIECE = 4096  # bytes: fine-tuning changes whole matrices, which are longer than END in a file as long as that


def locate(name: str | Path) -> Path:
    """The folder of a model: itself, or the cached snapshot of a hub id, downloaded where that is allowed.

    Parameters
    ----------
    name : a folder, or NAME or NAME@REVISION on the hub

    Raises
    ------
    UserError
        If it is neither a folder nor a model that the hub or its cache holds.
    """
    if Path(name).is_dir():
        return Path(name)
    repository, revision = _on_hub(name)
    import huggingface_hub

    try:
        return Path(huggingface_hub.snapshot_download(repository, revision=revision, allow_patterns=list(WANTED)))
    except Exception as error:  # absent, gated, offline, a broken connection: a dozen kinds
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") == "1" else ""
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{name}: neither a folder nor a model on the hub or in its cache{offline}: {reason}") from None


def _on_hub(name: str | Path) -> tuple[str, str | None]:
    """Repository and revision of a name that is no folder."""
    if Path(name).exists() or not 1 <= str(name).count("/") + 1 <= 2 or str(name).startswith((".", "/", "~")):
        raise UserError(f"{name}: no such folder; a model is a folder written by save_pretrained, or a hub id")
    repository, _, revision = str(name).partition("@")
    return repository, revision or None


def billions(name: str | Path) -> float:
    """About how many parameters a model has, in 10^9: from the size of its files as bfloat16, or from its name; else 1."""
    if Path(name).is_dir():
        return sum(path.stat().st_size for path in Path(name).glob("*.safetensors")) / 2e9
    sizes = re.findall(r"(\d+(?:\.\d+)?)([bm])(?![a-z])", str(name).lower())
    return float(sizes[-1][0]) * {"b": 1.0, "m": 1e-3}[sizes[-1][1]] if sizes else 1.0


def commit_of(folder: Path) -> str | None:
    """The hub's commit that a cached snapshot holds; None for a folder of one's own."""
    return folder.name if folder.parent.name == "snapshots" else None


def base_of(folder: Path) -> Path:
    """The folder of the base model that an adapter's folder names; the folder itself where it holds no adapter."""
    return locate(_base_named(folder)) if (folder / ADAPTER).exists() else folder


def _base_named(folder: Path) -> str:
    path = folder / ADAPTER
    try:
        base = json.loads(path.read_text())["base_model_name_or_path"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: names no base model; save the adapter with save_pretrained of peft") from None
    if not base or not isinstance(base, str):
        raise UserError(f"{path}: base_model_name_or_path is empty; write the base model's folder or hub id there")
    return base


def fingerprint(folder: Path) -> str:
    """Hash of a model's files: names, sizes and content, of files above 64 MiB the first and last MiB and 4 KiB of each other.

    An adapter's contains that of its base model.
    """
    return _fingerprint(folder, lambda base: fingerprint(locate(base)))


def identity(name: str | Path) -> str:
    """What a model is as far as this machine knows without asking: a folder's `fingerprint`, a hub id and its revision.

    Notes
    -----
    A branch of the hub can move. Name a commit where that would matter; what was used in the end is in a run's facts.
    """
    if Path(name).is_dir():
        return _fingerprint(Path(name), identity)
    repository, revision = _on_hub(name)
    return f"{repository}@{revision or 'main'}"


def _fingerprint(folder: Path, of_base: Callable[[str], str]) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".json", ".safetensors", ".model", ".txt", ".jinja") and path.name != "adapter_model.bin":
            continue
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            if size <= WHOLE:
                digest.update(file.read())
            else:
                digest.update(file.read(END))
                for place in range(END, size - END, END):
                    file.seek(place)
                    digest.update(file.read(PIECE))
                file.seek(-END, 2)
                digest.update(file.read())
    if (folder / ADAPTER).exists():
        digest.update(of_base(_base_named(folder)).encode())
    return digest.hexdigest()[:32]
