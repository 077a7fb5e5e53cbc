"""Statistics of tokens, weights of tokens, and the weighted means of a trace and of a task: the eighty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.measure.proxies.definitions import DEFAULT, NAMES, STATISTICS, WEIGHTINGS, Definition, name
from proxylib.measure.proxies.rows import numbered

#: Mean weight, a few roundings of float32, below which a weighting has no say on a trace and uniform weights replace it.
LEAST_WEIGHT = 1e-6
WIDTHS = {"whole": 1.0, "half": 0.5, "double": 2.0}  # of the Gaussian kernel, as multiples of its spread
SAME_NLL = 1e-6  # nats: below this spread of a trace's nll the Gaussian kernel is flat
ENTROPY_FLOOR = 0.01  # added to h before it is inverted; without it near-certain tokens would rule the weighting


class Traces(NamedTuple):
    """The proxies of every trace; both frames are indexed by (task, id), in order of first appearance.

    `values` is float64 [traces, proxies]; `fallback` is bool [traces, weightings], True where the weights of the trace
    vanish and uniform ones took their place. ``fallback.groupby("task").sum()`` counts them.
    """

    values: pd.DataFrame
    fallback: pd.DataFrame


def statistics(tokens: pd.DataFrame, vocabulary: int, definition: Definition = DEFAULT) -> pd.DataFrame:
    """The ten statistics of every token.

    Parameters
    ----------
    tokens : rows of `tokenstats.extract`
    vocabulary : entries of the model's vocabulary, V
    definition : its `ties` and `rank` are read

    Returns
    -------
    float64 [tokens, 10], one column per name in `STATISTICS`: cross_entropy in nats per token, top-k and reciprocal_rank
    in [0, 1], entropy as a share of log V, rank from 1 to V (or its logarithm, or its share of V), margin and
    wrong_confidence as probabilities.

    Notes
    -----
    By default rank is the mid-rank 1 + n_greater + (n_equal - 1) / 2 and top-k its expectation under random tie-breaking:
    counting only what is greater would call a model with constant logits right everywhere. Cross-entropy and rank depend
    on the tokenizer and mislead across families: use bits per byte, or compare within a tokenizer.
    """
    p = np.exp(-tokens["nll"].to_numpy(float))
    greater, equal = tokens["n_greater"].to_numpy(float), tokens["n_equal"].to_numpy(float)
    p_max = tokens["p_max"].to_numpy(float)
    if definition.ties == "mid":
        rank = 1 + greater + (equal - 1) / 2
        hits = {f"top{k}": np.clip((k - greater) / equal, 0.0, 1.0) for k in (1, 2, 3, 5)}
    else:
        rank = greater + (1 if definition.ties == "strict" else equal)
        hits = {f"top{k}": (rank <= k).astype(float) for k in (1, 2, 3, 5)}
    columns = {
        "cross_entropy": tokens["nll"].to_numpy(float),
        **hits,
        "entropy": tokens["entropy"].to_numpy(float) / np.log(vocabulary),
        "rank": {"raw": rank, "log": np.log(rank), "share": rank / vocabulary}[definition.rank],
        "reciprocal_rank": 1 / rank,
        "margin": np.maximum(p_max - p, 0.0),  # both are rounded to float32: the difference may come out at -1e-8
        "wrong_confidence": p_max * (1 - hits["top1"]),
    }
    return pd.DataFrame({statistic: columns[statistic] for statistic in STATISTICS})


def _frequency(tokens: pd.DataFrame, source: str) -> np.ndarray:
    """f of every token, a share, from one of the sources of `Definition`."""
    if source == "text":
        if "word_frequency" not in tokens:
            raise UserError("definition: frequency_source text needs tokens that went through with_word_frequency")
        return tokens["word_frequency"].to_numpy(float)
    pool = pd.factorize(tokens["task"])[0] if source == "task" else np.zeros(len(tokens), np.int64)
    token = tokens["token"].to_numpy(np.int64)
    kind = pool * (token.max() + 1) + token
    return np.bincount(kind)[kind] / np.bincount(pool)[pool]


def _kernel(tokens: pd.DataFrame, definition: Definition, shared: pd.DataFrame | None) -> np.ndarray:
    """The Gaussian kernel over every token's nll, 1 everywhere in a trace without spread."""
    nll = tokens["nll"].to_numpy(float)
    if definition.gaussian == "shared":
        if shared is None:
            raise UserError("definition: gaussian shared needs the difficulty of every task, see difficulty")
        missing = pd.Index(tokens["task"].unique()).difference(shared.index)
        if len(missing):
            raise UserError(f"difficulty: task {missing[0]} is missing")
        task, tasks = pd.factorize(tokens["task"])
        centre, spread = (shared[column].reindex(tasks).to_numpy(float)[task] for column in ("mean", "sd"))
    else:
        trace, _ = numbered(tokens)
        size = np.bincount(trace)
        mean = (np.bincount(trace, nll) / size)[trace]
        spread = np.sqrt(np.bincount(trace, (nll - mean) ** 2) / size)[trace]
        centre = {"trace": mean, "easy": 0.0, "nat": 1.0}[definition.gaussian]
    spread = spread * WIDTHS[definition.gaussian_width]
    flat = spread < SAME_NLL
    return np.where(flat, 1.0, np.exp(-0.5 * ((nll - centre) / np.where(flat, 1.0, spread)) ** 2))


