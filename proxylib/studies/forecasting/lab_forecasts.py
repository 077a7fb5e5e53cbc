"""Forecasts in the lab: from the first part of watched runs, what do proxies, losses and compute foretell?

Question, pairs, windows, methods and claims were fixed before any error was computed (experiment log, 2026-11-26).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from proxylib.laws import batches
from proxylib.measure import proxies
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, Interval
from proxylib.studies.forecasting import lab_claims, lab_curves
from proxylib.studies.forecasting.lab_claims import (
    AFTER,
    ALL,
    BEFORE,
    CLAIM_COLUMNS,
    OFF,
    PROSE_METHOD,
    WINDOWS,
    Draws,
    mean_of_runs,
)
from proxylib.studies.forecasting.lab_methods import (
    CHOICES,
    EIGHTY,
    NAMED,
    OWN,
    Forecasts,
    chosen,
    columns,
    extended,
    forecasts,
    held_in,
    methods,
    oracle,
    strangers,
)
from proxylib.studies.forecasting.lab_runs import CLAIMED, PROSE, SIGNALS, Watched, levels_off, watched
from proxylib.studies.forecasting.settings import LabSettings

REPEATS = 20  # of the oracle's null


def errors_of(runs: Sequence[Watched], seen: Forecasts, draws: dict[str, Draws]) -> pd.DataFrame:
    """How wrong every method is, over the pairs off the floor and over all.

    Returns
    -------
    columns times, over, method, map, estimate, low, high (root mean squared error, share), failed (pairs), n (pairs), runs,
    luck (see `lab_claims.luck`)
    """
    rows = []
    lucks = {over: lab_claims.luck(runs, drawn.pairs) for over, drawn in draws.items()}
    for (method, way), (values, failed) in methods(seen).items():
        for over, drawn in draws.items():
            ends = drawn.interval(drawn.root(values - seen.target), logs=True)
            counts = int(failed[drawn.pairs].sum()), int(drawn.pairs.sum()), len(drawn.runs)
            rows.append((seen.times, over, method, way, *ends, *counts, lucks[over]))
    names = ["times", "over", "method", "map", "estimate", "low", "high", "failed", "n", "runs", "luck"]
    return pd.DataFrame(rows, columns=names)


def eighty_of(seen: Forecasts, pairs: np.ndarray) -> pd.DataFrame:
    """Root mean squared error of each of the eighty by each map of the run's own, and how many pairs hold it in."""
    values, _ = columns(seen, proxies.NAMES, OWN)
    taken = chosen(seen, proxies.NAMES, OWN)[2]
    squares = (values - seen.target[..., None]) ** 2
    error = np.sqrt(squares[pairs].mean(0)) if pairs.any() else np.full(squares.shape[-1], np.nan)
    counts = np.bincount(taken[pairs], minlength=len(error))
    names = [(name, way) for name in proxies.NAMES for way in OWN]
    frame = pd.DataFrame(names, columns=["proxy", "map"])
    return frame.assign(times=seen.times, error=error, held_in=counts)


