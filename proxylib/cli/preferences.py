"""`proxylib preferences`: which models people prefer, how sure that is, and which votes to buy next."""

from __future__ import annotations

from typing import Any

from proxylib.cli.options import command
from proxylib.studies.preferences.settings import Preferences
from proxylib.text import say, warn


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "preferences", Preferences, run)


def run(options: Preferences) -> int:
    """Rate, and print one sentence; 4 where no order is settled, or too many votes have no winner."""
    from proxylib.studies.preferences import rate

    finished = rate.rate_file(options)
    for note in finished.facts["notes"]:
        warn(note)
    say(finished.facts["sentence"])
    return finished.facts["code"]
