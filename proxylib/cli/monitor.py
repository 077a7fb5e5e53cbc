"""`proxylib monitor`: is something wrong with this run, which checkpoint is to be taken, and can the data tell?"""

from __future__ import annotations

from typing import Any

from proxylib.cli.options import command
from proxylib.studies.your_run.settings import Monitor
from proxylib.text import say, warn


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "monitor", Monitor, run)


def run(options: Monitor) -> int:
    """Watch, and print a sentence an alarm; 3 where one stands, 4 where the data cannot tell."""
    from proxylib.studies.your_run import monitor

    if options.dry_run:
        for sentence in monitor.planned(options):
            say(sentence)
        return 0
    finished = monitor.monitor_file(options)
    for note in finished.facts["notes"]:
        warn(note)
    for sentence in finished.facts["sentences"]:
        say(sentence)
    return finished.facts["code"]
