"""The eighty proxy metrics: ten statistics of a token, averaged under eight weightings, from stored rows alone.

Source: Patel, Reddy, Mosbach and Bahdanau 2026 (arXiv 2605.18607). The paper's text was not at hand; where notes about it
leave a formula open, the choice is ours, marked so, and its alternatives are in `Definition`. No forward pass happens here.
Beside them stand three baselines from the same rows: bits per byte, the rank-surprisal ratio and rBridge.

`tokens` are always rows of `tokenstats.extract` of one model; `texts` is a Series of solutions indexed by (task, id).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.errors import UserError

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
SAME_PROBABILITY = 1e-6  # rBridge: below this spread of a trace's weights all of them are one
LEAST_TOKENS = 8  # a trace with fewer scored tokens says too little, for any model
ENTROPY_FLOOR = 0.01  # added to h before it is inverted; without it near-certain tokens would rule the weighting
CLIPPED_RANK = 100  # of the rank-surprisal ratio, as its authors have it
WORD = re.compile(r"\s*\S+|\s+")  # a word with the space before it; space at the end of a text is a word of its own


def name(statistic: str, weighting: str) -> str:
    """Column name of a proxy, such as ``top1|inverse_frequency``."""
    return f"{statistic}|{weighting}"


NAMES = tuple(name(statistic, weighting) for statistic in STATISTICS for weighting in WEIGHTINGS)

#: field of `Definition` -> what it may be, the default first
CHOICES = {
    "inverse_entropy": ("complement", "reciprocal"),
    "inverse_frequency": ("reciprocal", "complement"),
    "frequency_source": ("task", "all tasks", "text"),
    "gaussian": ("trace", "shared", "easy", "nat"),
    "rank": ("raw", "log", "share"),
    "ties": ("mid", "strict", "pessimistic"),
    "spread": ("token", "byte"),
}


@dataclass(frozen=True)
class Definition:
    """What the sources leave open about the eighty, with our defaults.

    Parameters
    ----------
    inverse_entropy : weight 1 - h ("complement") or 1 / (h + 0.01) ("reciprocal"), with h = entropy / log V
    inverse_frequency : weight 1 / f ("reciprocal") or 1 - f ("complement")
    frequency_source : f is the token's share of the tokens of its task ("task") or of all rows given ("all tasks"), or its
        word's share of the words of the task's texts ("text"; needs `with_word_frequency`)
    gaussian : centre and width of the kernel: mean and standard deviation of the trace's nll ("trace"), those of the task
        over a population of models ("shared"; needs `difficulty`), or the trace's width about 0 ("easy") or 1 nat ("nat")
    rank : the statistic rank is r ("raw"), log r ("log") or r / V ("share"); reciprocal rank is always 1 / r
    ties : a token tied with others has the middle of their ranks and the expected top-k under random tie-breaking ("mid"),
        the best of them, #greater + 1 ("strict"), or the worst, #greater + #equal ("pessimistic")
    spread : a token counts once ("token"), or once for each of its bytes ("byte"), see `by_trace`

    Raises
    ------
    UserError
        A value that is not in `CHOICES`.

    Notes
    -----
    "strict" gives a model with constant logits rank 1 and top-1 everywhere. 1 - f is almost uniform where no token is
    frequent. "shared" and the two fixed centres compare nll across tokenizers, which the default does not.
    """

    inverse_entropy: str = "complement"
    inverse_frequency: str = "reciprocal"
    frequency_source: str = "task"
    gaussian: str = "trace"
    rank: str = "raw"
    ties: str = "mid"
    spread: str = "token"

    def __post_init__(self) -> None:
        for field, allowed in CHOICES.items():
            if getattr(self, field) not in allowed:
                raise UserError(f"definition: {field} is '{getattr(self, field)}', expected one of {', '.join(allowed)}")


DEFAULT = Definition()
#: name -> definition: the default, then every other choice alone
DEFINITIONS = {"default": DEFAULT} | {
    f"{field.replace('_', ' ')}: {choice}": Definition(**{field: choice})
    for field, choices in CHOICES.items()
    for choice in choices[1:]
}


@dataclass(frozen=True)
class Window:
    """Which tokens of a trace count.

    Parameters
    ----------
    side : "last" or "first"
    share : of the trace's tokens or of its text's characters, above 0 and at most 1; rounded up
    unit : "tokens", of each tokenizer its own, or "characters", the same piece of text for every tokenizer

    Raises
    ------
    UserError
        A side, share or unit that does not exist.
    """

    side: str = "last"
    share: float = 1.0
    unit: str = "tokens"

    def __post_init__(self) -> None:
        for field, allowed in {"side": ("last", "first"), "unit": ("tokens", "characters")}.items():
            if getattr(self, field) not in allowed:
                raise UserError(f"window: {field} is '{getattr(self, field)}', expected {' or '.join(allowed)}")
        if not 0 < self.share <= 1:
            raise UserError(f"window: share is {self.share}, expected above 0 and at most 1")


WINDOWS = {
    "all": Window(),
    "last half": Window(share=0.5),
    "last quarter": Window(share=0.25),
    "last tenth": Window(share=0.1),
    "first half": Window("first", 0.5),
    "last half of the characters": Window(share=0.5, unit="characters"),
    "last quarter of the characters": Window(share=0.25, unit="characters"),
    "last tenth of the characters": Window(share=0.1, unit="characters"),
    "first half of the characters": Window("first", 0.5, "characters"),
}


class Traces(NamedTuple):
    """The proxies of every trace; both frames are indexed by (task, id), in order of first appearance.

    `values` is float64 [traces, proxies]; `fallback` is bool [traces, weightings], True where the weights of the trace
    vanish and uniform ones took their place. ``fallback.groupby("task").sum()`` counts them.
    """

    values: pd.DataFrame
    fallback: pd.DataFrame


def _numbered(tokens: pd.DataFrame) -> tuple[np.ndarray, pd.MultiIndex]:
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
    number, keys = _numbered(tokens)
    return keys[np.bincount(number) < least]


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


def _kernel(tokens: pd.DataFrame, gaussian: str, shared: pd.DataFrame | None) -> np.ndarray:
    """The Gaussian kernel over every token's nll, 1 everywhere in a trace without spread."""
    nll = tokens["nll"].to_numpy(float)
    if gaussian == "shared":
        if shared is None:
            raise UserError("definition: gaussian shared needs the difficulty of every task, see difficulty")
        missing = pd.Index(tokens["task"].unique()).difference(shared.index)
        if len(missing):
            raise UserError(f"difficulty: task {missing[0]} is missing")
        task, tasks = pd.factorize(tokens["task"])
        centre, spread = (shared[column].reindex(tasks).to_numpy(float)[task] for column in ("mean", "sd"))
    else:
        trace, _ = _numbered(tokens)
        size = np.bincount(trace)
        mean = (np.bincount(trace, nll) / size)[trace]
        spread = np.sqrt(np.bincount(trace, (nll - mean) ** 2) / size)[trace]
        centre = {"trace": mean, "easy": 0.0, "nat": 1.0}[gaussian]
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
    definition : its inverse_entropy, inverse_frequency, frequency_source and gaussian are read
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
        "gaussian_nll": lambda: _kernel(tokens, definition.gaussian, shared),
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
    trace, keys = _numbered(tokens)
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


