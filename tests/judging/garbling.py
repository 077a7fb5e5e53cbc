"""Notes with letters struck wrongly: some still say what they should, some half of it, some nothing."""

import random
from collections.abc import Iterator, Sequence

from proxylib.data.domains.base import Example


def garbled(note: str, rng: random.Random, most: int) -> str:
    """The note with up to `most` of its characters replaced by others."""
    characters = list(note)
    for _ in range(rng.randint(0, most)):
        characters[rng.randrange(len(characters))] = rng.choice("abc 123\n.:SOAP")
    return "".join(characters)


def garbled_notes(examples: Sequence[Example], seed: int, most: int) -> Iterator[tuple[Example, str]]:
    """Every example with its expert's note `garbled`."""
    rng = random.Random(seed)
    for example in examples:
        yield example, garbled(example.note, rng, most)
