"""`proxylib extract`: token statistics of one model."""

from __future__ import annotations

from typing import Any

from proxylib.cli.options import command
from proxylib.cli.surroundings import refuse_little_memory
from proxylib.measure.settings import Extract
from proxylib.text import say, warn


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "extract", Extract, run)


def run(options: Extract) -> int:
    """Say what it takes, measure the model, and say what became of the traces."""
    refuse_little_memory()
    from proxylib.measure.tokenstats import shards
    from proxylib.models import crew

    with crew.gathered(shards.Helper()) as leads:
        return _run(options) if leads else 0


def _run(options: Extract) -> int:
    from proxylib.data import traces
    from proxylib.measure.tokenstats import shards

    given = traces.reading(options.traces, options.fields, options.think)
    asked = (options.model, given.traces, options.out, options.settings, options.layout, options.threads)
    if options.dry_run:
        say(shards.price(*asked) or f"{options.out} is finished: nothing would be done")
        return 0
    rows = shards.extract(*asked, told=warn)
    say(given.counts.summary())
    say(rows.summary(given.counts))
    return 0
