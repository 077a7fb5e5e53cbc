"""The crucial steps: does a model that cannot solve a problem already give high probability to the steps that decide it?

Fixed before looking: a token is decisive if it holds a value that the expert's line works out rather than copies (tasks
mark them while they write a trace; the final answer is left out, since the lines before it say it already). Along several
training runs: at the last checkpoint at which a task's accuracy is still low, agreement with the expert on decisive tokens
of failed problems minus that on their other tokens; and the amount of training at which each signal first reaches half of its
final value. Because one wrong step spoils an answer, accuracy must rise later than agreement per token even if nothing but
compounding is at work; agreement on all of a trace's decisive tokens at once is the control for the compounding of decisive
steps. It is no control for copies and format: where every token of a trace agrees, the answer is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, Drawn, Resampling, mean_interval

SIGNALS = {
    "decisive": "agreement on decisive tokens",
    "other": "agreement on other tokens",
    "whole": "all decisive tokens of a trace agree",
    "correct": "accuracy",
}
AGAINST = {"other": "other tokens", "guess": "the commonest token of each step"}  # what decisive tokens are compared with
MOST = (0.1, 0.2)  # accuracy up to which a model cannot solve a task
#: rows of the scoreboard -> accuracy, and what is compared; or the signal that leads
CLAIMED = {
    "failed-but-likely": (0.1, "other"),
    "failed-but-likely-20": (0.2, "other"),
    "failed-beyond-guessing": (0.1, "guess"),
}
LEADING = {"steps-before-answers": "decisive", "steps-beyond-compounding": "whole"}
UNIT = "training runs"
LEAST_PROBLEMS = 5  # of a kind, for a mean over them
LEAST_RISE = 0.1  # of accuracy, below which there is no way to be half of
ENDS = ["estimate", "low", "high", "low_given", "high_given"]


class Course(NamedTuple):
    """One task's problems along one training run, and their draws.

    run, task : whose
    tokens : [checkpoints] read so far, rising
    signals : name of `SIGNALS`, or "guess" -> [checkpoints, problems]
    problems : the resampling of its problems, the same in every run
    """

    run: str
    task: str
    tokens: np.ndarray
    signals: Mapping[str, np.ndarray]
    problems: Resampling

    def mean(self, values: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """[..., 1 + draws] mean of values [..., problems] over the problems, or those of a mask; nan where there are none."""
        mask = np.ones_like(values) if mask is None else mask
        total, count = (part @ self.problems.weights.T for part in (values * mask, mask))
        return np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)

    def failed(self) -> np.ndarray:
        """[checkpoints, problems] 1 where the model's own answer is wrong."""
        return 1 - self.signals["correct"]

    def unsolved(self, most: float) -> int | None:
        """The last checkpoint with an accuracy of at most so much and enough failed problems; None where there is none."""
        low = np.flatnonzero(self.signals["correct"].mean(1) <= most)
        return int(low[-1]) if len(low) and self.failed()[low[-1]].sum() >= LEAST_PROBLEMS else None


def along(outcomes: pd.DataFrame, problems: pd.DataFrame) -> pd.DataFrame:
    """Shares from the counts of a trajectory.

    Parameters
    ----------
    outcomes, problems : tables of a `trajectory` run

    Returns
    -------
    columns step, tokens, task, id, then floats: correct, decisive, other, whole (1 if all decisive tokens of a trace agree),
    guess
    """
    frame = outcomes.merge(problems, on=["task", "id"], suffixes=("", "_guessed"), validate="many_to_one")
    shares = {name: frame[name] / frame[f"n_{name}"] for name in ("decisive", "other")}
    shares |= {"whole": frame["decisive"] == frame["n_decisive"], "guess": frame["guess"] / frame["n_decisive"]}
    shares |= {"correct": frame["correct"]}
    return frame[["step", "tokens", "task", "id"]].assign(**{name: values.astype(float) for name, values in shares.items()})