class _Library(NamedTuple):
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


def _library(keys: pd.MultiIndex, texts: pd.Series | None) -> _Library:
    """The solutions of those traces, or a `UserError` that names the first one missing."""
    if texts is None:
        raise UserError("texts: needed here, a Series of solutions indexed by (task, id)")
    missing = keys[~keys.isin(texts.index)]
    if len(missing):
        raise UserError(f"texts: trace {missing[0][0]}/{missing[0][1]} is missing")
    solutions = texts.reindex(keys).to_list()
    return _Library(keys, solutions, np.cumsum([0, *map(len, solutions)]))


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
    number, keys = _numbered(tokens)
    position = tokens["position"].to_numpy(np.int64)
    first, last = (pd.Series(position).groupby(number).transform(end).to_numpy() for end in ("min", "max"))
    if window.unit == "characters":
        library, place = _library(keys, texts), tokens["offset"].to_numpy(np.int64)
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
    number, keys = _numbered(tokens)
    library = _library(keys, texts)
    starts, words = [], []
    for (task, _), base, text in zip(keys, library.base, library.solutions, strict=False):
        for found in WORD.finditer(text):
            starts.append(base + found.start())
            words.append((task, found[0].strip()))
    counts, totals = Counter(words), Counter(task for task, _ in words)
    share = np.array([counts[word] / totals[word[0]] for word in words])
    place = library.places(number, tokens["offset"].to_numpy(np.int64))
    return tokens.assign(word_frequency=share[np.searchsorted(starts, place, side="right") - 1])


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
    number, keys = _numbered(tokens)
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


def _expert_probability(expert: pd.DataFrame, library: _Library) -> np.ndarray:
    """Probability of the expert's token that each character of the library belongs to, NaN where none is scored."""
    number, own = _numbered(expert)
    missing = library.keys[~library.keys.isin(own)]
    if len(missing):
        raise UserError(f"expert tokens: trace {missing[0][0]}/{missing[0][1]} is missing")
    number = library.keys.get_indexer(own)[number]
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
    texts : solutions of the traces; a last line that begins with ``answer `` is the final answer and is discarded

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
    number, keys = _numbered(tokens)
    library = _library(keys, texts)
    starts, group = _groups(library.places(number, tokens["offset"].to_numpy(np.int64)), library.base)
    probability = _expert_probability(expert_tokens, library)
    letter = _reasoning_letters(library.solutions) & np.isfinite(probability)
    count = np.add.reduceat(letter.astype(float), starts)[group]
    mass = np.add.reduceat(np.where(letter, probability, 0.0), starts)[group]
    lettered = count > 0
    w, own = pd.Series(mass[lettered] / count[lettered]), number[lettered]
    least, most = (w.groupby(own).transform(end) for end in ("min", "max"))
    flat = most - least < SAME_PROBABILITY
    stretched = ((w - least) / (most - least).where(~flat, 1.0)).where(~flat, 1.0)
    of_trace = (stretched * tokens["nll"].to_numpy(float)[lettered]).groupby(own).mean()
    task = keys.get_level_values("task")
    return of_trace.groupby(task[of_trace.index]).mean().reindex(task.unique()).rename("rbridge").rename_axis("task")