def weights(
    tokens: pd.DataFrame,
    vocabulary: int,
    definition: Definition = DEFAULT,
    shared: pd.DataFrame | None = None,
    wanted: Sequence[str] = WEIGHTINGS,
) -> pd.DataFrame:
    """The weights of every token, before they are normalised within a trace.

    Parameters
    ----------
    tokens : all scored rows of one model, every task: frequencies are counted over what is given
    vocabulary : entries of the model's vocabulary, V
    definition : what it says of weights is read
    shared : result of `difficulty`; only for the Gaussian kernel "shared"
    wanted : which of `WEIGHTINGS`

    Returns
    -------
    float64 [tokens, wanted], one column per weighting, none negative

    Raises
    ------
    UserError
        The definition asks for word frequencies or a difficulty that are not there.

    Notes
    -----
    Frequencies are counted on the expert's text only, never on scores, so counting held-out items is harmless. They
    depend on the rows given: a window, or another set of items, changes them.
    """
    p = np.exp(-tokens["nll"].to_numpy(float))
    h = tokens["entropy"].to_numpy(float) / np.log(vocabulary)
    f = lru_cache(lambda: _frequency(tokens, definition.frequency_source))
    columns = {
        "uniform": lambda: np.ones_like(p),
        "probability": lambda: p,
        "disagreement": lambda: 1 - p,
        "entropy": lambda: h,
        "inverse_entropy": lambda: 1 - h if definition.inverse_entropy == "complement" else 1 / (h + ENTROPY_FLOOR),
        "frequency": lambda: f(),
        "inverse_frequency": lambda: 1 / f() if definition.inverse_frequency == "reciprocal" else 1 - f(),
        "gaussian_nll": lambda: _kernel(tokens, definition, shared),
    }
    return pd.DataFrame({weighting: np.clip(columns[weighting](), 0, None) for weighting in wanted})


def by_trace(
    tokens: pd.DataFrame,
    vocabulary: int,
    definition: Definition = DEFAULT,
    shared: pd.DataFrame | None = None,
    names: Sequence[str] = NAMES,
) -> Traces:
    """The eighty proxies of every trace, or those asked for.

    Parameters
    ----------
    tokens, vocabulary, definition, shared : as for `weights`; what is given is what is scored
    names : which of `NAMES`

    Returns
    -------
    Traces : values [traces, names] in the units of `statistics`, and which of their weightings fell back to uniform

    Raises
    ------
    UserError
        No rows, as for `weights`, or under "byte" a trace none of whose rows has a byte.

    Notes
    -----
    Under the spread "byte" every byte of a token has the token's weight and the token's statistic, so weights are
    multiplied by `n_bytes`; only cross-entropy is an amount and is divided among the bytes instead: its uniform mean is
    the trace's nats per byte. A later token inside a character has no byte: its nats count, nothing else of it does.
    The eighty are nearly collinear; that one of them ranks best is mostly chance.
    """
    trace, keys = numbered(tokens)
    order = np.argsort(trace, kind="stable")  # the rows of a trace together
    tokens, trace = tokens.iloc[order], trace[order]
    starts = np.searchsorted(trace, np.arange(len(keys)))
    total = lambda amount: np.add.reduceat(amount, starts)
    size = tokens["n_bytes"].to_numpy(float) if definition.spread == "byte" else np.ones(len(tokens))
    whole = total(size)
    if not whole.all():
        task, item = keys[np.argmin(whole)]
        raise UserError(f"trace {task}/{item}: no token has a byte of its own; score more of it, or spread over tokens")
    wanted = [weighting for weighting in WEIGHTINGS if any(asked.endswith(f"|{weighting}") for asked in names)]
    weight = weights(tokens, vocabulary, definition, shared, wanted)
    amounts = statistics(tokens, vocabulary, definition).mul(size, axis=0)
    amounts["cross_entropy"] = tokens["nll"].to_numpy(float)  # not times its bytes: divided among them
    values, fallback = {}, {}
    for weighting in wanted:
        w = weight[weighting].to_numpy()
        mass = total(w * size)
        vanishing = ~(mass > LEAST_WEIGHT * whole)
        w = np.where(vanishing[trace], 1.0, w)
        mass = np.where(vanishing, whole, mass)
        fallback[weighting] = vanishing
        for statistic in STATISTICS:
            if name(statistic, weighting) in names:
                values[name(statistic, weighting)] = total(w * amounts[statistic].to_numpy()) / mass
    return Traces(pd.DataFrame(values, keys)[list(names)], pd.DataFrame(fallback, keys))


def by_task(
    tokens: pd.DataFrame,
    vocabulary: int,
    definition: Definition = DEFAULT,
    shared: pd.DataFrame | None = None,
    names: Sequence[str] = NAMES,
) -> pd.DataFrame:
    """The proxies of every task: plain means over its traces.

    Parameters
    ----------
    tokens, vocabulary, definition, shared, names : as for `by_trace`

    Returns
    -------
    float64 [tasks, names], indexed by task in order of first appearance
    """
    return by_trace(tokens, vocabulary, definition, shared, names).values.groupby(level="task", sort=False).mean()


def difficulty(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Mean and standard deviation of nll in each task over a population, every model weighing the same.

    Parameters
    ----------
    tables : rows of each model, cut to the same window

    Returns
    -------
    float64 columns mean and sd, in nats per token, indexed by task; for `weights` under the Gaussian kernel "shared"

    Notes
    -----
    The sd holds the differences between models too, so it is wider than a trace's own. Across tokenizers a nat per token
    is not one unit.
    """
    moments = [
        tokens["nll"].astype(float).groupby(tokens["task"]).agg(mean="mean", square=lambda nll: (nll**2).mean())
        for tokens in tables
    ]
    pooled = pd.concat(moments).groupby(level="task").mean()
    variance = (pooled["square"] - pooled["mean"] ** 2).clip(lower=0)
    return pd.DataFrame({"mean": pooled["mean"], "sd": np.sqrt(variance)})