def courses(runs: Mapping[str, pd.DataFrame], bootstrap: Bootstrap) -> list[Course]:
    """Every task of every run.

    Parameters
    ----------
    runs : name of a run -> its problems as from `along`; the same problems in all
    bootstrap : bootstrap over problems, within tasks
    """
    result = []
    for name, frame in runs.items():
        parts = dict(list(frame.groupby("task", sort=False)))
        drawn = bootstrap.within([part["id"].nunique() for part in parts.values()])
        for (task, part), problems in zip(parts.items(), drawn, strict=True):
            wide = {s: part.pivot(index="step", columns="id", values=s).to_numpy(float) for s in (*SIGNALS, "guess")}
            tokens = part.drop_duplicates("step").sort_values("step")["tokens"].to_numpy(float)
            result.append(Course(name, task, tokens, wide, problems))
    return result


def pooled(values: Mapping[tuple[str, str], np.ndarray], level: float) -> tuple[float, ...]:
    """Mean over tasks, then over runs: estimate, the interval that decides, the one with the runs given, number of runs.

    Parameters
    ----------
    values : (run, task) -> [1 + draws]
    level : coverage

    Notes
    -----
    The interval that decides is Student's over the runs, or that over problems where it is wider.
    """
    tasks_of: dict[str, list[np.ndarray]] = {}
    for (run, _), drawn in values.items():
        tasks_of.setdefault(run, []).append(drawn)
    runs = [np.mean(parts, 0) for parts in tasks_of.values()]
    mean = np.mean(runs, 0)
    given = Drawn(mean[0], mean[1:], level).interval(undefined="nan")
    over_runs = mean_interval([values[0] for values in runs], level)
    decides = given if given.high - given.low > over_runs.high - over_runs.low else over_runs
    return (float(mean[0]), *decides[1:], *given[1:], len(runs))


def _by_task(values: Mapping[tuple[str, str], np.ndarray], level: float) -> Iterator[tuple]:
    """Every task's row of `pooled`, then that of all as the task "mean"."""
    for name in dict.fromkeys(task for _, task in values):
        yield name, *pooled({key: drawn for key, drawn in values.items() if key[1] == name}, level)
    if values:
        yield "mean", *pooled(values, level)


def unsolved(runs: Sequence[Course]) -> pd.DataFrame:
    """What agrees on the failed problems of every task and run, where accuracy is still low.

    Returns
    -------
    columns most (of `MOST`), run, task, tokens, correct (accuracy), failed (problems), decisive, other, guess; no row where
    accuracy is never so low, or fewer than five problems are failed
    """
    rows = []
    for most in MOST:
        for course in runs:
            at = course.unsolved(most)
            if at is not None:
                failed = course.failed()[at]
                shares = [float(course.mean(course.signals[name][at], failed)[0]) for name in ("decisive", *AGAINST)]
                accuracy = float(course.signals["correct"][at].mean())
                rows.append((most, course.run, course.task, course.tokens[at], accuracy, int(failed.sum()), *shares))
    return pd.DataFrame(rows, columns=["most", "run", "task", "tokens", "correct", "failed", "decisive", *AGAINST])


def gaps(runs: Sequence[Course], level: float) -> pd.DataFrame:
    """Agreement on decisive tokens of failed problems minus what it is compared with, where accuracy is still low.

    Returns
    -------
    columns most, against (of `AGAINST`), task ("mean": over tasks, then over runs), those of `ENDS`, n (runs)
    """
    rows = []
    for most in MOST:
        entering = [(course, at) for course in runs if (at := course.unsolved(most)) is not None]
        for against in AGAINST:
            values = {}
            for course, at in entering:
                gap = course.signals["decisive"][at] - course.signals[against][at]
                values[course.run, course.task] = course.mean(gap, course.failed()[at])
            rows += [(most, against, *row) for row in _by_task(values, level)]
    return pd.DataFrame(rows, columns=["most", "against", "task", *ENDS, "n"])


def curves(runs: Sequence[Course], level: float) -> pd.DataFrame:
    """Every signal along training, mean over tasks and runs; and agreement on decisive tokens of failed problems.

    Returns
    -------
    columns tokens (geometric mean of the runs' at their n-th checkpoint), signal (of `SIGNALS`, or "decisive, failed"),
    those of `ENDS`, n (runs)

    Notes
    -----
    Failed problems are other problems at each checkpoint; a task enters where it has at least five of them.
    """
    rows = []
    for number in range(min(len(course.tokens) for course in runs)):
        tokens = float(np.exp(np.mean([np.log(course.tokens[number]) for course in runs])))
        for name in SIGNALS:
            values = {(course.run, course.task): course.mean(course.signals[name][number]) for course in runs}
            rows.append((tokens, name, *pooled(values, level)))
        failing = [course for course in runs if course.failed()[number].sum() >= LEAST_PROBLEMS]
        values = {(c.run, c.task): c.mean(c.signals["decisive"][number], c.failed()[number]) for c in failing}
        if values:
            rows.append((tokens, "decisive, failed", *pooled(values, level)))
    return pd.DataFrame(rows, columns=["tokens", "signal", *ENDS, "n"])


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


