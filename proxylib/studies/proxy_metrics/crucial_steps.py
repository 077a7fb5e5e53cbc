"""The crucial steps: does a model that cannot solve a problem already give high probability to the steps that decide it?

Fixed before looking: a token is decisive if it holds a value that the expert's line works out rather than copies (tasks
mark them while they write a trace; the final answer is left out, since the lines before it say it already). Along one
training run, at log-spaced checkpoints: agreement with the expert on decisive and on other tokens, for problems that the
model's own answer gets right and for those that it fails; and the amount of training at which each signal first reaches
half of its final value. Because one wrong step spoils an answer, accuracy must rise later than agreement per token even if
nothing but compounding is at work; agreement on all of a trace's decisive tokens at once is the control for the compounding
of decisive steps. It is no control for copies and format: where every token of a trace agrees, the answer is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.stats import Bootstrap, Drawn, Resampling

SIGNALS = {
    "decisive": "agreement on decisive tokens",
    "other": "agreement on other tokens",
    "whole": "all decisive tokens of a trace agree",
    "correct": "accuracy",
}
UNIT = "tasks of one training run; interval over problems"
LEAST_PROBLEMS = 5  # of a kind, for a mean over them
LEAST_RISE = 0.1  # of accuracy, below which there is no way to be half of


class Task(NamedTuple):
    """One task's problems along training, and their draws.

    signals : column of `decisive_tokens.observed`, or "correct" -> [checkpoints, problems]
    problems : the resampling of its problems
    """

    name: str
    signals: dict[str, np.ndarray]
    problems: Resampling

    def mean(self, signal: str, mask: np.ndarray | None = None) -> np.ndarray:
        """[checkpoints, 1 + draws] mean of a signal over the problems, or those of a mask; nan where there are none."""
        return self.mean_of(self.signals[signal], mask)

    def mean_of(self, values: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """As `mean`, of values [checkpoints, problems]."""
        mask = np.ones_like(values) if mask is None else mask
        total, count = (part @ self.problems.weights.T for part in (values * mask, mask))
        return np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)


def _tasks(traces: pd.DataFrame, bootstrap: Bootstrap) -> list[Task]:
    """Every task with the draws of its problems."""
    parts = dict(list(traces.assign(correct=traces["correct"].astype(float)).groupby("task", sort=False)))
    drawn = bootstrap.within([part["id"].nunique() for part in parts.values()])
    wide = lambda part, name: part.pivot(index="step", columns="id", values=name).to_numpy(float)
    return [
        Task(name, {signal: wide(part, signal) for signal in (*SIGNALS, "guess")}, problems)
        for (name, part), problems in zip(parts.items(), drawn, strict=True)
    ]


def curves(traces: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Every signal along training, mean over tasks; and agreement on decisive tokens of problems passed and failed.

    Parameters
    ----------
    traces : columns step, tokens, task, id, correct and those of `decisive_tokens.observed`
    bootstrap : bootstrap over problems, within tasks

    Returns
    -------
    columns step, tokens, signal (of `SIGNALS`, or "decisive, failed", "decisive, passed"), estimate, low, high, n (tasks that
    enter)

    Notes
    -----
    Failed and passed problems are other problems at each checkpoint; a task enters where it has at least five of the kind.
    """
    tasks = _tasks(traces, bootstrap)
    tokens = traces.drop_duplicates("step").set_index("step")["tokens"].sort_index()
    by_signal = {name: [task.mean(name) for task in tasks] for name in SIGNALS}
    for name, kind in (("decisive, failed", _failed), ("decisive, passed", _passed)):
        by_signal[name] = [task.mean("decisive", np.where(_enough(mask := kind(task)), mask, 0.0)) for task in tasks]
    rows = []
    for name, parts in by_signal.items():
        for index, (at, seen) in enumerate(tokens.items()):
            drawn = [bootstrap.drawn(means[index]) for means in parts]
            entering = [mean for mean in drawn if np.isfinite(mean.estimate)]
            if entering:
                rows.append((at, seen, name, *_over_tasks(entering).interval(), len(entering)))
    return pd.DataFrame(rows, columns=["step", "tokens", "signal", "estimate", "low", "high", "n"])


def _over_tasks(means: Sequence[Drawn]) -> Drawn:
    """Mean over tasks; a draw in which a task has no such problem is the mean over the others."""
    estimate = np.mean([mean.estimate for mean in means])
    return Drawn(estimate, np.nanmean([mean.draws for mean in means], 0), means[0].level)


