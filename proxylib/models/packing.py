"""Documents packed into rows: whole ones side by side, none of which sees another."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import torch
from transformers import PreTrainedTokenizerFast

from proxylib.models import tokenizers

OPEN = 16  # rows that may still take a document: about two percent of the places stay empty
IGNORE = -100  # torch's cross-entropy skips this label


class Special(NamedTuple):
    """Ids of the tokens that open and close a document and that fill a row."""

    bos: int
    eos: int
    pad: int


class Rows(NamedTuple):
    """Packed documents: ids and positions [rows, context], labels likewise with `IGNORE` on padding and on each bos.

    Positions start at 0 in every document; transformers reads them as document borders, so that no document sees
    another of its row.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    labels: torch.Tensor

    def part(self, start: int, stop: int) -> Rows:
        """Rows from start to stop."""
        return Rows(*(tensor[start:stop] for tensor in self))

    @property
    def tokens(self) -> int:
        """Tokens that are predicted."""
        return int((self.labels != IGNORE).sum())


def pack(documents: Iterator[list[int]], rows: int | None, context: int, special: Special) -> Rows:
    """Fill rows with whole documents, each between bos and eos, until so many are full or the documents end.

    A document goes to the first of `OPEN` rows that has room for it; if none has, the oldest is closed. One longer than
    a row is cut.
    """
    closed: list[list[list[int]]] = []
    opened: list[list[list[int]]] = [[]]
    for document in documents:
        tokens = [special.bos, *document, special.eos][:context]
        for row in opened:
            if sum(map(len, row)) + len(tokens) <= context:
                row.append(tokens)
                break
        else:
            if len(opened) == OPEN:
                closed.append(opened.pop(0))
            opened.append([tokens])
        if rows is not None and len(closed) == rows:
            break
    else:
        closed += opened
    ids = torch.full((len(closed), context), special.pad)
    positions, labels = torch.zeros_like(ids), torch.full_like(ids, IGNORE)
    for index, row in enumerate(closed):
        place = 0
        for tokens in row:
            stop = place + len(tokens)
            ids[index, place:stop] = labels[index, place:stop] = torch.tensor(tokens)
            positions[index, place:stop] = torch.arange(len(tokens))
            labels[index, place] = IGNORE  # what opens a document follows from nothing
            place = stop
        positions[index, place:] = torch.arange(context - place)  # padding is a document of its own
    return Rows(ids, positions, labels)


def encoded(tokenizer: PreTrainedTokenizerFast, texts: Iterator[str], at_once: int = 512) -> Iterator[list[int]]:
    """Token ids of texts without end, so many encoded together."""
    while True:
        yield from tokenizers.encode(tokenizer, list(itertools.islice(texts, at_once)))