def lead(runs: Sequence[Course], level: float) -> pd.DataFrame:
    """How much earlier than accuracy each signal is half-way: ratio of training tokens.

    Returns
    -------
    columns task ("mean": geometric mean over tasks, then over runs), signal, those of `ENDS` (accuracy's tokens over the
    signal's; above 1 the signal is earlier), n (runs)

    Notes
    -----
    A task of a run in which accuracy does not rise by at least ten points, or the signal does not rise, is left out.
    """
    rising = [course for course in runs if np.subtract(*course.signals["correct"].mean(1)[[-1, 0]]) >= LEAST_RISE]
    rows = []
    for name in ("decisive", "other", "whole"):
        values = {}
        for course in rising:
            answers, signal = (half_way(course.tokens, course.mean(course.signals[s])) for s in ("correct", name))
            if np.isfinite(answers[0] / signal[0]):
                values[course.run, course.task] = np.log(answers / signal)
        for task, *logs, n in _by_task(values, level):
            rows.append((task, name, *np.exp(logs), n))
    return pd.DataFrame(rows, columns=["task", "signal", *ENDS, "n"])


def estimates(differences: pd.DataFrame, leads: pd.DataFrame, level: float) -> pd.DataFrame:
    """The scoreboard's rows.

    Parameters
    ----------
    differences, leads : from `gaps` and `lead`

    Returns
    -------
    columns claim, those of `ENDS`, null, level, n, n_unit; only what is defined
    """
    rows = []
    means = differences[differences["task"] == "mean"].set_index(["most", "against"])
    for claim, key in CLAIMED.items():
        if key in means.index:
            rows.append((claim, *_over_tasks(differences, key, means.loc[key, ENDS], level), 0.0, means.loc[key, "n"]))
    means = leads[leads["task"] == "mean"].set_index("signal")
    rows += [(claim, *means.loc[key, ENDS], 1.0, means.loc[key, "n"]) for claim, key in LEADING.items() if key in means.index]
    frame = pd.DataFrame(rows, columns=["claim", *ENDS, "null", "n"]).astype({"claim": str, "n": int})
    return frame.dropna().assign(level=level, n_unit=UNIT)


def _over_tasks(differences: pd.DataFrame, key: tuple[float, str], ends: pd.Series, level: float) -> pd.Series:
    """The mean's `ENDS`, its interval as wide as that over tasks (Student's t) where that is wider: the claim names none."""
    most, against = key
    alike = differences[(differences["most"] == most) & (differences["against"] == against) & (differences["task"] != "mean")]
    if len(alike) < 2:
        return ends
    over_tasks = mean_interval(alike["estimate"].to_numpy(), level)
    half = (over_tasks.high - over_tasks.low) / 2
    wide = {"low": min(ends["low"], ends["estimate"] - half), "high": max(ends["high"], ends["estimate"] + half)}
    return pd.Series(dict(ends) | wide)


def build(step, workspace: Workspace) -> None:
    """What the trajectories say of the steps that decide.

    Parameters
    ----------
    step : a declared `crucial_steps` step; its parents are trajectories, by the names of their models
    workspace : receives the tables unsolved, gaps, curves, lead and estimates
    """
    bootstrap: Bootstrap = step.settings.bootstrap
    trajectories = {name: step.parent(name) for name in step.parents}
    runs = courses({name: along(run.table("outcomes"), run.table("problems")) for name, run in trajectories.items()}, bootstrap)
    differences, leads = gaps(runs, bootstrap.level), lead(runs, bootstrap.level)
    workspace.write_table("unsolved", unsolved(runs))
    workspace.write_table("gaps", differences)
    workspace.write_table("curves", curves(runs, bootstrap.level))
    workspace.write_table("lead", leads)
    workspace.write_table("estimates", estimates(differences, leads, bootstrap.level))
