"""`proxylib scoreboard`: every claim's verdict from the recorded runs."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from proxylib.cli.options import command
from proxylib.settings import Frozen


class Options(Frozen):
    """Write results/scoreboard.json from the recorded runs."""

    check: bool = Field(default=False, description="compare instead of writing; exit 1 if it differs")


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "scoreboard", Options, run, repository=True)


def run(options: Options) -> int:
    """Write the scoreboard, or compare it with the recorded one."""
    from proxylib.report import scoreboard

    return scoreboard.check() if options.check else scoreboard.write()
