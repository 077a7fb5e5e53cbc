"""`proxylib plan`: losses are known, evaluations are dear: which candidate to evaluate next, and when to stop."""

from __future__ import annotations

from typing import Any

from proxylib.cli.options import command
from proxylib.studies.planning.settings import Plan
from proxylib.text import say, warn


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "plan", Plan, run)


def run(options: Plan) -> int:
    """Plan, and print a sentence a finding; 4 where scores do not tell how they follow the signals."""
    from proxylib.studies.planning import run

    if options.dry_run:
        for sentence in run.planned_with(options):
            say(sentence)
        return 0
    finished = run.plan_file(options)
    for note in finished.facts["notes"]:
        warn(note)
    for sentence in finished.facts["sentences"]:
        say(sentence)
    return finished.facts["code"]
