"""Models as folders of files: where a name lies, what an adapter stands on, and which bytes it is. Imports no torch."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from proxylib.errors import UserError
from proxylib.models import gguf, packaged
from proxylib.text import warn

CONFIG, ADAPTER, ADAPTER_WEIGHTS = "config.json", "adapter_config.json", "adapter_model.safetensors"
WHOLE_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
)  # what transformers reads; all shards are named in the latter
MERGE = "merge it into its base with merge_and_unload of peft, save that with its tokenizer"
#: of a repository on the hub, and of its top folder alone: weights are what these files name, in no other format or copy
SMALL, BELOW = ("*.json", "*.model", "*.txt", "*.jinja"), "*/*"
#: NAME or ORG/NAME, as the hub itself has them; a name that ends as files do is meant for a file
ON_HUB = re.compile(r"(?!.*(--|\.\.))([A-Za-z0-9_]([\w.-]*[A-Za-z0-9_])?/)?[A-Za-z0-9_]([\w.-]{0,94}[A-Za-z0-9_])?", re.ASCII)
OF_FILES = {
    *(".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".ggml", ".onnx", ".h5", ".npz", ".msgpack", ".model"),
    *(".json", ".jsonl", ".parquet", ".csv", ".txt", ".md", ".yaml", ".yml", ".py", ".ipynb", ".jinja", ".git"),
    *(".zip", ".gz", ".tar", ".tgz", ".zst", ".xz", ".7z"),
}
WHOLE = 64 << 20  # bytes up to which a file of a model is hashed whole
END = 1 << 20  # bytes from each end of a longer one, and from END to END in between
PIECE = 4096  # bytes: fine-tuning changes whole matrices, which are longer than END in a file as long as that


def locate(name: str | Path) -> Path:
    """The folder of a model: itself, what a GGUF file became, or the cached snapshot of a hub id, downloaded if allowed.

    Parameters
    ----------
    name : a folder, a GGUF file, a name of `packaged.MODELS`, or NAME or NAME@REVISION on the hub

    Raises
    ------
    UserError
        If it is none of them, or nothing that the hub or its cache holds; see also `gguf.converted`.
    """
    if Path(name).is_dir():
        return Path(name)
    if Path(name).is_file() and Path(name).suffix.lower() == ".gguf":
        return gguf.cached(Path(name))
    if str(name) in packaged.MODELS:
        if folder := packaged.locate(str(name)):
            return folder
        raise UserError(f"{name}: is not on this machine yet; proxylib fetch {name}")
    repository, revision = _on_hub(name)
    if os.environ.get("HF_HUB_OFFLINE", "").upper() not in ("1", "ON", "YES", "TRUE"):  # as the hub's package reads it
        warn(f"{name}: no such folder; asking the hub for it (proxylib --offline COMMAND asks nobody)")
    try:
        return _downloaded(repository, revision)
    except Exception as error:  # absent, gated, offline, a broken connection: a dozen kinds
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") == "1" else ""
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{name}: neither a folder nor a model on the hub or in its cache{offline}: {reason}") from None


def _downloaded(repository: str, revision: str | None) -> Path:
    """A cached snapshot with the files that are read here: tokenizer, configs, and one copy of the weights."""
    import huggingface_hub

    def fetch(names: Sequence[str], revision: str | None) -> Path:
        wanted = {"allow_patterns": list(names), "ignore_patterns": BELOW}
        return Path(huggingface_hub.snapshot_download(repository, revision=revision, **wanted))

    folder = fetch(SMALL, revision)
    commit, (whole, index) = folder.name, WHOLE_FILES
    weights = ADAPTER_WEIGHTS if (folder / ADAPTER).exists() else whole
    fetch([weights], commit)  # of the same commit, should a branch move
    if not (folder / weights).exists() and (folder / index).exists():
        fetch(sorted(set(json.loads((folder / index).read_text())["weight_map"].values())), commit)
    return folder


def _on_hub(name: str | Path) -> tuple[str, str | None]:
    """Repository and revision of a name that is no folder; one that can be no hub's is refused before any hub is asked."""
    repository, at, revision = str(name).partition("@")
    if Path(name).exists() or not ON_HUB.fullmatch(repository) or Path(repository).suffix.lower() in OF_FILES:
        raise UserError(
            f"{name}: no such folder; a model is a folder written by save_pretrained, a GGUF file, or NAME or ORG/NAME on the "
            "hub"
        )
    beside = Path(repository).parent
    if beside.name and beside.exists():
        raise UserError(f"{name}: no such folder, though {beside} is here; for a model of the hub, call from another folder")
    if at and not revision:
        raise UserError(f"{name}: no revision stands after @; name a commit, tag or branch, or leave @ away")
    return repository, revision or None


