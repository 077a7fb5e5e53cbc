"""How typical a note reads, whatever was said: what a judge rewards that is taken in by the sound of an expert."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

PIECE = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|[^\w\s]|\n")
NUMBER, NAME, BEGIN, END = "<number>", "<name>", "<begin>", "<end>"


def pieces(note: str, given: Collection[str]) -> list[str]:
    """Words, marks and line ends; numbers are one word, and so is everything that is not of the domain's language."""
    named = (
        NUMBER if piece[0].isdigit() else NAME if piece.isalpha() and piece not in given else piece
        for piece in PIECE.findall(note.strip())
    )
    return [BEGIN, *named, END]


class Bigrams(NamedTuple):
    """A language model of pairs of neighbours, one added to every count; `given`: the words that are kept."""

    given: Collection[str]
    pairs: Counter
    firsts: Counter
    vocabulary: int

    @classmethod
    def fitted(cls, notes: Iterable[str], given: Collection[str]) -> Bigrams:
        """Counts over notes."""
        texts = [pieces(note, given) for note in notes]
        pairs = Counter(pair for text in texts for pair in pairwise(text))
        firsts = Counter(piece for text in texts for piece in text[:-1])
        return cls(given, pairs, firsts, len({piece for text in texts for piece in text}) + 1)

    def score(self, note: str) -> float:
        """Mean log probability (nats) of a note's pieces; low where a note says nothing, as no expert's ends at once."""
        text = pieces(note, self.given)
        return float(
            np.mean([np.log((self.pairs[pair] + 1) / (self.firsts[pair[0]] + self.vocabulary)) for pair in pairwise(text)])
        )
