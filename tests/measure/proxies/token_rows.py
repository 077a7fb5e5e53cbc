"""Rows of token statistics made up for the tests of proxies."""

import math

import numpy as np
import pandas as pd
from hypothesis import settings

V = 12  # entries of the synthetic vocabulary
ALPHABET = "ab1 2 é\n"
FEW = settings(max_examples=12, deadline=None, derandomize=True, database=None)


def rows_of(logits, targets, task="t", trace="1"):
    """Rows as `tokenstats.extract` writes them, from float64 logits [T, V]; every token is one character."""
    z = logits - logits.max(1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    own = z[np.arange(len(z)), targets][:, None]
    return pd.DataFrame(
        {
            "task": task,
            "id": trace,
            "position": np.arange(len(z), dtype=np.int32),
            "token": np.asarray(targets, np.int32),
            "offset": np.arange(len(z), dtype=np.int32),
            "n_bytes": np.int32(1),
            "nll": -log_p[np.arange(len(z)), targets].astype(np.float32),
            "entropy": -(np.exp(log_p) * log_p).sum(1).astype(np.float32),
            "n_greater": (z > own).sum(1).astype(np.int32),
            "n_equal": (z == own).sum(1).astype(np.int32),
            "p_max": np.exp(log_p).max(1).astype(np.float32),
        }
    )


def segmented(text, rng, task="t", trace="1", ties=False):
    """Rows of a random model whose tokens cut the text at random; some characters of two bytes are two tokens."""
    offsets, sizes, start = [], [], 0
    while start < len(text):
        end = min(len(text), start + int(rng.integers(1, 4)))
        offsets.append(start)
        sizes.append(len(text[start:end].encode()))
        if text[start] == "é" and rng.random() < 0.7:
            offsets.append(start)  # the second token inside the character adds no byte
            sizes.append(0)
        start = end
    logits = 2 * rng.standard_normal((len(offsets), V))
    rows = rows_of(np.round(logits) if ties else logits, rng.integers(0, V, len(offsets)), task, trace)
    return rows.assign(offset=np.array(offsets, np.int32), n_bytes=np.array(sizes, np.int32))


def population(seed, lengths=((9, 4, 17), (1, 30)), ties=False):
    """Rows of several traces of so many characters in several tasks, and their texts."""
    rng = np.random.default_rng(seed)
    parts, texts = [], {}
    for task, sizes in enumerate(lengths):
        for trace, size in enumerate(sizes):
            text = "".join(rng.choice(list(ALPHABET), size))
            texts[f"task{task}", f"{trace}"] = text
            parts.append(segmented(text, rng, f"task{task}", f"{trace}", ties))
    return pd.concat(parts, ignore_index=True), series(texts)


def series(texts):
    return pd.Series(texts.values(), pd.MultiIndex.from_tuples(texts))


# Three tokens worked out by hand over a vocabulary of 4. The third is the first token id again.
L = math.log(2)
HAND = pd.DataFrame(
    {
        "task": "t",
        "id": "1",
        "position": [0, 1, 2],
        "token": [7, 8, 7],
        "offset": [0, 1, 3],
        "n_bytes": [1, 2, 3],
        "nll": [L, 2 * L, 3 * L],
        "entropy": [L, 2 * L, L / 2],  # log 4 = 2 L
        "n_greater": [0, 1, 3],
        "n_equal": [1, 2, 1],
        "p_max": [0.5, 0.5, 0.75],
    }
)
