"""Training text: documents of the tasks in the expert's style, and English prose that every Python installation carries."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import lru_cache

from . import tasks
from .config import Material
from .store import sha256

PIECE = 160  # characters of a prose document: as long as a typical trace, so that one row holds several of either kind


@lru_cache(maxsize=1)
def prose() -> str:
    """The language reference as it ships in `pydoc_data`: about half a million characters of edited English."""
    from pydoc_data import topics

    text = "\n".join(topics.topics[name] for name in sorted(topics.topics))
    return re.sub(r"[^\x20-\x7e\n]+", " ", text)


def fingerprint() -> str:
    """SHA-256 of the prose: it differs between Python versions, so it is an input of every run that reads it."""
    return sha256(prose().encode())


def prose_pieces(held_out: bool) -> list[str]:
    """Prose cut into documents of `PIECE` characters at spaces; one in eight is held out.

    A piece's own text decides its side, so that a passage which the reference repeats is never on both.
    """
    words, pieces, current = prose().split(" "), [], ""
    for word in words:
        if len(current) + len(word) > PIECE:
            pieces.append(current.strip() + "\n")
            current = ""
        current += word + " "
    return [piece for piece in pieces if tasks.held_out(piece) == held_out]


def documents(config: Material, seed: int) -> Iterator[str]:
    """Endless training documents: a task problem with its solution, or prose, in random order.

    Tasks share the rest of the characters in equal numbers of documents.

    Parameters
    ----------
    config : tasks and share of prose
    seed : order of the documents; two training seeds see different problems of the same distribution
    """
    rng = random.Random(f"documents {config.seed} {seed}")
    families = [tasks.task(name) for name in config.tasks]
    pieces = prose_pieces(held_out=False)
    written = {"prose": 0, "task": 0}
    while True:
        behind = written["prose"] < config.prose_share * (written["prose"] + written["task"] + 1)
        if behind:
            text = rng.choice(pieces)
        else:
            problem = tasks.training_problem(rng.choice(families), rng)
            text = problem.prompt + problem.solution
        written["prose" if behind else "task"] += len(text)
        yield text


def sample(config: Material, characters: int) -> list[str]:
    """The first documents of a stream of its own, about so many characters: what tokenizers are trained on."""
    kept, total = [], 0
    for text in documents(config, seed=-1):
        kept.append(text)
        total += len(text)
        if total >= characters:
            return kept
    return kept
