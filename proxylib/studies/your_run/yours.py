"""What the page shows of a history: yours where one is given, else a run of the lab."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd

from proxylib.errors import UserError
from proxylib.runs import store
from proxylib.runs.config import ROOT
from proxylib.runs.folder import MANIFEST
from proxylib.studies.your_run.monitor import monitor_file
from proxylib.studies.your_run.settings import Monitor, from_parameters

#: losses of the example -> column of the recorded table
LOSSES = {"prose_loss": "prose_bits_per_byte", "trace_loss": "bits_per_byte"}


class Shown(NamedTuple):
    """A watched run as a page shows it.

    Parameters
    ----------
    whose : which history it is, in words
    sentences, notes : what the command prints
    series : table of the command
    run : that the example is of
    """

    whose: str
    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    series: pd.DataFrame
    run: store.Run | None


def of(step: Any) -> Shown | None:
    """What the page shows: a history that the notebook was given, or the example; None where no run is recorded."""
    if "history" in step.parameters:
        return shown(from_parameters(step.parameters), "Your history")
    run = recorded()
    if run is None:
        return None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.csv"
        example(run.table("outcomes"), run.table("features")).to_csv(path, index=False)
        whose = f"A run of the lab (recorded reference run {run.run_id})"
        return shown(Monitor(history=path, out=Path(folder) / "out"), whose, run)


def shown(given: Monitor, whose: str, run: store.Run | None = None) -> Shown:
    """Watch a file as the command does, and take from its folder what a page shows."""
    finished = monitor_file(given)
    series = pd.read_parquet(finished.folder / "series.parquet")
    return Shown(whose, tuple(finished.facts["sentences"]), tuple(finished.facts["notes"]), series, run)


def recorded(results: Path = ROOT / "results") -> store.Run | None:
    """The first recorded trajectory of the reference run."""
    for path in sorted(results.glob(f"reference/trajectory/*/{MANIFEST}"))[:1]:
        try:
            run = store.read(path.parent)
            return run if {"outcomes", "features"} <= set(run.tables) else None
        except UserError:  # damaged
            return None
    return None


def example(outcomes: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """A trajectory as a table that a user might hold.

    Parameters
    ----------
    outcomes : columns tokens, task, correct
    features : columns tokens, task and those that `LOSSES` names
    """
    scores = outcomes.groupby(["task", "tokens"], sort=False)["correct"].agg(score="mean", items="size").reset_index()
    losses = features.groupby("tokens", as_index=False)[list(LOSSES.values())].mean()
    parts = [losses[["tokens"]].assign(task=name, score=losses[column], kind="loss") for name, column in LOSSES.items()]
    return pd.concat([scores.assign(kind="score"), *parts], ignore_index=True)
