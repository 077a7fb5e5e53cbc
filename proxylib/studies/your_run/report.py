"""Sentences, tables, figures and the page of a run that is watched."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from proxylib.alarms import regression, table
from proxylib.alarms.choice import Choice
from proxylib.data.histories.measured import LOSS, Measured
from proxylib.report import document, plots, words
from proxylib.studies.your_run.watch import Watched
from proxylib.text import escape, line

MOST_SAID = 20  # alarms on a terminal: the page and the table hold all
MOST_PANELS = 12
MOST_POINTS = 1000  # of a line in a figure: more are finer than its ink
#: alarm -> what happened to the series; change with its interval is put in
SAID = {
    "spike": "jumped by {change}, above all that came lately",
    "overfit": "has risen by {change} while training goes on",
    "cannibalised": "has risen by {change} while the other losses fell",
    "plateau": "has stalled while the other losses fell",
    "regression": "fell by {change}",
    "regression of a loss": "rose by {change}, and no loss fell meanwhile",
    "stale": "repeats to the last digit",
    "missing": "is missing",
}


def place(at: float) -> str:
    """A place on the axis: 6,000, 1.4e+12, 0.25."""
    return f"{at:,.0f}" if float(at).is_integer() and abs(at) < 1e7 else f"{at:.4g}"


def _change(alarm: tuple) -> str:
    """How far, with its interval, always above 0; scores in points."""
    scale = 100 if alarm.kind == "score" and abs(alarm.change) <= 1 else 1
    low, high = sorted(abs(end) if np.sign(end) == np.sign(alarm.change) else 0.0 for end in (alarm.low, alarm.high))
    unit = " points" if scale == 100 else ""
    return f"{words.with_interval((abs(alarm.change), low, high), scale)}{unit}"


def sentence(alarm: tuple, axis: str, runs: bool) -> str:
    """One alarm in words."""
    who = f"{line(alarm.task)}{f' of run {line(alarm.run)}' if runs else ''}"
    rose = alarm.alarm == "regression" and alarm.kind == LOSS
    what = SAID["regression of a loss" if rose else alarm.alarm].format(change=_change(alarm))
    begun = f", since {place(alarm.since)}" if alarm.since < alarm.at else ""
    p = f", {words.p_value(alarm.p)}" if np.isfinite(alarm.p) else ""
    return f"{alarm.alarm}: {who} {what} ({axis} {place(alarm.at)}{begun}{p}{'' if alarm.stands else '; over since'})"


def sentences(known: Measured, watched: Watched) -> list[str]:
    """What a terminal shows: an alarm a line, those that stand first, then the checkpoint to take."""
    alarms = _alarms(known, watched)
    lines = [text for text, _ in alarms[:MOST_SAID]]
    if len(alarms) > MOST_SAID:
        lines.append(f"{len(alarms) - MOST_SAID} more alarms are in the table")
    if not alarms:
        lines.append(_silent(watched))
    elif not any(stands for _, stands in alarms):
        lines.append("no alarm stands at the end of the history")
    return [*lines, *_chosen(known, watched).values()]


def _alarms(known: Measured, watched: Watched) -> list[tuple[str, bool]]:
    """Every alarm in words and whether it stands, those that stand first."""
    alarms = watched.alarms.sort_values("stands", ascending=False, kind="stable")
    runs = len(watched.choices) > 1
    return [(sentence(alarm, known.axis, runs), bool(alarm.stands)) for alarm in alarms.itertuples()]


def _chosen(known: Measured, watched: Watched) -> dict[str, str]:
    """run -> which checkpoint of it to take, in words."""
    return {run: choice_sentence(choice, run, known, watched) for run, choice in watched.choices.items()}


def _before_a_fall(choice: Choice, run: str, watched: Watched, axis: str) -> str:
    """A doubt more: the checkpoint to take comes after a fall that stands, and the best by score before it."""
    alarms = watched.alarms
    falls = alarms[(alarms["run"] == run) & (alarms["alarm"] == regression.NAME) & alarms["stands"]]["at"]
    if not len(falls) or not choice.at < falls.min() <= choice.advice:
        return ""
    return f", but a fall stands since {axis} {place(falls.min())}: look at {axis} {place(choice.at)} first, the best before it"


def _silent(watched: Watched) -> str:
    number = int(watched.series["watched"].sum())
    if not number:
        return "cannot tell: every series has too few checkpoints for a test"
    left = len(watched.series) - number
    few = f" ({left} more {'has' if left == 1 else 'have'} too few checkpoints)" if left else ""
    return f"no alarm in {words.counted(number, 'series').replace('seriess', 'series')}{few}"


def choice_sentence(choice: Choice | str, run: str, known: Measured, watched: Watched) -> str:
    """Which checkpoint to take, and how sure that is."""
    axis, of = known.axis, f" of run {line(run)}" if len(watched.choices) > 1 else ""
    if isinstance(choice, str):
        return f"no checkpoint{of} is chosen: {choice}"
    tied = len(choice.tied)
    doubt = f"{tied} of the last {len(choice.table)} cannot be told from the best" if tied > 1 else "the best beyond doubt"
    return f"take {axis} {place(choice.advice)}{of}: {doubt}{_before_a_fall(choice, run, watched, axis)}"


def plan(known: Measured, watched: Watched) -> Iterator[str]:
    """What would be watched."""
    for run, part in watched.series.groupby("run", sort=False):
        for kind, rows in part.groupby("kind", sort=False):
            names = [line(name) for name in rows["task"]]
            shown = words.listed(names) if len(names) <= 6 else f"{', '.join(names[:5])} and {len(names) - 5} more"
            ends = f"{known.axis} {place(rows['first'].min())} to {place(rows['last'].max())}"
            short = int((~rows["watched"]).sum())
            few = f"; {short} with too few checkpoints for a test" if short else ""
            yield f"run {line(run)}: {len(names)} {'losses' if kind == LOSS else 'scores'} ({shown}), {ends}{few}"


def choices(watched: Watched) -> pd.DataFrame:
    """A row per run and checkpoint among which was chosen."""
    parts = [
        choice.table.assign(taken=choice.table["at"] == choice.advice, run=run)
        for run, choice in watched.choices.items()
        if not isinstance(choice, str)
    ]
    columns = ["run", "at", "score", "stderr", "shrunk", "behind", "low", "high", "apart", "chosen", "last", "taken"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


VERDICTS = {0: "No alarm stands.", 3: "An alarm stands.", 4: "The data cannot tell, or an evaluation is missing."}


def page(known: Measured, watched: Watched, name: str) -> bytes:
    """The page: HTML that asks no other host for anything; text of strangers is escaped."""
    alarms = _alarms(known, watched)
    lines = [f'<li class="{"stands" if stands else "over"}">{escape(text)}</li>' for text, stands in alarms]
    silent = f"<p>{escape(_silent(watched))}</p>" if not lines else ""
    taken = "".join(
        f"<p>{escape(text)}</p>{_choice_figure(watched.choices[run], known)}" for run, text in _chosen(known, watched).items()
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in known.notes)
    body = [
        f"<h1>The run in {escape(line(name))}</h1>",
        f'<p class="verdict">{VERDICTS[watched.code]}</p>{silent}',
        f"<ul>{''.join(lines)}</ul>" if lines else "",
        "".join(_panels(known, watched)),
        f"<h2>Which checkpoint to take</h2>{taken}",
        f"<h2>What was watched</h2>{document.table(_series_table(watched, known.axis))}",
        f"<h2>How it was read</h2><ul>{notes}</ul>" if notes else "",
    ]
    return document.whole(f"{line(name)}: monitor", "".join(body))


def comparison_page(made: pd.DataFrame, said: list[str], code: int) -> bytes:
    """The page of two models, item by item."""
    lines = "".join(f"<li>{escape(sentence)}</li>" for sentence in said)
    shown = made.drop(columns=["p_alone"]).map(lambda value: f"{value:.4g}" if isinstance(value, float) else value)
    verdict = {0: "No metric became worse.", 3: "A metric became worse.", 4: VERDICTS[4]}[code]
    body = f'<h1>Item by item</h1><p class="verdict">{verdict}</p><ul>{lines}</ul>{document.table(shown)}'
    return document.whole("monitor, item by item", body)


def _panels(known: Measured, watched: Watched) -> Iterator[str]:
    """A figure for every series with an alarm, those that stand first."""
    alarms = watched.alarms[watched.alarms["task"] != table.EVERY].sort_values("stands", ascending=False, kind="stable")
    keys = list(dict.fromkeys(zip(alarms["run"], alarms["task"], strict=True)))
    for run, task in keys[:MOST_PANELS]:
        of = lambda rows, run=run, task=task: rows[(rows["run"] == run) & (rows["task"] == task)]
        points = of(known.rows)[["at", "value"]].dropna().sort_values("at")
        thin = points.iloc[np.unique(np.linspace(0, len(points) - 1, min(MOST_POINTS, len(points))).round().astype(int))]
        if thin.empty:
            continue
        canvas, (ax,) = plots.canvas(height=2.4, width=plots.WIDE)
        title = f"{task} (run {run})" if len(watched.choices) > 1 else str(task)
        plots.watched_series(thin, of(alarms), ax, label=known.axis, title=title)
        yield document.image(canvas, f"{title} along {known.axis}, with {len(of(alarms))} alarms")
    if len(keys) > MOST_PANELS:
        yield f"<p>{len(keys) - MOST_PANELS} more series with alarms are in the table.</p>"


def _choice_figure(choice: Choice | str, known: Measured) -> str:
    if isinstance(choice, str):
        return ""
    canvas, (ax,) = plots.canvas(height=2.4, width=plots.WIDE)
    plots.candidates(choice.table.assign(taken=choice.table["at"] == choice.advice), ax, label=known.axis)
    return document.image(canvas, "mean of tasks at the last checkpoints, with standard errors; the one to take is marked")


def _series_table(watched: Watched, axis: str) -> pd.DataFrame:
    """What was watched, as the page shows it."""
    rows = watched.series
    return pd.DataFrame(
        {
            "run": rows["run"].map(line),
            "metric": rows["task"].map(line),
            "kind": rows["kind"],
            "data": rows["split"],
            "checkpoints": rows["checkpoints"],
            f"last {axis}": [place(at) if np.isfinite(at) else words.MISSING for at in rows["last"]],
            "last value": [f"{value:.4g}" if np.isfinite(value) else words.MISSING for value in rows["value"]],
            "tests": np.where(rows["watched"], "made", "too few checkpoints"),
        }
    )
