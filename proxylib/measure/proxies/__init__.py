"""The eighty proxy metrics: ten statistics of a token, averaged under eight weightings, from stored rows alone.

Source: Patel, Reddy, Mosbach and Bahdanau 2026 (arXiv 2605.18607). The paper's text was not at hand; where notes about it
leave a formula open, the choice is ours, marked so, and its alternatives are in `Definition`. No forward pass happens here.
Beside them stand three baselines from the same rows: bits per byte, the rank-surprisal ratio and rBridge.

`tokens` are always rows of `tokenstats.extract` of one model; `texts` is a Series of solutions indexed by (task, id).
"""

from proxylib.measure.proxies.baselines import CLIPPED_RANK, SAME_PROBABILITY, bits_per_byte, rank_surprisal_ratio, rbridge
from proxylib.measure.proxies.definitions import (
    CHOICES,
    DEFAULT,
    DEFINITIONS,
    NAMED_WINNERS,
    NAMES,
    STATISTICS,
    WEIGHTINGS,
    WINDOWS,
    Definition,
    Window,
    holds,
    name,
)
from proxylib.measure.proxies.metrics import (
    ENTROPY_FLOOR,
    LEAST_WEIGHT,
    SAME_NLL,
    Traces,
    by_task,
    by_trace,
    difficulty,
    statistics,
    weights,
)
from proxylib.measure.proxies.rows import LEAST_TOKENS, WORD, short_traces, windowed, with_word_frequency

__all__ = [
    "CHOICES",
    "CLIPPED_RANK",
    "DEFAULT",
    "DEFINITIONS",
    "Definition",
    "ENTROPY_FLOOR",
    "LEAST_TOKENS",
    "LEAST_WEIGHT",
    "NAMED_WINNERS",
    "NAMES",
    "SAME_NLL",
    "SAME_PROBABILITY",
    "STATISTICS",
    "Traces",
    "WEIGHTINGS",
    "WINDOWS",
    "WORD",
    "Window",
    "bits_per_byte",
    "by_task",
    "by_trace",
    "difficulty",
    "holds",
    "name",
    "rank_surprisal_ratio",
    "rbridge",
    "short_traces",
    "statistics",
    "weights",
    "windowed",
    "with_word_frequency",
]
