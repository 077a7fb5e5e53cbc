"""`proxylib forecast`: a history and a target in; forecasts, the backtests that chose among them, and a figure out.

The folder is a work folder (see `runs.folder`). It holds `forecasts` (a row per task, run and method), `backtest` (a row per
forecast of the past and method) and `methods` (a row per method), each as CSV and as Parquet, `forecast.svg`, and `errors.svg`
where the past could be asked. The facts of its manifest hold the sentence that is printed, the exit code, and what was read in
a way that ought to be known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.runs.files import parquet_bytes, sha256
from proxylib.runs.folder import Finished, Folder, Workspace
from proxylib.studies.forecasting import backtest, history, intervals, past, report
from proxylib.studies.forecasting.choose import MEDIAN, Choice, Panel, choose, panel
from proxylib.studies.forecasting.defaults import default
from proxylib.studies.forecasting.history import LEAST, History
from proxylib.studies.forecasting.methods import PERSISTENCE, Method, last_score, methods, predict
from proxylib.studies.forecasting.pooling import Pool
from proxylib.studies.forecasting.series import MOST_POINTS
from proxylib.studies.forecasting.settings import Forecast

MOST_WORK = 18_000.0  # fits of a power, in the forecasts themselves: what so many series take is left out, dear methods first
DIFFERENT = 1.1  # times: horizons that differ by more are not called the same
VERSION = 3  # of what is computed: another one is another request
REPLAYED, FIGURE, ERRORS = "replayed.parquet", "forecast.svg", "errors.svg"
TABLES = ("forecasts", "backtest", "methods")
PARTS = (REPLAYED, FIGURE, ERRORS, *(f"{name}.{kind}" for name in TABLES for kind in ("csv", "parquet")))
SCORES = {"forecasts": ("estimate", "low", "high", "last"), "backtest": ("estimate", "score", "last"), "methods": ()}


class Plan(NamedTuple):
    """What is tried on a history.

    Parameters
    ----------
    methods : basic ones
    asked : forecasts of the past
    horizon : ratio at which these look ahead; 0 where there are none
    notes : what ought to be known
    """

    methods: tuple[Method, ...]
    asked: list[backtest.Test]
    horizon: float
    notes: tuple[str, ...]


def forecast_file(given: Forecast) -> Finished:
    """Forecast a history by name, into a folder; what is finished there is taken from there.

    Raises
    ------
    UserError
        Before anything is written, where history or target are wrong; or if the folder belongs to other work.
    """
    known = history.load(given)
    request = {
        "command": "forecast",
        "version": VERSION,
        "history": sha256(given.history),
        "target": given.target,
        "fields": given.fields,
        "signals": list(given.signals),
        "percent": given.percent,
        "level": given.level,
    }
    return Folder(given.out, request, PARTS).make(lambda workspace: build(known, given, workspace))


def build(known: History, given: Forecast, workspace: Workspace) -> None:
    """Replay the past, choose, forecast, and write all of it."""
    plan = planned(known)
    if not workspace.holds(REPLAYED):
        workspace.write(REPLAYED, parquet_bytes(backtest.replay(plan.methods, plan.asked)))
    replayed = pd.read_parquet(workspace.path(REPLAYED))
    if replayed.empty:
        tables = {"forecasts": without_past(known), "backtest": replayed, "methods": pd.DataFrame()}
    else:
        tables = tables_of(known, plan, replayed, given.level)
    frame = tables["forecasts"]
    for name, table in tables.items():
        shown = report.in_units(table, SCORES[name] if len(table) else (), given.percent)
        workspace.write(f"{name}.csv", shown.to_csv(index=False).encode())
        workspace.write(f"{name}.parquet", parquet_bytes(shown))
    workspace.write(FIGURE, report.figure(known, frame, tables["methods"], plan.horizon))
    if len(tables["methods"]):
        workspace.write(ERRORS, report.errors_figure(tables["methods"], plan.horizon))
    short = not plan.asked or plan.horizon < known.horizon * (1 - 1e-6)
    notes = [*plan.notes, *([_too_short(known, plan)] if short else [])]
    sentence = report.sentence(known, frame, tables["methods"], plan.horizon, given.target)
    workspace.note(sentence=sentence, notes=notes, code=4 if short else 0)


def planned(known: History) -> Plan:
    """Methods that apply, and the forecasts of the past that they are asked for."""
    horizon = backtest.reach(known)
    if horizon < backtest.LEAST_HORIZON:
        return Plan(methods(known, known.signals), [], 0.0, known.notes)
    signals = backtest.screened(known, horizon)
    ways = _affordable(known, methods(known, signals))
    asked = backtest.tests(known, horizon, _cost(ways))
    return Plan(ways, asked, horizon, (*known.notes, *_left_out(known, signals, ways, asked)))


def _cost(ways: Sequence[Method]) -> float:
    return sum(way.cost for way in ways)


def _affordable(known: History, ways: Sequence[Method]) -> tuple[Method, ...]:
    """All methods, or of so many series the quick ones: a mean of all is asked of every series."""
    costs = np.array([way.cost for way in ways])
    order = np.argsort(costs, kind="stable")
    kept = order[np.cumsum(costs[order]) * len(known.open) <= MOST_WORK]
    return tuple(way for place, way in enumerate(ways) if place in kept)


def _left_out(known: History, signals: Sequence[str], ways: Sequence[Method], asked: Sequence[backtest.Test]) -> Iterator[str]:
    """What is not tried or not used, in sentences."""
    if len(signals) < len(known.signals):
        yield (
            f"of {len(known.signals)} signals, the {len(signals)} are forecast one by one that go best with scores before any "
            f"backtest: "
            f"{', '.join(signals)}; --signals names others"
        )
    if known.horizon > DIFFERENT * min(known.target.x / s.x[-1] for s in known.open):
        yield "series end at different places: the past of all is asked as far ahead as the furthest needs"
    if max(len(s) for s in known.series) > MOST_POINTS:
        yield f"of more than {MOST_POINTS} checkpoints of a series, laws are fitted to so many, spaced by equal ratios"
    tried = len({(test.known.task, test.known.run) for test in asked})
    if tried < len(known.series) and len(known.series) > backtest.room_for(_cost(ways)):
        yield f"of {len(known.series)} series, {tried}, evenly spread, are asked about their past"
    if len(ways) < len(every := methods(known, tuple(signals))):
        yield f"{len(known.open)} series: of {len(every)} methods the {len(ways)} quickest are tried"
    if _many(known, ways):
        yield f"{len(known.open)} series: only what the choice needs is forecast of each"


def _many(known: History, ways: Sequence[Method]) -> bool:
    return len(known.open) * _cost(ways) > backtest.BUDGET


def _too_short(known: History, plan: Plan) -> str:
    if known.horizon < backtest.LEAST_HORIZON:
        return (
            f"the target is {known.horizon:.3g} times as far as the data, so near that the last score stands for it, without "
            f"an interval; ask for {backtest.LEAST_HORIZON:g} times as far, or more"
        )
    reach = f"only {plan.horizon:.3g} times as far" if plan.asked else "at no distance"
    first = max((known.target.x / known.horizon) / known.horizon, 0)
    return (
        f"the past can be asked {reach}, the target is {known.horizon:.3g} times as far: there is no interval; {LEAST} "
        f"{'runs' if known.across else 'checkpoints'} up to {first:.3g} ({known.axis}) would give one"
    )


def tables_of(known: History, plan: Plan, replayed: pd.DataFrame, level: float) -> dict[str, pd.DataFrame]:
    """Forecasts, backtests and methods of a history whose past was asked."""
    given = panel(replayed)
    choice = choose(given)
    made, fallbacks, failures = said(known, plan, choice)
    frame = forecasts(known, plan, given, choice, made, level).assign(
        fallback=lambda rows: [fallbacks.get(key, "") for key in zip(rows["task"], rows["run"], rows["method"], strict=True)]
    )
    fits = replayed.groupby("method")["failed"].agg(fits="size", fits_failed="sum").add(failures, fill_value=0)
    table = past.methods_table(given, choice, fits.astype(int).rename_axis("method").reset_index())
    return {"forecasts": frame, "backtest": _backtest(replayed, choice), "methods": table}


def _backtest(replayed: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """All methods in all tests, what is learnt from others' included."""
    tests = replayed.drop_duplicates("tested").sort_values("tested", kind="stable")
    keys = tests[["task", "run", "tested", "horizon", "x", "score", "last"]]
    parts = [keys.assign(method=name, estimate=choice.values[:, place]) for place, name in enumerate(choice.names)]
    parts.append(keys.assign(method="the choice itself", estimate=choice.honest))
    whole = pd.concat(parts, ignore_index=True)
    return whole.merge(replayed[["tested", "method", "failed", "fallback"]], on=["tested", "method"], how="left").fillna(
        {"failed": False, "fallback": ""}
    )


