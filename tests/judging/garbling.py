"""Notes with letters struck wrongly: some still say what they should, some half of it, some nothing."""

import random


def garbled(note: str, rng: random.Random, most: int) -> str:
    """The note with up to `most` of its characters replaced by others."""
    characters = list(note)
    for _ in range(rng.randint(0, most)):
        characters[rng.randrange(len(characters))] = rng.choice("abc 123\n.:SOAP")
    return "".join(characters)
