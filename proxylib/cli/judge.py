"""`proxylib judge`: notes under an LLM judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from proxylib.cli.options import command
from proxylib.cli.surroundings import LEAST_FOR_CLIENT, refuse_little_memory
from proxylib.judging.settings import LLMJudge
from proxylib.settings import Frozen
from proxylib.text import say, warn

if TYPE_CHECKING:
    from proxylib.judging.spending import Estimate


OF_A_SERVER = "how long a server takes is known when it has answered: the line of progress then says what is left"


class Options(Frozen):
    """Clinical notes under an LLM judge: five criteria, verdicts into a folder."""

    notes: Path = Field(description=".jsonl file with id, dialogue and note")
    out: Path = Field(description="folder for what is made; goes on where it ended")
    repeats: int = Field(default=1, ge=1, description="times that each question is asked")
    limit_unscored: float = Field(
        default=0.05, ge=0, le=1, allow_inf_nan=False, description="share of unscored questions above which the exit code is 4"
    )
    dry_run: bool = Field(default=False, description="say what may be asked and what it may cost; ask and write nothing")
    judge: LLMJudge


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "judge", Options, run)


def _here(options: Options, expected: Estimate) -> str:
    """What a judge in a folder takes on this machine."""
    from proxylib.judging import local_price

    return str(local_price.priced(options.judge, expected, options.out))


def run(options: Options) -> int:
    """Judge the notes and print pass rates, the unscored beside them; 4 where too many are unscored, or all."""
    from proxylib.judging import verdict_folder

    given = (options.notes, options.judge, options.out, options.repeats)
    local = options.judge.local
    if local:
        refuse_little_memory()
    elif not options.dry_run:
        refuse_little_memory(LEAST_FOR_CLIENT, "what asks a judge")
    if options.dry_run:
        expected = verdict_folder.estimate(*given)
        say(f"{expected}; answers that {options.out} holds cost nothing\n{_here(options, expected) if local else OF_A_SERVER}")
        return 0
    judged = verdict_folder.run(*given, say)
    say(judged.summary())
    if missing := judged.shortfall(options.limit_unscored):
        warn(missing)
        return 4
    return 0
