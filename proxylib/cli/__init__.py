"""The command line, one module a command. Bad input ends with one line and exit code 2; a failure of ours with exit code 1."""

from __future__ import annotations

import os
import sys

from proxylib.cli import (
    benchmark,
    book,
    doctor,
    extract,
    fetch,
    finetune,
    forecast,
    grid,
    judge,
    monitor,
    plan,
    preferences,
    rank,
    run,
    scoreboard,
    ship,
    surroundings,
)
from proxylib.cli.options import Parser, read
from proxylib.errors import UserError
from proxylib.runs.config import refuse_outside
from proxylib.text import warn

COMMANDS = (
    rank,
    forecast,
    monitor,
    plan,
    preferences,
    benchmark,
    extract,
    judge,
    finetune,
    run,
    grid,
    fetch,
    doctor,
    book,
    ship,
    scoreboard,
)  # those for your own things first


def main(words: list[str] | None = None) -> int:
    """Entry point of `proxylib`; returns the exit code."""
    # read when torch is loaded: threads that spin while they wait take cores that others need (benchmarks/machine.py)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        args = parser().parse_args(words)
        if getattr(args, "offline", False):
            os.environ["HF_HUB_OFFLINE"] = "1"  # read when the hub's package is loaded
        if args.repository:
            refuse_outside(args.command)
        return args.function(read(args.kind, vars(args), args.command))
    except UserError as error:
        warn(f"error: {error}")
        return error.code
    except KeyboardInterrupt:
        print("proxylib: stopped; the next call goes on from here", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head` is no error
        sys.stderr.close()
        return 0
    except Exception as error:
        if said := surroundings.line(error):
            warn(f"error: {said}")
            return 2
        sys.excepthook = surroundings.show
        raise


def parser() -> Parser:
    """The parser of all commands."""
    whole = Parser(
        prog="proxylib",
        description="Forecast a model's score from cheaper signals.",
        epilog="proxylib COMMAND --help shows a command's options. Exit codes: 0 done, 1 a failure of ours, 2 bad input, "
        "3 an alarm, 4 the data cannot tell or too much is missing, 130 interrupted.",
    )
    whole.add_argument("--offline", action="store_true", help="ask no hub for models or data: only what is on this machine")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for module in COMMANDS:
        module.add(commands)
    return whole
