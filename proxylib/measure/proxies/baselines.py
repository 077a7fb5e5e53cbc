"""What the eighty are held against, from the same rows: bits per byte, the rank-surprisal ratio, rBridge."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.measure.proxies.rows import Library, library_of, numbered

SAME_PROBABILITY = 1e-6  # rBridge: below this spread of a trace's weights all of them are one
CLIPPED_RANK = 100  # of the rank-surprisal ratio, as its authors have it


def bits_per_byte(tokens: pd.DataFrame) -> pd.Series:
    """Cross-entropy of the expert's text per byte: comparable across tokenizers, unlike the per-token one.

    Returns
    -------
    bits per byte, indexed by task: all nats of the task's scored tokens over all bytes that they cover, in bits

    Notes
    -----
    Pools the tokens of a task, so long traces count more; the eighty give every trace the same weight.
    """
    sums = tokens.astype({"nll": float}).groupby("task", sort=False)[["nll", "n_bytes"]].sum()
    return (sums["nll"] / np.log(2) / sums["n_bytes"]).rename("bits_per_byte")


def rank_surprisal_ratio(tokens: pd.DataFrame) -> pd.Series:
    """Mean over a task's traces of their mean clipped rank, over the mean of their mean nll. Lower is better.

    Returns
    -------
    rank per nat, indexed by task; infinite for a model that is certain of every token

    Notes
    -----
    Source: arXiv 2601.14249 and its code: the rank is #greater + 1, not the mid-rank of `statistics`, clipped at 100, so a
    model with constant logits gets 1 / log V, lower than a good model. It was made to choose texts for one model; here the
    texts are fixed and models are compared, where a lower nll raises it: its sign over models is not theirs to vouch for.
    """
    number, keys = numbered(tokens)
    rank = np.minimum(tokens["n_greater"].to_numpy(float) + 1, CLIPPED_RANK)
    of_trace = pd.DataFrame({"rank": rank, "nll": tokens["nll"].to_numpy(float)}).groupby(number).mean().set_axis(keys)
    means = of_trace.groupby(level="task", sort=False).mean()
    return (means["rank"] / means["nll"]).rename("rank_surprisal_ratio")


def _groups(place: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The library cut where tokens and texts begin: where each piece starts, and the piece of every token.

    A token reaches to where the next one begins; tokens inside one character share its piece.
    """
    starts = np.union1d(place, base[:-1])
    return starts, np.searchsorted(starts, place)


def _expert_probability(expert: pd.DataFrame, library: Library) -> np.ndarray:
    """Probability of the expert's token that each character of the library belongs to, NaN where none is scored."""
    number, rows = numbered(expert)
    missing = library.keys[~library.keys.isin(rows)]
    if len(missing):
        raise UserError(f"expert tokens: trace {missing[0][0]}/{missing[0][1]} is missing")
    number = library.keys.get_indexer(rows)[number]
    asked = number >= 0
    place = library.places(number[asked], expert["offset"].to_numpy(np.int64)[asked])
    starts, group = _groups(place, library.base)
    # tokens that spell one character between them are one event
    nll = np.bincount(group, expert["nll"].to_numpy(float)[asked], len(starts))
    scored = np.bincount(group, minlength=len(starts)) > 0
    return np.repeat(np.where(scored, np.exp(-nll), np.nan), np.diff([*starts, library.base[-1]]))


def _reasoning_letters(solutions: list[str]) -> np.ndarray:
    """Whether each character is a letter or digit in front of the line that gives the answer."""
    ends = [("\n" + text).rfind("\nanswer ") for text in solutions]
    blanked = [text if end < 0 else text[:end] + " " * (len(text) - end) for text, end in zip(solutions, ends, strict=True)]
    return np.array([character.isalnum() for character in "".join(blanked)])


def rbridge(tokens: pd.DataFrame, expert_tokens: pd.DataFrame, texts: pd.Series) -> pd.Series:
    """Mean nll of the reasoning, each token weighted by how sure the expert is of its letters. Lower is better.

    Parameters
    ----------
    tokens : rows of the candidate
    expert_tokens : rows of the expert model over at least the same traces; its tokenizer may be another one
    texts : solutions of the traces; a last line that begins with `answer` and a space is the final answer and is discarded

    Returns
    -------
    nats per token, indexed by task. Of a trace: the mean over its tokens with letters of weight times nll, not divided by
    the sum of weights. A token's weight is the mean over its letters of the probability of the expert's token that the
    letter belongs to, stretched to [0, 1] over the trace; 1 throughout where all are the same. Of a task: the mean over
    its traces; one without a letter to score is left out, and a task without any is NaN.

    Raises
    ------
    UserError
        Traces that are missing among the texts or the expert's rows, or texts that do not fit the tokens.

    Notes
    -----
    Source: Koh et al. 2025 (arXiv 2509.21013), from the paper's text; no code of it is published. Ours: digits count as
    letters, since the lab's reasoning is mostly digits; a letter that several of the expert's tokens spell has their joint
    probability; a letter outside the expert's scored rows does not count. In nats per token, so not comparable across
    tokenizers. The stretching gives the expert's least certain token, often the one that matters, no weight at all.
    """
    number, keys = numbered(tokens)
    library = library_of(keys, texts)
    starts, group = _groups(library.places(number, tokens["offset"].to_numpy(np.int64)), library.base)
    probability = _expert_probability(expert_tokens, library)
    letter = _reasoning_letters(library.solutions) & np.isfinite(probability)
    count = np.add.reduceat(letter.astype(float), starts)[group]
    mass = np.add.reduceat(np.where(letter, probability, 0.0), starts)[group]
    lettered = count > 0
    w, numbers = pd.Series(mass[lettered] / count[lettered]), number[lettered]
    least, most = (w.groupby(numbers).transform(end) for end in ("min", "max"))
    flat = most - least < SAME_PROBABILITY
    stretched = ((w - least) / (most - least).where(~flat, 1.0)).where(~flat, 1.0)
    of_trace = (stretched * tokens["nll"].to_numpy(float)[lettered]).groupby(numbers).mean()
    task = keys.get_level_values("task")
    return of_trace.groupby(task[of_trace.index]).mean().reindex(task.unique()).rename("rbridge").rename_axis("task")
