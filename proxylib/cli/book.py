"""`proxylib book`: executed pages, rendered."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from proxylib.cli.options import command
from proxylib.runs.config import ProfileName
from proxylib.settings import Frozen


class Options(Frozen):
    """Build the book of a profile, or the shipped one."""

    profile: ProfileName | None = Field(default=None, description="whose pages are run already")
    shipped: bool = Field(default=False, description="from book/executed/, without running anything")

    @model_validator(mode="after")
    def _one_book(self) -> Options:
        if bool(self.profile) == self.shipped:
            raise ValueError("give --profile or --shipped, one of them")
        return self


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "book", Options, run, repository=True)


def run(options: Options) -> int:
    """Build the book and print the path of its first page."""
    from proxylib import studies
    from proxylib.report import book

    print(book.build_shipped() if options.shipped else book.build(options.profile, studies.pages(options.profile)))
    return 0
