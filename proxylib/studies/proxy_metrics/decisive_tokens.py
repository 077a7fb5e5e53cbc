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
