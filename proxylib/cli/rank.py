"""`proxylib rank`: your models, in the order of the proxy named in advance."""

from __future__ import annotations

from typing import Any

from proxylib.cli.options import command
from proxylib.cli.surroundings import refuse_little_memory
from proxylib.studies.your_models.settings import Rank
from proxylib.text import say


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "rank", Rank, run)


def run(options: Rank) -> int:
    """Measure and rank the models, and print the tables."""
    refuse_little_memory()
    from proxylib.studies.your_models import rank, report

    say(report.summary(rank.rank_files(options)))
    return 0
