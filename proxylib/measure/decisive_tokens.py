"""Which tokens of a trace decide it, and what a checkpoint makes of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.measure import proxies

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
    inside = np.zeros(len(tokens), bool)
    marked = {key: part[["start", "stop"]].to_numpy() for key, part in spans.groupby(["task", "id"])}
    place = 0
    for key, part in tokens.groupby(["task", "id"], sort=False):
        start = part["offset"].to_numpy()
        stop = np.append(start[1:], len(texts[key]))
        low, high = marked[key].T
        overlap = (start[:, None] < high) & (np.maximum(stop, start + 1)[:, None] > low)
        inside[place : place + len(part)] = overlap.any(1)
        place += len(part)
    return inside


def observed(tokens: pd.DataFrame, decisive: np.ndarray, vocabulary: int) -> pd.DataFrame:
    """What one checkpoint makes of each trace.

    Returns
    -------
    index task, id; columns decisive and other (how many of such tokens are the likeliest), n_decisive and n_other (how many
    there are), p_decisive and p_other (mean probability of such tokens, in whole percent)
    """
    top1 = proxies.statistics(tokens, vocabulary)["top1"].to_numpy() == 1
    frame = tokens[["task", "id"]].assign(top1=top1, p=np.exp(-tokens["nll"].to_numpy(float)))
    columns = {}
    for name, mask in (("decisive", decisive), ("other", ~decisive)):
        by_trace = frame[mask].groupby(["task", "id"], sort=False)
        columns[name] = by_trace["top1"].sum().astype("int16")
        columns[f"n_{name}"] = by_trace.size().astype("int16")
        columns[f"p_{name}"] = (100 * by_trace["p"].mean()).round().astype("int8")
    return pd.DataFrame(columns)


def guessed(tokens: pd.DataFrame, decisive: np.ndarray) -> pd.Series:
    """How many of a trace's decisive tokens are the commonest of their place in the task, first, second, ...

    So many would agree with a model that knows the form and no problem. Indexed by task and id.

    Notes
    -----
    The commonest tokens are counted on the very traces that are guessed, so the guess is a little too good.
    """
    said = tokens.loc[decisive, ["task", "id", "token"]]
    place = [said["task"], said.groupby(["task", "id"]).cumcount()]
    commonest = said.groupby(place)["token"].transform(lambda values: values.mode().iloc[0])
    hits = said.assign(guess=said["token"] == commonest).groupby(["task", "id"], sort=False)["guess"]
    return hits.sum().astype("int16")


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
