"""A run's history from whatever holds it: a table, a trainer's state, result files of evaluations."""

from __future__ import annotations

from pathlib import Path

from proxylib.data.histories import harness, tables, trainer
from proxylib.data.histories.measured import Measured
from proxylib.errors import UserError
from proxylib.runs.files import sha256
from proxylib.studies.your_run.settings import Monitor

STATE = "trainer_state.json"


def load(given: Monitor) -> Measured:
    """What was measured.

    Raises
    ------
    UserError
        In one line with file, line or column, and the mend.
    """
    path = given.history
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    if path.is_dir():
        return _folder(path, given)
    if path.suffix.lower() != ".json":
        return tables.read(path, tables.Spelling(given.fields, given.losses, given.scores, given.percent))
    values = harness.load(path)
    if trainer.is_state(values):
        return trainer.read(path, values)
    if harness.is_results(values):
        return harness.read([(path, values)], given.fields.get("score"))
    raise UserError(f"{path}: neither a trainer's state (log_history) nor results of lm-evaluation-harness (results)")


def _folder(path: Path, given: Monitor) -> Measured:
    """Results of a folder; where there are none, the state of its last checkpoint."""
    files, states = [], []
    for file in harness.files_in(path):
        if file.name == STATE:
            states.append(file)
        elif harness.is_results(values := harness.load(file)):
            files.append((file, values))
    if files:
        return harness.read(files, given.fields.get("score"))
    if states:
        last = max(states, key=lambda file: (_reached(file), str(file)))
        return trainer.read(last, harness.load(last))
    raise UserError(f"{path}: no file below it holds results of lm-evaluation-harness or a trainer's state")


def _reached(file: Path) -> float:
    values = harness.load(file)
    reached = values.get("global_step") if trainer.is_state(values) else None
    return float(reached) if isinstance(reached, int | float) else -1.0


def digest(path: Path, kind: str = "*.json") -> str:
    """Of all files that may be read."""
    files = sorted(file for file in path.rglob(kind) if file.is_file()) if path.is_dir() else [path]
    return sha256("".join(f"{file.name} {sha256(file)}\n" for file in files).encode())
