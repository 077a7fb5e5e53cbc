"""`proxylib fetch`: published data sets, listed or brought into the cache."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from proxylib.cli.options import POSITIONAL, command
from proxylib.settings import Frozen


class Options(Frozen):
    """Bring a published data set into the cache."""

    name: str | None = Field(default=None, description="of the set; without it, list the sets", json_schema_extra=POSITIONAL)


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "fetch", Options, run)


def run(options: Options) -> int:
    """List all sets with their licences, or fetch one and say where it came from and where it lies."""
    from proxylib.data.published import registry

    if options.name is None:
        for name in registry.names():
            dataset = registry.describe(name)
            print(f"{name:20} {dataset.licence:16} {dataset.title}")
        return 0
    dataset = registry.describe(options.name)
    print(f"{dataset.name}: {dataset.title}\naddress: {dataset.address or 'none (mirror only)'}\nupstream: {dataset.upstream}")
    print(f"licence: {dataset.licence}\nsha256 of all checksums: {registry.fingerprint(options.name)}")
    print(f"files: {registry.fetch(options.name)}")
    return 0
