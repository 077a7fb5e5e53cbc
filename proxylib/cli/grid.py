"""`proxylib grid`: every step of a profile."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from proxylib.cli.options import command
from proxylib.runs.config import ProfileName
from proxylib.settings import Frozen
from proxylib.text import say, warn


class Options(Frozen):
    """Run what is missing or stale of a profile."""

    profile: ProfileName = Field(description="sizes and counts of configs/PROFILE.yaml")
    jobs: int = Field(default=1, ge=1, description="steps at a time")
    list: bool = Field(default=False, description="show the steps and their state, run nothing")
    record: bool = Field(default=False, description="copy finished runs into results/, without weights")
    only: tuple[str, ...] = Field(default=(), description="this step and what it needs")


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "grid", Options, run, repository=True)


def run(options: Options) -> int:
    """List the steps, or run them."""
    from proxylib import studies
    from proxylib.runs import execute
    from proxylib.runs.step import named

    steps = studies.steps(options.profile)
    if options.only:
        steps = named(steps, options.only)
    if options.list:
        for step in steps:
            say(f"{execute.state(step):9} {step.key.run_id}  {step.name}")
        return 0
    bad = execute.walk(steps, options.jobs, options.record, say)
    if options.record and not options.only:
        steps[0].store.prune(step.key for step in steps)
    if bad:
        warn(f"{bad} of {len(steps)} steps failed or are blocked")
    return 1 if bad else 0
