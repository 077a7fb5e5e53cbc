"""`proxylib rank`: your models, in the order of the proxy named in advance."""

from __future__ import annotations

from typing import Any

from proxylib.cli.options import command
from proxylib.cli.surroundings import refuse_little_memory
from proxylib.studies.your_models.settings import Rank
from proxylib.text import say, warn


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "rank", Rank, run)


def run(options: Rank) -> int:
    """Say what it takes, measure and rank the models, and print the tables."""
    refuse_little_memory()
    from proxylib.measure.tokenstats import shards
    from proxylib.models import crew

    with crew.gathered(shards.Helper()) as leads:
        return _run(options) if leads else 0


def _run(options: Rank) -> int:
    from proxylib.studies.your_models import rank, report

    if options.dry_run:
        say(rank.price(options) or f"all models in {options.out} are measured: little would be done")
        if options.prose:
            say("loss on prose comes on top")
        return 0
    say(report.summary(rank.rank_files(options, warn)))
    return 0