def said(known: History, plan: Plan, choice: Choice) -> tuple[np.ndarray, dict, pd.DataFrame]:
    """[series, m] what basic methods say of the target; where they fell back, and how often they failed.

    Where there are more series than there is time for, methods that the choice does not need are not asked: nan.
    """
    needed = _needed(plan.methods, choice) if _many(known, plan.methods) else set(range(len(plan.methods)))
    values, fallbacks = np.full((len(known.open), len(plan.methods)), np.nan), {}
    fits = pd.DataFrame(0, index=[way.name for way in plan.methods], columns=["fits", "fits_failed"])
    for row, series in enumerate(known.open):
        for column in sorted(needed):
            way = plan.methods[column]
            answer = predict(way, series, known.target)
            values[row, column] = answer.value
            fits.loc[way.name] += (1, int(answer.failed))
            if answer.fallback:
                fallbacks[series.task, series.run, way.name] = answer.fallback
    return values, fallbacks, fits


def _needed(ways: Sequence[Method], choice: Choice) -> set[int]:
    """Columns of basic methods that the chosen one is made of."""
    place = choice.names.index(choice.chosen)
    if place < len(ways):
        return {0, place}
    if place < 2 * len(ways) - 1:
        return {0, place - len(ways) + 1}
    if choice.chosen == MEDIAN:
        return set(range(len(ways)))
    return {0, *map(int, np.flatnonzero(choice.learnt.mean))}


