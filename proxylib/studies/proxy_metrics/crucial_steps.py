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

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.errors import UserError
from proxylib.measure import proxies
from proxylib.stats import Bootstrap

SIGNALS = {
    "decisive": "agreement on decisive tokens",
    "other": "agreement on other tokens",
    "whole": "all decisive tokens of a trace agree",
    "correct": "accuracy",
}
UNIT = "tasks of one training run; interval over problems"
SHOWN = 1  # traces of each task whose tokens are kept for the case study


def steps_of(spans: pd.DataFrame) -> pd.DataFrame:
    """The decisive spans without the last one of each trace, which is the final answer."""
    return spans[spans.duplicated(["task", "id"], keep="last")]


def is_decisive(tokens: pd.DataFrame, spans: pd.DataFrame, texts: pd.Series) -> np.ndarray:
    """Whether each token overlaps a decisive value.

    Parameters
    ----------
    tokens : rows of `tokenstats.extract`, in order within each trace
    spans : columns task, id, start, stop: characters of the solution
    texts : solutions, indexed by (task, id)

    Returns
    -------
    [N] bool

    Notes
    -----
    A token ends where the next one begins, so one that holds a space and a value counts as decisive.
    """
    found = np.zeros(len(tokens), bool)
    marked = {key: part[["start", "stop"]].to_numpy() for key, part in spans.groupby(["task", "id"])}
    place = 0
    for key, part in tokens.groupby(["task", "id"], sort=False):
        start = part["offset"].to_numpy()
        stop = np.append(start[1:], len(texts[key]))
        low, high = marked[key].T
        overlap = (start[:, None] < high) & (np.maximum(stop, start + 1)[:, None] > low)
        found[place : place + len(part)] = overlap.any(1)
        place += len(part)
    return found


def observed(tokens: pd.DataFrame, decisive: np.ndarray, vocabulary: int) -> pd.DataFrame:
    """What one checkpoint makes of each trace.

    Returns
    -------
    index task, id; columns decisive and other (share of such tokens that are the likeliest), probability (mean probability of
    decisive tokens), whole (1 if all decisive tokens are the likeliest), guess (share of the decisive tokens that are the
    commonest of their place in the task, first, second, ...: what a model scores that knows the form and no problem),
    n_decisive

    Notes
    -----
    The commonest tokens are counted on the very traces that are guessed, so the guess is a little too good.
    """
    frame = tokens[["task", "id"]].assign(
        top1=proxies.statistics(tokens, vocabulary)["top1"].to_numpy(), p=np.exp(-tokens["nll"].to_numpy(float))
    )
    said = frame[["task", "id"]].assign(token=tokens["token"].to_numpy())[decisive]
    place = [said["task"], said.groupby(["task", "id"]).cumcount()]
    commonest = said.groupby(place)["token"].transform(lambda values: values.mode().iloc[0])
    frame["guess"] = False
    frame.loc[decisive, "guess"] = (said["token"] == commonest).to_numpy()
    inside, outside = (frame[mask].groupby(["task", "id"], sort=False) for mask in (decisive, ~decisive))
    return pd.DataFrame(
        {
            "decisive": inside["top1"].mean(),
            "other": outside["top1"].mean(),
            "probability": inside["p"].mean(),
            "whole": (inside["top1"].min() == 1).astype(float),
            "guess": inside["guess"].mean(),
            "n_decisive": inside.size(),
        }
    )


def case_study(tokens: pd.DataFrame, decisive: np.ndarray, vocabulary: int, texts: pd.Series) -> pd.DataFrame:
    """The first traces of each task, token by token, with the eight weights.

    Returns
    -------
    columns task, id, position, text, decisive, nll, top1 and the weightings of `proxies.WEIGHTINGS`, scaled to a mean of one
    over the trace
    """
    weights = proxies.weights(tokens, vocabulary)
    top1 = proxies.statistics(tokens, vocabulary)["top1"].to_numpy()
    frame = pd.concat([tokens[["task", "id", "position", "offset", "nll"]], weights], axis=1)
    frame = frame.assign(decisive=decisive, top1=top1)
    order = frame[["task", "id"]].drop_duplicates().groupby("task", sort=False).head(SHOWN)
    shown = []
    for task, name in order.itertuples(index=False):
        part = frame[(frame["task"] == task) & (frame["id"] == name)].copy()
        stops = [*part["offset"].iloc[1:], len(texts[task, name])]
        part["text"] = [texts[task, name][start:stop] for start, stop in zip(part["offset"], stops, strict=True)]
        part[list(proxies.WEIGHTINGS)] /= part[list(proxies.WEIGHTINGS)].mean()
        shown.append(part.drop(columns="offset"))
    return pd.concat(shown, ignore_index=True)


def _draws(traces: pd.DataFrame, bootstrap: Bootstrap) -> tuple[list[str], list[np.ndarray]]:
    """Tasks, and per task the multiplicities [1 + draws, items] of its problems; the first row is the sample itself."""
    tasks = list(traces["task"].drop_duplicates())
    rng = np.random.default_rng(bootstrap.seed)
    weights = []
    for task in tasks:
        n = traces.loc[traces["task"] == task, "id"].nunique()
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=bootstrap.draws)
        weights.append(np.vstack([np.ones((1, n), int), drawn]))
    return tasks, weights


