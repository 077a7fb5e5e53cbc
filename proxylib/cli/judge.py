"""`proxylib judge`: notes under an LLM judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from proxylib.cli.options import command
from proxylib.judging.settings import LLMJudge
from proxylib.settings import Frozen
from proxylib.text import say


class Options(Frozen):
    """Clinical notes under an LLM judge: five criteria, verdicts into a folder."""

    notes: Path = Field(description=".jsonl file with id, dialogue and note")
    out: Path = Field(description="folder for what is made; goes on where it ended")
    repeats: int = Field(default=1, ge=1, description="times that each question is asked")
    judge: LLMJudge


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "judge", Options, run)


def run(options: Options) -> int:
    """Judge the notes and print pass rates, the unscored beside them."""
    from proxylib.judging import verdict_folder

    say(verdict_folder.run(options.notes, options.judge, options.out, options.repeats, say).summary())
    return 0