def forecasts(
    known: History,
    plan: Plan,
    given: Panel,
    choice: Choice,
    values: np.ndarray,
    level: float,
    reach: Callable[[pd.DataFrame, float, float], float] = intervals.multiple,
) -> pd.DataFrame:
    """A row per series and method; `reach` says how far intervals go.

    Returns
    -------
    pd.DataFrame
        task, run, method, estimate, low, high, chosen; last (today's score) and at (where on the axis), horizon; shares. Ends
        are nan where the past could not be asked as far ahead. The interval of the chosen one is that of choosing.
    """
    last = np.array([last_score(series) for series in known.open])
    left_out = np.isnan(values)
    every = choice.learnt.applied(np.where(left_out, last[:, None], values), last)
    mixed = [~(left_out & (choice.learnt.mean > 0)).any(axis=1), ~left_out.any(axis=1)]
    asked = np.column_stack([~left_out, ~left_out[:, 1:], *mixed])
    horizons = np.array([known.target.x / series.x[-1] for series in known.open])
    doubts = np.array([series.doubt(h) for series, h in zip(known.open, horizons, strict=True)])
    noise = np.array([float(series.spread[-1]) for series in known.open])
    tests = pd.DataFrame({"pair": given.pairs, "x": [test.target.x for test in plan.asked]})
    whole = plan.horizon >= known.horizon * (1 - 1e-6)
    about = {"task": [s.task for s in known.open], "run": [s.run for s in known.open]}
    rows = []
    for place, name in enumerate(choice.names):
        chosen = name == choice.chosen
        errors = np.abs((choice.honest if chosen else choice.values[:, place]) - given.score) / intervals.unit(given.doubt)
        units = reach(tests.assign(error=errors), level, plan.horizon) if whole else np.nan
        low, high = intervals.ends(every[:, place], doubts, units, noise, level)
        part = pd.DataFrame(about).assign(method=name, estimate=every[:, place], low=low, high=high, chosen=chosen, last=last)
        rows.append(part.assign(at=[s.x[-1] for s in known.open], horizon=horizons)[asked[:, place]])
    order = {key: number for number, key in enumerate(zip(about["task"], about["run"], strict=True))}
    whole_frame = pd.concat(rows, ignore_index=True)
    keys = [order[key] for key in zip(whole_frame["task"], whole_frame["run"], strict=True)]
    return whole_frame.iloc[np.argsort(keys, kind="stable")].reset_index(drop=True)


def without_past(known: History) -> pd.DataFrame:
    """Where the past cannot be asked: the last score, and the default that is recommended, unless the target is near.

    Returns
    -------
    pd.DataFrame
        As `forecasts`, without intervals.
    """
    last = Method(PERSISTENCE, lambda series, target: last_score(series), 0.0)
    ways = [last] if known.horizon < backtest.LEAST_HORIZON else [last, default(Pool(known))]
    rows = []
    for series in known.open:
        now, place = last_score(series), float(series.x[-1])
        for way in ways:
            answer = predict(way, series, known.target)
            about = (series.task, series.run, way.name, answer.value, np.nan, np.nan, way is ways[-1], now, place)
            rows.append((*about, known.target.x / place, answer.fallback))
    columns = ["task", "run", "method", "estimate", "low", "high", "chosen", "last", "at", "horizon", "fallback"]
    return pd.DataFrame(rows, columns=columns)