def _signal(traces: pd.DataFrame, task: str, name: str) -> np.ndarray:
    """[checkpoints, items] of one signal in one task."""
    part = traces[traces["task"] == task]
    return part.assign(correct=part["correct"].astype(float)).pivot(index="step", columns="id", values=name).to_numpy(float)


def curves(traces: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Every signal along training, mean over tasks; and agreement on decisive tokens of problems passed and failed.

    Parameters
    ----------
    traces : columns step, tokens, task, id, correct and those of `observed`
    bootstrap : bootstrap over problems, within tasks

    Returns
    -------
    columns step, tokens, signal (of `SIGNALS`, or "decisive, failed", "decisive, passed"), estimate, low, high, n (tasks that
    enter)

    Notes
    -----
    Failed and passed problems are other problems at each checkpoint; a task enters where it has at least five of the kind.
    """
    tasks, weights = _draws(traces, bootstrap)
    tokens = traces.drop_duplicates("step").set_index("step")["tokens"].sort_index()
    found: dict[str, list[np.ndarray]] = {}
    for task, multiplicity in zip(tasks, weights, strict=True):
        correct, decisive = _signal(traces, task, "correct"), _signal(traces, task, "decisive")
        for name in SIGNALS:
            found.setdefault(name, []).append(_mean(_signal(traces, task, name), np.ones_like(correct), multiplicity))
        for name, mask in (("decisive, failed", 1 - correct), ("decisive, passed", correct)):
            enough = mask.sum(1, keepdims=True) >= 5
            found.setdefault(name, []).append(_mean(decisive, np.where(enough, mask, 0.0), multiplicity))
    rows = []
    for name, parts in found.items():
        stack = np.stack(parts)  # [tasks, checkpoints, 1 + draws]
        entering = np.isfinite(stack[:, :, 0])
        for index, (at, seen) in enumerate(tokens.items()):
            chosen = stack[entering[:, index], index]
            if not len(chosen):
                continue
            estimate, low, high = stats.percentile_interval(chosen[:, 0].mean(), np.nanmean(chosen[:, 1:], 0), bootstrap.level)[
                :3
            ]
            rows.append((at, seen, name, estimate, low, high, len(chosen)))
    return pd.DataFrame(rows, columns=["step", "tokens", "signal", "estimate", "low", "high", "n"])


def _mean(values: np.ndarray, mask: np.ndarray, multiplicity: np.ndarray) -> np.ndarray:
    """[checkpoints, 1 + draws] mean of `values` [checkpoints, items] over the masked problems; nan where there are none."""
    total = (values * mask) @ multiplicity.T
    count = mask @ multiplicity.T
    return np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)


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
    tasks, weights = _draws(traces, bootstrap)
    tokens = traces.drop_duplicates("step").sort_values("step")["tokens"].to_numpy(float)
    ratios: dict[str, list[tuple[str, np.ndarray]]] = {}
    for task, multiplicity in zip(tasks, weights, strict=True):
        mean = {name: _mean(v := _signal(traces, task, name), np.ones_like(v), multiplicity) for name in SIGNALS}
        if mean["correct"][-1, 0] - mean["correct"][0, 0] < 0.1:
            continue
        accuracy = half_way(tokens, mean["correct"])
        for name in ("decisive", "other", "whole"):
            ratios.setdefault(name, []).append((task, accuracy / half_way(tokens, mean[name])))
    rows = []
    for name, found in ratios.items():
        rows += [(task, name, *_interval(values, bootstrap.level), 1) for task, values in found]
        usable = [values for _, values in found if np.isfinite(values[0])]
        if usable:
            rows.append(("mean", name, *_interval(np.exp(np.log(usable).mean(0)), bootstrap.level), len(usable)))
    return pd.DataFrame(rows, columns=["task", "signal", "estimate", "low", "high", "n"])


def _interval(values: np.ndarray, level: float) -> tuple[float, float, float]:
    """estimate, low, high of [1 + draws], whose first entry is the sample itself; nan ends where most draws are undefined."""
    try:
        return stats.percentile_interval(values[0], values[1:], level)[:3]
    except UserError:
        return float(values[0]), np.nan, np.nan


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
    tasks, weights = _draws(traces, bootstrap)
    gaps = []
    for task, multiplicity in zip(tasks, weights, strict=True):
        failed = 1 - _signal(traces, task, "correct")[-1:]
        gap = (_signal(traces, task, "decisive") - _signal(traces, task, "guess"))[-1:]
        if failed.sum() >= 5:
            gaps.append(_mean(gap, failed, multiplicity)[0])
    rows = []
    if gaps:
        rows.append(("failed-but-likely", *_interval(np.mean(gaps, 0), bootstrap.level), bootstrap.level, len(gaps), UNIT))
    means = leads.query("task == 'mean'").set_index("signal")
    for claim, signal in (("steps-before-answers", "decisive"), ("steps-beyond-compounding", "whole")):
        if signal in means.index and np.isfinite(means.loc[signal, "low"]):
            row = means.loc[signal]
            rows.append((claim, row["estimate"], row["low"], row["high"], bootstrap.level, int(row["n"]), UNIT))
    columns = ["claim", "estimate", "low", "high", "level", "n", "n_unit"]
    return pd.DataFrame(rows, columns=columns).astype({"claim": str, "n_unit": str})
