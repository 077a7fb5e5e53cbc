"""Frames, figure and the one sentence of a forecast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from proxylib.report import plots, words
from proxylib.stats import Decision
from proxylib.studies.forecasting.backtest import LEAST_HORIZON
from proxylib.studies.forecasting.history import History
from proxylib.studies.forecasting.methods import PERSISTENCE
from proxylib.text import line

MOST_LINES = 6  # tasks that the figure draws: more have no room
MOST_METHODS = 10
MOST_NAMED = 3  # forecasts that the sentence holds


def sentence(history: History, forecasts: pd.DataFrame, table: pd.DataFrame, horizon: float, target: str) -> str:
    """The recommendation, and how wrong it was before, in points.

    Parameters
    ----------
    history : what was forecast
    forecasts : of `forecast.forecasts`, shares
    table : of `past.methods_table`; empty where the past could not be asked at all
    horizon : at which it was asked
    target : as it was given
    """
    rows = forecasts[forecasts["chosen"]]
    said = f"At {target}, {history.horizon:.3g} times as far as the data go, {_forecasts(rows)}"
    if table.empty:
        if history.horizon < LEAST_HORIZON:
            return f"{said} by taking the last score: the target is too near to ask about the past."
        return f'{said} by "{rows["method"].iloc[0]}", unchecked: the history is too short to ask about the past.'
    chosen = table[table["chosen"]].iloc[0]
    choice, last = (float(table.loc[table["method"] == name, "error"].iloc[0]) for name in ("the choice itself", PERSISTENCE))
    asked = f"{words.counted(chosen['tests'], 'forecast')} of {words.counted(chosen['pairs'], 'pair')} of run and task"
    past = f"asked the same of its past ({asked}, {horizon:.3g} times as far), this choice was wrong by {choice:.1f} points"
    if chosen["method"] == PERSISTENCE:
        return f"{said} by taking the last score, which no method beat; {past}."
    luck = "" if chosen["decision"] == Decision.LOWER else " (a difference that may be luck)"
    return f'{said} by "{chosen["method"]}"; {past}, and taking the last score by {last:.1f}{luck}.'


def _forecasts(rows: pd.DataFrame) -> str:
    """The forecasts themselves where they are few, else their mean, in points."""
    if len(rows) > MOST_NAMED:
        return f"the mean of {len(rows)} scores is {100 * rows['estimate'].mean():.1f} (now {100 * rows['last'].mean():.1f})"
    labels = [
        _label(*key) for key in zip(rows["task"], rows["run"] if len(set(rows["run"])) > 1 else [""] * len(rows), strict=True)
    ]
    scores = [
        words.with_interval(ends, 100) if np.isfinite(ends).all() else f"{100 * ends[0]:.1f}"
        for ends in rows[["estimate", "low", "high"]].to_numpy()
    ]
    said = zip(labels, scores, 100 * rows["last"], strict=True)
    return words.listed(f"{label} scores {score} (now {last:.1f})" for label, score, last in said)


def shown_tasks(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """(task, run) of the lines that a figure draws: spread evenly over today's scores, the best first."""
    order = rows.sort_values("last", ascending=False, kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, min(MOST_LINES, len(order))).round().astype(int))
    return list(order.iloc[places][["task", "run"]].itertuples(index=False, name=None))


def figure(history: History, forecasts: pd.DataFrame, table: pd.DataFrame, horizon: float) -> bytes:
    """What was measured, and beyond it the chosen forecasts; SVG. See `sentence`."""
    return plots.svg(drawn_forecast(history, forecasts, table, horizon))


def drawn_forecast(history: History, forecasts: pd.DataFrame, table: pd.DataFrame, horizon: float) -> Figure:
    """The same as a figure.

    Parameters
    ----------
    history, forecasts, table, horizon : see `sentence`
    """
    chosen = forecasts[forecasts["chosen"]]
    drawn = shown_tasks(chosen)
    several = len({run for _, run in drawn}) > 1
    labels = [_label(task, run if several else "") for task, run in drawn]
    points = pd.concat([_points(history, *key).assign(series=label) for key, label in zip(drawn, labels, strict=True)])
    ahead = chosen.set_index(["task", "run"]).loc[drawn].reset_index().assign(x=history.target.x, series=labels)
    canvas, (ax,) = plots.canvas(height=3.8, width=plots.NARROW)
    plots.forecast_lines(points, ahead, ax, label=history.axis)
    plots.finding(canvas, _title(table, horizon))
    return plots.legend_below(canvas, ax)


def errors_figure(table: pd.DataFrame, horizon: float) -> bytes:
    """How wrong methods were in the past, with intervals, the least wrong on top; SVG."""
    shown = _shown_methods(table)
    canvas, (ax,) = plots.canvas(height=1.4 + 0.28 * len(shown), width=plots.WIDE)
    plots.methods_errors(shown, ax)
    plots.finding(canvas, _title(table, horizon))
    return plots.svg(canvas)


def _title(table: pd.DataFrame, horizon: float) -> str:
    if table.empty:
        return "No earlier forecast of this history could be checked"
    error = lambda name: float(table.loc[table["method"] == name, "error"].iloc[0])
    best, last = table.loc[table["chosen"], "method"].iloc[0], error(PERSISTENCE)
    if best == PERSISTENCE:
        return f"{horizon:.3g} times ahead, nothing beat the last score, which was wrong by {last:.1f} points"
    return f"{horizon:.3g} times ahead, {best} was wrong by {error(best):.1f} points, the last score by {last:.1f}"


def _shown_methods(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[table["method"] != "the choice itself"]
    kept = rows["chosen"] | (rows["method"] == PERSISTENCE) | (np.arange(len(rows)) < MOST_METHODS)
    return rows[kept].assign(kind=np.where(rows[kept]["chosen"], "chosen", "beside it"))


def _points(history: History, task: str, run: str) -> pd.DataFrame:
    series = next(s for s in history.series if (s.task, s.run) == (task, run))
    points = series.ends
    return pd.DataFrame({"x": points.x, "score": 100 * points.score})


def _label(task: str, run: str) -> str:
    return line(f"{task}, {run}" if run else task)


def in_units(frame: pd.DataFrame, columns: Sequence[str], percent: bool) -> pd.DataFrame:
    """Shares as the user gave them."""
    return frame.assign(**{name: 100 * frame[name] for name in columns}) if percent else frame
