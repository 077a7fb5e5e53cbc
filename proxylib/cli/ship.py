"""`proxylib ship`: a profile's executed pages become the shipped ones."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from proxylib.cli.options import command
from proxylib.runs.config import ProfileName
from proxylib.settings import Frozen


class Options(Frozen):
    """Copy a profile's executed pages into book/executed/."""

    profile: ProfileName = Field(description="whose pages are run already; refused from a dirty tree")


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "ship", Options, run, repository=True)


def run(options: Options) -> int:
    """Ship the pages and print their paths."""
    from proxylib import studies
    from proxylib.report import book

    for path in book.ship(options.profile, studies.pages(options.profile)):
        print(path)
    return 0