def _passed(task: Task) -> np.ndarray:
    """[checkpoints, problems] 1 where the model's own answer is right."""
    return task.signals["correct"]


def _failed(task: Task) -> np.ndarray:
    return 1 - task.signals["correct"]


def _enough(mask: np.ndarray) -> np.ndarray:
    """[checkpoints, 1] whether a mean over the masked problems is worth having."""
    return mask.sum(1, keepdims=True) >= LEAST_PROBLEMS


def half_way(tokens: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Training tokens at which a signal first reaches the middle between its first and its last value.

    Parameters
    ----------
    tokens : [checkpoints], rising
    values : [checkpoints, draws]

    Returns
    -------
    [draws], interpolated on log tokens; nan where the signal does not rise
    """
    first, last = values[0], values[-1]
    level = (first + last) / 2
    reached = values >= level
    at = reached.argmax(0)
    columns = np.arange(values.shape[1])
    before = np.maximum(at - 1, 0)
    low, high = values[before, columns], values[at, columns]
    share = np.where(high > low, (level - low) / np.where(high > low, high - low, 1), 0.0)
    logs = np.log(tokens)
    place = logs[before] + np.clip(share, 0, 1) * (logs[at] - logs[before])
    return np.where((last > first) & (at > 0), np.exp(place), np.nan)


def lead(traces: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """How much earlier than accuracy each signal is half-way: ratio of training tokens, per task and as a geometric mean.

    Returns
    -------
    columns task ("mean": geometric mean over tasks in which both are defined), signal, estimate, low, high (accuracy's tokens
    over the signal's; above 1 the signal is earlier), n (tasks)

    Notes
    -----
    One training run: the interval is about problems, not about training seeds. A task in which accuracy does not rise by at
    least ten points is left out.
    """
    tokens = traces.drop_duplicates("step").sort_values("step")["tokens"].to_numpy(float)
    rise = lambda task: bootstrap.drawn(np.subtract(*task.mean("correct")[[-1, 0]])).estimate
    rising = [task for task in _tasks(traces, bootstrap) if rise(task) >= LEAST_RISE]
    interval = lambda ratio: bootstrap.drawn(ratio).interval(undefined="nan")
    rows = []
    for name in ("decisive", "other", "whole"):
        ratios = [half_way(tokens, task.mean("correct")) / half_way(tokens, task.mean(name)) for task in rising]
        rows += [(task.name, name, *interval(ratio), 1) for task, ratio in zip(rising, ratios, strict=True)]
        defined = [ratio for ratio in ratios if np.isfinite(bootstrap.drawn(ratio).estimate)]
        if defined:
            rows.append(("mean", name, *interval(np.exp(np.log(defined).mean(0))), len(defined)))
    return pd.DataFrame(rows, columns=["task", "signal", "estimate", "low", "high", "n"])


def estimates(traces: pd.DataFrame, leads: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """The scoreboard's rows: decisive tokens of failed problems against guessing, and who is earlier.

    Parameters
    ----------
    traces, bootstrap : as for `curves`
    leads : from `lead`

    Returns
    -------
    columns claim, estimate, low, high, level, n, n_unit; only what is defined
    """
    gaps = []
    for task in _tasks(traces, bootstrap):
        failed = _failed(task)[-1:]
        if _enough(failed).all():
            gaps.append(task.mean_of((task.signals["decisive"] - task.signals["guess"])[-1:], failed)[0])
    rows = []
    if gaps:
        gap = bootstrap.drawn(np.mean(gaps, 0)).interval(undefined="nan")
        rows.append(("failed-but-likely", *gap, bootstrap.level, len(gaps), UNIT))
    means = leads.query("task == 'mean'").set_index("signal")
    for claim, signal in (("steps-before-answers", "decisive"), ("steps-beyond-compounding", "whole")):
        if signal in means.index and np.isfinite(means.loc[signal, "low"]):
            row = means.loc[signal]
            rows.append((claim, row["estimate"], row["low"], row["high"], bootstrap.level, int(row["n"]), UNIT))
    columns = ["claim", "estimate", "low", "high", "level", "n", "n_unit"]
    return pd.DataFrame(rows, columns=columns).astype({"claim": str, "n_unit": str})
