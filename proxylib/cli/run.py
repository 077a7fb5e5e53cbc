"""`proxylib run`: one notebook with parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from proxylib.cli.options import POSITIONAL, command
from proxylib.errors import UserError
from proxylib.settings import Frozen
from proxylib.text import say, warn


class Options(Frozen):
    """Run one notebook with parameters."""

    notebook: Path = Field(
        description="of the grid, or one of your own with a cell tagged parameters", json_schema_extra=POSITIONAL
    )
    parameters: dict[str, Any] = {}


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "run", Options, run, repository=True)


def run(options: Options) -> int:
    """Run the notebook unless its run exists, and say where that is."""
    from proxylib import studies
    from proxylib.runs import execute, parameters

    notebook, given = options.notebook, options.parameters
    parameters.check(notebook, given)
    step = studies.step_of_notebook(notebook, parameters.defaults(notebook) | given)
    step = step or execute.own_step(notebook, given)
    if not execute.outstanding([step]):
        say(f"{execute.state(step):9} {step.name}  {step.store.get(step.key).folder}")
        return 0
    missing = [parent.name for parent in step.parents.values() if parent.store.find(parent.key) is None]
    if missing:
        raise UserError(
            f"{step.name} needs {', '.join(missing)}; first: proxylib grid --profile {step.store.profile} "
            f"{' '.join(f'--only {name}' for name in missing)}"
        )
    try:
        say(f"done      {step.name}  {execute.run(step).folder}")
    except execute.NotebookFailed as error:
        warn(error)
        return 1
    return 0
