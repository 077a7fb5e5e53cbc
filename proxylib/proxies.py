"""The eighty proxy metrics: ten statistics of a token, averaged under eight weightings, from stored rows alone.

Source: Patel, Reddy, Mosbach and Bahdanau 2026 (arXiv 2605.18607). The paper's text was not at hand; where notes about it
leave a formula open, the choice below is ours and marked so. No forward pass happens here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

#: statistic -> +1 where more is better, -1 where less is. Fixed a priori; entropy's sign is a guess (ours).
STATISTICS = {
    "cross_entropy": -1,
    "top1": +1,
    "top2": +1,
    "top3": +1,
    "top5": +1,
    "entropy": -1,
    "rank": -1,
    "reciprocal_rank": +1,
    "margin": -1,
    "wrong_confidence": -1,
}
WEIGHTINGS = (
    "uniform",
    "probability",
    "disagreement",
    "entropy",
    "inverse_entropy",
    "frequency",
    "inverse_frequency",
    "gaussian_nll",
)
NAMED_WINNERS = {"model selection": ("top1", "inverse_frequency"), "data selection": ("top5", "frequency")}
#: Mean weight, a few roundings of float32, below which a weighting has no say on a trace and uniform weights replace it.
LEAST_WEIGHT = 1e-6
SAME_NLL = 1e-6  # nats: below this spread of a trace's nll the Gaussian kernel is flat


def statistics(tokens: pd.DataFrame, vocabulary: int) -> pd.DataFrame:
    """The ten statistics of every token.

    Parameters
    ----------
    tokens : rows of `tokenstats.extract`
    vocabulary : entries of the model's vocabulary, V

    Returns
    -------
    One column per name in `STATISTICS`: cross_entropy in nats per token, top-k and reciprocal_rank in [0, 1], entropy
    as a share of log V, rank from 1 to V, margin and wrong_confidence as probabilities.

    Notes
    -----
    Rank is the mid-rank 1 + n_greater + (n_equal - 1) / 2 and top-k its expectation under random tie-breaking: counting
    only what is greater would call a model with constant logits right everywhere. Cross-entropy and rank depend on the
    tokenizer and mislead across families: use bits per byte, or compare within a tokenizer.
    """
    p = np.exp(-tokens["nll"].to_numpy(float))
    greater, equal = tokens["n_greater"].to_numpy(float), tokens["n_equal"].to_numpy(float)
    p_max = tokens["p_max"].to_numpy(float)
    hits = {f"top{k}": np.clip((k - greater) / equal, 0.0, 1.0) for k in (1, 2, 3, 5)}
    rank = 1 + greater + (equal - 1) / 2
    columns = {
        "cross_entropy": tokens["nll"].to_numpy(float),
        **hits,
        "entropy": tokens["entropy"].to_numpy(float) / np.log(vocabulary),
        "rank": rank,
        "reciprocal_rank": 1 / rank,
        "margin": np.maximum(p_max - p, 0.0),  # both are rounded to float32: the difference may come out at -1e-8
        "wrong_confidence": p_max * (1 - hits["top1"]),
    }
    return pd.DataFrame({name: columns[name] for name in STATISTICS})


def weights(tokens: pd.DataFrame, vocabulary: int) -> pd.DataFrame:
    """The eight weights of every token, before they are normalised within a trace.

    Parameters
    ----------
    tokens : all rows of one model, every task: frequencies are counted per task over what is given
    vocabulary : entries of the model's vocabulary, V

    Notes
    -----
    Ours, where the sources are silent: inverse entropy is 1 - h, with h = entropy / log V. Frequency is the token's
    share of the task's scored expert tokens, and inverse frequency one over it. The Gaussian kernel is
    exp(-(nll - mean)^2 / (2 sd^2)) with mean and standard deviation of the trace's own nll. Frequencies are counted on
    the expert's text only, never on scores, so counting held-out items is harmless.
    """
    nll = tokens["nll"].to_numpy(float)
    p = np.exp(-nll)
    h = tokens["entropy"].to_numpy(float) / np.log(vocabulary)
    counts = tokens.groupby(["task", "token"])["nll"].transform("size").to_numpy(float)
    totals = tokens.groupby("task")["nll"].transform("size").to_numpy(float)
    trace = tokens.assign(nll=nll).groupby(["task", "id"], sort=False)["nll"]
    mean, spread = trace.transform("mean").to_numpy(), trace.transform("std", ddof=0).to_numpy()
    flat = spread < SAME_NLL
    kernel = np.exp(-0.5 * ((nll - mean) / np.where(flat, 1.0, spread)) ** 2)
    columns = {
        "uniform": np.ones_like(p),
        "probability": p,
        "disagreement": 1 - p,
        "entropy": h,
        "inverse_entropy": 1 - h,
        "frequency": counts / totals,
        "inverse_frequency": totals / counts,
        "gaussian_nll": np.where(flat, 1.0, kernel),
    }
    return pd.DataFrame({name: np.clip(columns[name], 0, None) for name in WEIGHTINGS})


def by_trace(tokens: pd.DataFrame, vocabulary: int) -> pd.DataFrame:
    """The eighty proxies of every trace.

    Returns
    -------
    columns task, id, weighting, statistic, value, fallback (True where the weights of the trace vanish and uniform ones
    took their place)
    """
    values, weight = statistics(tokens, vocabulary), weights(tokens, vocabulary)
    trace = tokens.groupby(["task", "id"], sort=False).ngroup().to_numpy()
    keys = tokens[["task", "id"]].drop_duplicates().reset_index(drop=True)
    size = np.bincount(trace)
    frames = []
    for weighting in WEIGHTINGS:
        w = weight[weighting].to_numpy()
        mass = np.bincount(trace, w)
        vanishing = ~(mass > LEAST_WEIGHT * size)
        w = np.where(vanishing[trace], 1.0, w)
        mass = np.where(vanishing, size, mass)
        for statistic in STATISTICS:
            mean = np.bincount(trace, w * values[statistic].to_numpy()) / mass
            frames.append(keys.assign(weighting=weighting, statistic=statistic, value=mean, fallback=vanishing))
    return pd.concat(frames, ignore_index=True)


def by_task(tokens: pd.DataFrame, vocabulary: int) -> pd.DataFrame:
    """The eighty proxies of every task: plain means over its traces.

    Returns
    -------
    columns task, weighting, statistic, value, fallbacks (number of traces), n (traces)
    """
    grouped = by_trace(tokens, vocabulary).groupby(["task", "weighting", "statistic"], sort=False)
    return grouped.agg(value=("value", "mean"), fallbacks=("fallback", "sum"), n=("value", "size")).reset_index()


def bits_per_byte(tokens: pd.DataFrame) -> pd.DataFrame:
    """Cross-entropy of the expert's text per byte: comparable across tokenizers, unlike the per-token one.

    Returns
    -------
    columns task, bits_per_byte: all nats of the task's scored tokens over all bytes that they cover, in bits
    """
    sums = tokens.astype({"nll": float}).groupby("task", sort=False)[["nll", "n_bytes"]].sum()
    return (sums["nll"] / np.log(2) / sums["n_bytes"]).rename("bits_per_byte").reset_index()