def refusal(folder: Path, what: str, error: Exception) -> UserError:
    """One line for what a library says about a folder; that it would run code from there, if one let it, is no mend."""
    reason = " ".join(str(error).split())
    if "trust_remote_code" in reason:
        return UserError(f"{folder}: needs code of its own, which is never run; give a model that transformers knows by itself")
    return UserError(f"{folder}: {what} ({reason[:200]})")


def billions(name: str | Path) -> float:
    """About how many parameters a model has, in 10^9: from the size of its files as bfloat16, or from its name; else 1."""
    if Path(name).is_dir():
        return sum(path.stat().st_size for path in Path(name).glob("*.safetensors")) / 2e9
    sizes = re.findall(r"(\d+(?:\.\d+)?)([bm])(?![a-z])", str(name).lower())
    return float(sizes[-1][0]) * {"b": 1.0, "m": 1e-3}[sizes[-1][1]] if sizes else 1.0


def commit_of(folder: Path) -> str | None:
    """The hub's commit that a cached snapshot holds; None for a folder of one's own."""
    return folder.name if folder.parent.name == "snapshots" else None


def whole(name: str | Path) -> Path:
    """The folder of a model as from `locate`; `UserError` if it holds an adapter, which peft would lay aside without a word."""
    folder = locate(name)
    if (folder / ADAPTER).exists():
        raise UserError(f"{folder}: is an adapter, and another one cannot stand on it; {MERGE}, and name that folder")
    return folder


def revisions(folder: Path) -> dict[str, str | None]:
    """For a manifest: the commit that a model of the hub is of, and the commit of an adapter's base (`commit_of`)."""
    commits = {"revision": commit_of(folder)}
    return commits | {"base_revision": commit_of(base_of(folder))} if (folder / ADAPTER).exists() else commits


def base_of(folder: Path) -> Path:
    """The folder of the base model that an adapter's folder names; the folder itself where it holds no adapter.

    Raises
    ------
    UserError
        If an adapter names no base, or another adapter (itself included): peft would put one in the place of the other. Also
        where a whole model lies beside the adapter, so that the folder could mean either.
    """
    return _stands_on(folder, _located(folder, _base_named(folder))) if (folder / ADAPTER).exists() else folder


def _located(folder: Path, base: str) -> Path:
    """Where the base lies that the adapter in a folder names."""
    try:
        return locate(base)
    except UserError as error:
        raise UserError(f"{folder / ADAPTER}: its base cannot be had: {error}") from None


def _stands_on(folder: Path, base: Path) -> Path:
    if (base / ADAPTER).exists():
        which = "itself" if base.resolve() == folder.resolve() else f"{base}, which is an adapter, too"
        raise UserError(f"{folder / ADAPTER}: the adapter stands on {which}; {MERGE}, and name that folder there")
    return base


def _base_named(folder: Path) -> str:
    """Folder or hub id of an adapter's base, with the revision that the adapter was made on."""
    path = folder / ADAPTER
    for name in WHOLE_FILES:
        if (folder / name).exists():
            raise UserError(f"{folder}: holds an adapter and a whole model ({name}); put them into folders of their own")
    try:
        config = json.loads(path.read_text())
        base, revision = config["base_model_name_or_path"], config.get("revision")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path}: names no base model; save the adapter with save_pretrained of peft") from None
    if not base or not isinstance(base, str):
        raise UserError(f"{path}: base_model_name_or_path is empty; write the base model's folder or hub id there")
    return f"{base}@{revision}" if revision and not Path(base).is_dir() and "@" not in base else base


def fingerprint(folder: Path) -> str:
    """Hash of a model's files: names, sizes and content, of files above 64 MiB the first and last MiB and 4 KiB of each other.

    An adapter's contains that of its base model. What a folder says of the GGUF file that it comes from does not count.
    """
    return _fingerprint(folder, lambda base: fingerprint(_stands_on(folder, _located(folder, base))))


def identity(name: str | Path) -> str:
    """What a model is as far as this machine knows without asking.

    A folder's `fingerprint`, a GGUF file's `gguf.identity`, a hub id and its revision.

    Notes
    -----
    A branch of the hub can move. Name a commit where that would matter; what was used in the end is in a run's facts.
    """
    if Path(name).is_dir():
        return _fingerprint(
            Path(name), lambda base: identity(_stands_on(Path(name), Path(base)) if Path(base).is_dir() else base)
        )
    if Path(name).is_file() and Path(name).suffix.lower() == ".gguf":
        return gguf.identity(Path(name))
    if str(name) in packaged.MODELS:
        return packaged.MODELS[str(name)].gguf
    repository, revision = _on_hub(name)
    return f"{repository}@{revision or 'main'}"


def _fingerprint(folder: Path, of_base: Callable[[str], str]) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.name == gguf.SOURCE or path.suffix not in (".json", ".safetensors", ".model", ".txt", ".jinja"):
            continue  # where a model comes from makes it no other one
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