def courses(runs: Sequence[Watched], seen: Forecasts) -> pd.DataFrame:
    """Two pairs drawn out: the one with the median error of the proxy held in, and the one with the largest.

    Of those off the floor, or of all where there are none; what has no forecast is drawn only where nothing has one.

    Returns
    -------
    columns which ("typical", "worst"), run, task, share (of the run's steps), window (whether within it), series ("accuracy"
    or a method), value
    """
    values, failed, taken = chosen(seen, proxies.NAMES, OWN)
    usable = next(pairs for pairs in (seen.off & ~failed, ~failed, np.ones_like(failed)) if pairs.any())
    errors = np.where(usable, np.abs(values - seen.target), np.nan)
    order = np.argsort(errors.ravel(), kind="stable")[: np.isfinite(errors).sum()]
    pairs = {"typical": order[(len(order) - 1) // 2], "worst": order[-1]}
    maps = held_in((columns(seen, (PROSE,), OWN)[0] - seen.target[..., None]) ** 2, seen.off)
    frames = []
    for which, flat in pairs.items():
        r, k = np.unravel_index(flat, errors.shape)
        run, at = runs[r], runs[r].steps[runs[r].steps > 0]
        window = run.window(seen.times)
        lines = {"accuracy": run.accuracy[k][run.steps > 0]}
        curves = extended(run, seen.times, at)[k]
        for method, signal, way in (
            (EIGHTY, SIGNALS.index(proxies.NAMES[taken[r, k] // len(OWN)]), OWN[taken[r, k] % len(OWN)]),
            (PROSE_METHOD, SIGNALS.index(PROSE), OWN[maps[r, k]]),
        ):
            if len(window):
                x, y = (np.tile(part, (len(at), 1)) for part in (run.signals[k, signal, window], run.accuracy[k, window]))
                law = {"line": batches.lines, "sigmoid": batches.sigmoids}[way]
                lines[method] = law(x, y, curves[signal]).clip(0, 1)
        head = {"which": which, "run": run.name, "task": run.tasks[k], "share": at / at[-1]}
        head["window"] = at <= at[-1] / seen.times
        frames += [pd.DataFrame(head | {"series": name, "value": value}) for name, value in lines.items()]
    return pd.concat(frames, ignore_index=True).dropna()


def of_window(runs: Sequence[Watched], seen: Forecasts, bootstrap: Bootstrap) -> dict[str, pd.DataFrame]:
    """Tables of one window.

    Returns
    -------
    errors, eighty; null (columns times, oracle, and mean, low, high of its null; 90 % of draws); contrasts (columns times and
    those of `lab_claims.contrasts`)
    """
    draws = {OFF: Draws(seen.off, bootstrap), ALL: Draws(np.ones_like(seen.off), bootstrap)}
    nulls = []
    if seen.off.any() and len(runs) > 1:
        drawn = strangers(runs, seen.times, seen.off, REPEATS, bootstrap.seed)
        nulls.append((seen.times, oracle(seen, seen.off), drawn.mean(), *np.quantile(drawn, [0.05, 0.95])))
    return {
        "errors": errors_of(runs, seen, draws),
        "eighty": eighty_of(seen, seen.off),
        "contrasts": lab_claims.contrasts(seen, draws[OFF], draws[ALL]).assign(times=seen.times),
        "null": pd.DataFrame(nulls, columns=["times", "oracle", "mean", "low", "high"], dtype=float),
    }


def phase(runs: Sequence[Watched], bootstrap: Bootstrap) -> dict[str, pd.DataFrame]:
    """Everything of runs that are watched in one phase.

    Returns
    -------
    tables of `of_window`, and: clean (of each proxy the share of clean series, median left-out errors), moved, ranks and
    extension (see lab_claims), courses, claims
    """
    windows = [forecasts(runs, times) for times in WINDOWS]
    tables = [of_window(runs, seen, bootstrap) for seen in windows]
    first, level = windows[0], bootstrap.level
    series, moved = lab_curves.clean(runs), lab_curves.earliest(runs)
    off, whole = (Draws(pairs, bootstrap) for pairs in (first.off, np.ones_like(first.off)))
    extension = lab_claims.loss_and_tasks(runs, first, whole)
    paper = series[series["proxy"].isin([NAMED, *CHOICES["top-5, frequency"]])]
    clean = [part.groupby("run", sort=False)["clean"].mean() for part in (paper, series)]
    claims = {
        "half-error": (lab_claims.ratio_to_better(first, off), 1.0, len(off.runs)),
        "persistence": (lab_claims.over_last(first, off), 0.0, len(off.runs)),
        "loss-smooth": (extension["difference"], 0.0, len(runs)),
        "early": (mean_of_runs(1 - first.off.mean(1), level), 0.5, len(runs)),
        "power-laws": (mean_of_runs(clean[0], level), 0.5, len(runs)),
        "eighty-clean": (mean_of_runs(clean[1], level), 0.5, len(runs)),
    }
    summary = {"clean": ("clean", "mean"), "law": ("law", "median"), "spline": ("spline", "median")}
    return {name: pd.concat([part[name] for part in tables], ignore_index=True) for name in tables[0]} | {
        "clean": series.groupby("proxy", sort=False).agg(**summary).reset_index(),
        "moved": lab_claims.first_moved(moved, level),
        "ranks": lab_claims.early_ranks(runs, level),
        "extension": pd.DataFrame([(name, *ends) for name, ends in extension.items()], columns=["of", *Interval._fields]),
        "courses": courses(runs, first),
        "claims": pd.DataFrame([(name, *ends, null, n) for name, (ends, null, n) in claims.items()], columns=CLAIM_COLUMNS),
    }


def build(step, workspace: Workspace) -> None:
    """What the lab's watched runs foretell of themselves.

    Parameters
    ----------
    step : a declared `lab_forecasts` step; its parents are the material and trajectories, by the names of their models
    workspace : receives the tables of `phase`, with a column phase; `levels` (see `lab_runs.levels_off`); and estimates
    """
    settings: LabSettings = step.settings
    answers = step.parent("material").table("traces").set_index(["task", "id"])["answer"]
    tables: dict[str, pd.DataFrame] = {}
    levels = []
    for name, models in ((BEFORE, settings.runs), (AFTER, settings.post)):
        read = {model: _tables(step.parent(model)) for model in models}
        if not read:
            continue
        runs = [watched(model, part, answers, settings.counted) for model, part in read.items()]
        for table, frame in phase(runs, settings.bootstrap).items():
            frame.insert(0, "phase", name)
            tables[table] = pd.concat([tables.get(table, frame.head(0)), frame], ignore_index=True)
        by_level = [levels_off(model, part, answers, settings.counted, CLAIMED) for model, part in read.items()]
        levels.append(pd.concat(by_level, ignore_index=True).assign(phase=name))
    for table, frame in tables.items():
        if table != "claims":
            workspace.write_table(table, frame)
    workspace.write_table("levels", pd.concat(levels, ignore_index=True))
    workspace.write_table("estimates", lab_claims.estimates(tables["claims"], settings.bootstrap.level))


def _tables(run) -> Mapping[str, pd.DataFrame]:
    return {name: run.table(name) for name in ("features", "outcomes", "problems")}
