"""Token rows and the texts that they cover: traces numbered, windows cut, words counted."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.measure.proxies.definitions import Window

LEAST_TOKENS = 8  # a trace with fewer scored tokens says too little, for any model
WORD = re.compile(r"\s*\S+|\s+")  # a word with the space before it; space at the end of a text is a word of its own


def numbered(tokens: pd.DataFrame) -> tuple[np.ndarray, pd.MultiIndex]:
    """Each row's trace as a number, counted by first appearance, and the (task, id) that each number stands for."""
    if not len(tokens):
        raise UserError("tokens: there are no rows")
    task, tasks = pd.factorize(tokens["task"])
    trace, ids = pd.factorize(tokens["id"])
    number, pairs = pd.factorize(task * len(ids) + trace)
    return number, pd.MultiIndex.from_arrays([tasks[pairs // len(ids)], ids[pairs % len(ids)]], names=["task", "id"])


def short_traces(tokens: pd.DataFrame, least: int = LEAST_TOKENS) -> pd.MultiIndex:
    """(task, id) of the traces with fewer than `least` scored tokens.

    Notes
    -----
    Drop what any one model finds short for all models: a long vocabulary shortens every trace, and means over different
    items are no comparison.
    """
    number, keys = numbered(tokens)
    return keys[np.bincount(number) < least]


class Library(NamedTuple):
    """The solutions of traces laid end to end: their (task, id), texts, and where each begins and the last one ends."""

    keys: pd.MultiIndex
    solutions: list[str]
    base: np.ndarray

    def places(self, number: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Character of the whole at which a token begins, from its trace's number and its offset in the solution."""
        place = self.base[number] + offset
        beyond = place >= self.base[number + 1]
        if beyond.any():
            task, item = self.keys[number[np.argmax(beyond)]]
            raise UserError(f"texts: trace {task}/{item} has a token beyond its end; texts and tokens do not belong together")
        return place


def library_of(keys: pd.MultiIndex, texts: pd.Series | None) -> Library:
    """The solutions of those traces, or a `UserError` that names the first one missing."""
    if texts is None:
        raise UserError("texts: needed here, a Series of solutions indexed by (task, id)")
    missing = keys[~keys.isin(texts.index)]
    if len(missing):
        raise UserError(f"texts: trace {missing[0][0]}/{missing[0][1]} is missing")
    solutions = texts.reindex(keys).to_list()
    return Library(keys, solutions, np.cumsum([0, *map(len, solutions)]))


def windowed(tokens: pd.DataFrame, window: Window, texts: pd.Series | None = None) -> pd.DataFrame:
    """The rows of the tokens that count.

    Parameters
    ----------
    tokens : whole scored traces, positions without gaps
    texts : only for a window of characters

    Returns
    -------
    Those rows of `tokens` that begin inside the window; of every trace at least the outermost token on the window's side,
    also where it begins outside

    Raises
    ------
    UserError
        A window of characters without the texts, or with those of other traces.

    Notes
    -----
    Half of the tokens is not half of the text, and a different half for each tokenizer; only a window of characters gives
    all models the same text, up to the token that its edge cuts. What was before the window stays the model's context.
    """
    number, keys = numbered(tokens)
    position = tokens["position"].to_numpy(np.int64)
    first, last = (pd.Series(position).groupby(number).transform(end).to_numpy() for end in ("min", "max"))
    if window.unit == "characters":
        library, place = library_of(keys, texts), tokens["offset"].to_numpy(np.int64)
        library.places(number, place)  # refuses texts that are too short
        length = np.diff(library.base)[number]
    else:
        place, length = position - first, last - first + 1
    kept = np.ceil(window.share * length - 1e-9)  # 0.55 * 100 is 55.00000000000001
    if window.side == "last":
        return tokens[(place >= length - kept) | (position == last)]
    return tokens[(place < kept) | (position == first)]


def with_word_frequency(tokens: pd.DataFrame, texts: pd.Series) -> pd.DataFrame:
    """The rows with a column `word_frequency`, for the frequency source "text".

    Parameters
    ----------
    tokens : rows of any window
    texts : solutions of at least these traces

    Returns
    -------
    `tokens` and the column: of the word in which a token begins, its share of the words in the task's texts. Words are what
    white space parts; white space belongs to the word after it, at the end of a text to none.

    Raises
    ------
    UserError
        A text that is missing or too short.

    Notes
    -----
    Counted over the whole texts of the traces in `tokens` whatever the window, so that a place in the text weighs the
    same under every tokenizer. Numbers are words too, mostly rare ones.
    """
    number, keys = numbered(tokens)
    library = library_of(keys, texts)
    starts, words = [], []
    for (task, _), base, text in zip(keys, library.base, library.solutions, strict=False):
        for match in WORD.finditer(text):
            starts.append(base + match.start())
            words.append((task, match[0].strip()))
    counts, totals = Counter(words), Counter(task for task, _ in words)
    share = np.array([counts[word] / totals[word[0]] for word in words])
    place = library.places(number, tokens["offset"].to_numpy(np.int64))
    return tokens.assign(word_frequency=share[np.searchsorted(starts, place, side="right") - 1])
