"""What a program can say of a note by its words alone, beside the expert's note and the dialogue."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from proxylib.studies.real_notes.candidates import BREVITY

WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
NEGATIONS = frozenset(WORD.findall("no not none never without denies denied negative nor neither cannot nothing unremarkable"))
COUNTS = frozenset(
    WORD.findall(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
        "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand"
    )
)


def words(text: str) -> list[str]:
    """Words in small letters, and numbers."""
    return WORD.findall(text.lower())


def rouge_n(note: str, reference: str, n: int = 1) -> tuple[float, float, float]:
    """Precision, recall and F1 of runs of n words, as ROUGE counts them (Lin 2004), not stemmed; 0 if none is shared."""
    said, wanted = (Counter(zip(*(words(text)[start:] for start in range(n)), strict=False)) for text in (note, reference))
    return _shares(sum((said & wanted).values()), sum(said.values()), sum(wanted.values()))


def rouge_l(note: str, reference: str) -> float:
    """F1 by the longest sequence of words that both have in this order."""
    said, wanted = words(note), words(reference)
    return _shares(_common(said, wanted), len(said), len(wanted))[2]


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    lengths = [0] * (len(b) + 1)
    for word in a:
        before = 0
        for place, other in enumerate(b, 1):
            before, lengths[place] = lengths[place], before + 1 if word == other else max(lengths[place], lengths[place - 1])
    return lengths[-1]


def _shares(shared: int, said: int, wanted: int) -> tuple[float, float, float]:
    if not shared:
        return 0.0, 0.0, 0.0
    return shared / said, shared / wanted, 2 * shared / (said + wanted)


def content(text: str) -> set[str]:
    """Words that carry meaning: no function words, but negations and numbers."""
    return {word for word in words(text) if word in NEGATIONS or word in COUNTS or word not in _function_words()}


@lru_cache
def _function_words() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return ENGLISH_STOP_WORDS


def covered(note: str, reference: str) -> float:
    """Share of the reference's content words that the note has; 1 where it has none to cover."""
    wanted = content(reference)
    return len(wanted & content(note)) / len(wanted) if wanted else 1.0


def supported(note: str, dialogue: str) -> float:
    """Share of the note's content words that the dialogue has; 1 for a note without any, which invents nothing.

    Notes
    -----
    Clinical words for lay ones, and numbers in digits that were spoken, count as unsupported.
    """
    said = content(note)
    return len(said & content(dialogue)) / len(said) if said else 1.0


def exact(note: str, reference: str) -> float:
    """F1 of numbers and negations; 1 where neither text has any."""
    said, wanted = (
        Counter(word for word in words(text) if word in NEGATIONS or word in COUNTS or word[0].isdigit())
        for text in (note, reference)
    )
    if not said and not wanted:
        return 1.0
    return _shares(sum((said & wanted).values()), sum(said.values()), sum(wanted.values()))[2]


def metrics(note: str, reference: str, dialogue: str) -> dict[str, float]:
    """Every metric of this kind, signed so that more is better, and the baseline `brevity`."""
    precision, recall, f1 = rouge_n(note, reference)
    return {
        "ROUGE-1": f1,
        "ROUGE-2": rouge_n(note, reference, 2)[2],
        "ROUGE-L": rouge_l(note, reference),
        "recall of words": recall,
        "precision of words": precision,
        "content covered": covered(note, reference),
        "numbers and negations": exact(note, reference),
        "supported by the dialogue": supported(note, dialogue),
        BREVITY: -float(len(words(note))),
    }
