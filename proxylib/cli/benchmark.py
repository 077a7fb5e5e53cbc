"""`proxylib benchmark`: scores of a model on named benchmarks, each under a stated setting."""

from __future__ import annotations

from typing import Any

from proxylib.cli.options import command
from proxylib.cli.surroundings import refuse_little_memory
from proxylib.measure.suites.settings import RunBenchmarks, suite
from proxylib.text import say


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "benchmark", RunBenchmarks, run)


def run(options: RunBenchmarks) -> int:
    """Run what is missing, print the scores; 4 where too many problems of a benchmark could not be put."""
    chosen = suite(options.only)
    refuse_little_memory()
    from proxylib.measure.suites import run as suites

    table = suites.scores(suites.run(options, chosen))
    say(table.to_string(index=False, float_format="{:.3f}".format))
    return 4 if table["estimate"].isna().any() else 0
