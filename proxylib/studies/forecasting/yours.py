"""What the page shows of a history: yours where one is given, else a run of the lab, from its recorded first quarter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd

from proxylib.errors import UserError
from proxylib.runs import store
from proxylib.runs.config import ROOT
from proxylib.runs.folder import MANIFEST
from proxylib.studies.forecasting import history
from proxylib.studies.forecasting.forecast import forecast_file, planned
from proxylib.studies.forecasting.history import History
from proxylib.studies.forecasting.settings import Forecast, from_parameters

SHARE = 1 / 4  # of the example's tokens that are known
#: signal of the example -> column of the recorded table
SIGNALS = {"prose_bits_per_byte": "prose_bits_per_byte", "trace_bits_per_byte": "bits_per_byte"}


class Shown(NamedTuple):
    """A forecast as a page shows it.

    whose : which history it is, in words
    sentence, notes : what the command prints
    known : the history
    forecasts, methods : tables of the command
    horizon : at which the past was asked
    came : task -> what the run scored at the target, as a share; empty where that is to come
    run : that the example is of
    """

    whose: str
    sentence: str
    notes: tuple[str, ...]
    known: History
    forecasts: pd.DataFrame
    methods: pd.DataFrame
    horizon: float
    came: Mapping[str, float]
    run: store.Run | None


class Example(NamedTuple):
    """A recorded run of the lab, as a user's file.

    rows : columns task, tokens, score and the signals, up to a share of the run
    target : the run's end
    came : task -> score there
    run : the recorded run
    """

    rows: pd.DataFrame
    target: str
    came: Mapping[str, float]
    run: store.Run


def of(step: Any) -> Shown | None:
    """What the page shows: a history that the notebook was given, or the example; None where no run is recorded.

    Parameters
    ----------
    step : a declared page
    """
    if "history" in step.parameters:
        return shown(from_parameters(step.parameters), "Your history", {})
    example = recorded()
    if example is None:
        return None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.csv"
        example.rows.to_csv(path, index=False)
        given = Forecast(history=path, target=example.target, out=Path(folder) / "out")
        whose = f"A run of the lab (recorded reference run {example.run.run_id}), its first quarter known"
        return shown(given, whose, example.came, example.run)


def shown(given: Forecast, whose: str, came: Mapping[str, float], run: store.Run | None = None) -> Shown:
    """Forecast a file as the command does, and take from its folder what a page shows."""
    finished = forecast_file(given)
    tables = {name: pd.read_parquet(finished.folder / f"{name}.parquet") for name in ("forecasts", "methods")}
    known = history.load(given)
    said = finished.facts["sentence"], tuple(finished.facts["notes"])
    return Shown(whose, *said, known, tables["forecasts"], tables["methods"], planned(known).horizon, came, run)


def recorded(results: Path = ROOT / "results") -> Example | None:
    """The first recorded trajectory of the reference run, as a file of its first quarter."""
    for path in sorted(results.glob(f"reference/trajectory/*/{MANIFEST}"))[:1]:
        try:
            run = store.read(path.parent)
            return example(run.table("outcomes"), run.table("features"), run)
        except UserError:  # damaged, or recorded without this table
            return None
    return None


def example(outcomes: pd.DataFrame, features: pd.DataFrame, run: store.Run) -> Example:
    """A trajectory as a table that a user might hold.

    Parameters
    ----------
    outcomes : columns tokens, task, correct
    features : columns tokens, task and those that `SIGNALS` names
    run : that they are of
    """
    scores = outcomes.groupby(["task", "tokens"], sort=False)["correct"].agg(score="mean", items="size").reset_index()
    signals = features.rename(columns={column: name for name, column in SIGNALS.items()})[["task", "tokens", *SIGNALS]]
    rows = scores.merge(signals, on=["task", "tokens"], validate="1:1")
    end = rows["tokens"].max()
    came = rows[rows["tokens"] == end].set_index("task")["score"].to_dict()
    return Example(rows[rows["tokens"] <= SHARE * end].reset_index(drop=True), f"tokens={end}", came, run)
