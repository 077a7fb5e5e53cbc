"""The methods of `proxylib forecast` run over published runs: how wrong each was, how far ahead, and whether intervals held.

Of the published data nothing enters a run but errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.forecasting import backtest, claimed, forecast, history, intervals, summaries
from proxylib.studies.forecasting.cases import DATADECIDE, FRESH, OLMO_LADDER, TUNING, Case, cases
from proxylib.studies.forecasting.choose import MEAN, choose, panel
from proxylib.studies.forecasting.defaults import DEFAULT, default
from proxylib.studies.forecasting.history import History
from proxylib.studies.forecasting.methods import COSTS, PERSISTENCE, Method, predict
from proxylib.studies.forecasting.pooling import Pool
from proxylib.studies.forecasting.settings import Forecast

LEVEL = 0.9  # of intervals, as the command's own
CHOICE = "our choice"
CONFORMAL = "our choice, split conformal"  # the same forecasts, with intervals from the history's own past alone
#: reasons that are no failure of a fit
STATED = ("", "scores at chance", "too few points", "constant scores")
DEAR = COSTS[
    "single"
]  # fits of a power: single steps, of which a backtest would take many minutes, are asked of the target alone
STEPPED = (OLMO_LADDER, DATADECIDE)  # sets of which they are asked, for time: those that they were made for
UNASKED = "the past cannot be asked"
COLUMNS = ["task", "method", "estimate", "low", "high", "fallback", "failed", "horizon"]


def forecasts(case: Case, folder: Path) -> pd.DataFrame:
    """What every method says of a case, its history read from a file as a user's would be.

    Parameters
    ----------
    case : one history with its target
    folder : for the file

    Returns
    -------
    pd.DataFrame
        task, method, estimate, low, high (shares; nan without an interval), fallback, failed, horizon. Methods are the basic
        ones, what is learnt from backtests, and `CHOICE`
    """
    path = folder / "history.parquet"
    case.history.to_parquet(path, index=False)
    try:
        known = history.load(Forecast(history=path, target=case.target, out=folder / "out", level=LEVEL))
    except UserError:  # fewer checkpoints than any law needs
        return _last_of(case)
    plan = forecast.planned(known)
    dear = [way for way in plan.methods if way.cost >= DEAR and case.data in STEPPED]
    plan = plan._replace(methods=tuple(way for way in plan.methods if way.cost < DEAR))
    beside = _said(known, [default(Pool(known)), *dear])
    if not plan.asked:
        rows = pd.concat([_said(known, plan.methods), beside], ignore_index=True)
        return _choosing(rows, DEFAULT)
    given = panel(backtest.replay(plan.methods, plan.asked))
    choice = choose(given)
    values, fallbacks, _ = forecast.said(known, plan, choice)
    rows, wide = (
        forecast.forecasts(known, plan, given, choice, values, LEVEL, reach)
        for reach in (intervals.multiple, intervals.conformal)
    )
    chosen = [rows[rows["chosen"]].assign(method=CHOICE), wide[wide["chosen"]].assign(method=CONFORMAL)]
    whole = pd.concat([rows, *chosen], ignore_index=True)
    whole["fallback"] = [fallbacks.get(key, "") for key in zip(whole["task"], whole["run"], whole["method"], strict=True)]
    whole["method"] = [_in_compute(name, known.axis) for name in whole["method"]]
    return pd.concat([whole.assign(failed=~whole["fallback"].isin(STATED))[COLUMNS], beside], ignore_index=True)


def _in_compute(name: str, axis: str) -> str:
    """One name for laws in tokens of a run and in compute of many."""
    return name.replace(f" in {axis}", " in compute")


def _last_of(case: Case) -> pd.DataFrame:
    """The last scores, where nothing can be fitted."""
    last = case.history.sort_values("tokens").groupby("task")[["score", "tokens"]].last()
    horizon = float(case.target.rpartition("=")[2]) / last["tokens"]
    rows = pd.DataFrame({"task": last.index, "estimate": last["score"].to_numpy(), "horizon": horizon.to_numpy()})
    rows = rows.assign(fallback="", failed=False, low=np.nan, high=np.nan)
    return _choosing(pd.concat([rows.assign(method=name) for name in (PERSISTENCE, DEFAULT)], ignore_index=True), PERSISTENCE)


def _said(known: History, ways: Sequence[Method]) -> pd.DataFrame:
    """What methods say, without intervals."""
    rows = []
    for series in known.open:
        for way in ways:
            said = predict(way, series, known.target)
            about = (series.task, _in_compute(way.name, known.axis), said.value, np.nan, np.nan, said.fallback, said.failed)
            rows.append((*about, known.target.x / series.x[-1]))
    return pd.DataFrame(rows, columns=COLUMNS)


def _choosing(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """One of the methods as the choice, where no forecast of the past can be checked."""
    chosen = [rows[rows["method"] == name].assign(method=other, fallback=UNASKED) for other in (CHOICE, MEAN)]
    return pd.concat([rows, *chosen], ignore_index=True)[COLUMNS]


def errors(given: Iterable[Case]) -> pd.DataFrame:
    """A row per case, task and method.

    Returns
    -------
    pd.DataFrame
        data, kind, known, run, cluster (see `Case`), task, method, horizon (times); error (forecast minus what came) and width
        (of the interval), in points; covered (nan without an interval); beyond (points by which what came lies outside);
        failed, fallback; score (what came, a share)
    """
    parts = []
    with TemporaryDirectory() as folder:
        for case in given:
            if case.history.empty:
                continue
            rows = forecasts(case, Path(folder))
            came = rows["task"].map(case.came)
            inside = (rows["low"] <= came) & (came <= rows["high"])
            beyond = 100 * np.maximum(rows["low"] - came, came - rows["high"])
            about = {name: getattr(case, name) for name in ("data", "kind", "known", "run", "cluster")}
            rows = rows.assign(**about, score=came, error=100 * (rows["estimate"] - came))
            width = 100 * (rows["high"] - rows["low"])
            parts.append(
                rows.assign(width=width, covered=inside.astype(float).where(width.notna()), beyond=beyond.clip(lower=0))
            )
    whole = pd.concat(parts, ignore_index=True)
    return whole[[*about, "task", "method", "horizon", "error", "width", "covered", "beyond", "failed", "fallback", "score"]]


def build(step: Any, workspace: Workspace) -> None:
    """Builder of the run.

    Parameters
    ----------
    step : its settings are a `Bootstrap`
    workspace : receives `ladder`, `quick`, `gadre` (known answers), `errors`, `summary`, `differences`, `coverage`,
        `horizons`, `conformal`, `widths`, `defaults`, `estimates`

    Raises
    ------
    UserError
        If a published set is not at hand, or the ladder's known answers do not come out.
    """
    bootstrap: Bootstrap = step.settings
    answers = claimed.known_answers()  # first: without these nothing else is worth reading
    every = errors(cases())
    rows = every[every["method"] != CONFORMAL]
    singles = sorted(name for name in set(rows["method"]) if name.startswith("single step"))
    compared = (CHOICE, MEAN, DEFAULT, *summaries.BASELINES[1:], *singles)
    differences = summaries.differences(rows, compared, bootstrap)
    differences["named"] = differences["method"].isin([CHOICE, MEAN])  # in advance; the others are exploratory
    differences["tuning"] = differences["data"].isin(TUNING)
    chosen = rows[rows["method"] == CHOICE]
    report = every[~every["data"].isin(TUNING)]
    report = report.assign(reach=summaries.reach(report), fresh=report["data"].isin(FRESH))
    report = report.sort_values(["fresh", "horizon"], kind="stable")
    tested, beside = (report[report["method"] == name] for name in (CHOICE, CONFORMAL))
    tables = {
        **answers,
        "errors": rows[rows["method"].isin([PERSISTENCE, *compared])].drop(columns="score").reset_index(drop=True),
        "summary": summaries.summary(rows, bootstrap),
        "differences": differences,
        "coverage": summaries.coverage(chosen, ["data", "kind", "known"], bootstrap.level),
        "horizons": summaries.coverage(tested, ["fresh", "reach"], bootstrap.level),
        "conformal": summaries.coverage(beside, ["fresh", "reach"], bootstrap.level),
        "widths": summaries.widths(tested, beside, ["fresh", "reach"], LEVEL, bootstrap),
        "defaults": summaries.defaults(report, CHOICE, UNASKED, bootstrap),
        "estimates": claimed.estimates(rows, answers, bootstrap),
    }
    for name, table in tables.items():
        workspace.write_table(name, table)
    workspace.note(
        level=bootstrap.level,
        draws=bootstrap.draws,
        intervals=LEVEL,
        forecasts=len(chosen),
        fits=int((~rows["method"].isin([PERSISTENCE, CHOICE, MEAN, DEFAULT])).sum()),
        failed=int(rows["failed"].sum()),
        contrasts=summaries.chance(differences[differences["named"] & ~differences["tuning"]], bootstrap.level),
    )
