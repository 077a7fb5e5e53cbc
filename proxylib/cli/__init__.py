"""The command line: `proxylib COMMAND`."""

from proxylib.cli.main import main

__all__ = ["main"]
