"""Lengths at which a model changes its ways, as its config names them: passes never cross them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from transformers import PretrainedConfig

ORIGINAL, POSITIONS = "original_max_position_embeddings", "max_position_embeddings"
LONG, DYNAMIC = ("longrope", "su"), "dynamic"  # "su" is what the first Phi-3 called it
#: settings under which architectures keep how far attention looks, or in which pieces it is computed
REACH = re.compile("window|chunk|block_size|topk|top_k|local|num_ctx")


class Ways(NamedTuple):
    """What depends on the length of a pass.

    switches : every position of a longer pass is encoded otherwise (LongRoPE)
    grows : every position of a longer pass is encoded by its length (dynamic NTK), and by what the model has seen before
    turns : attention of longer passes is laid out otherwise; nothing should change, so it is worth a trial
    """

    switches: tuple[int, ...] = ()
    grows: tuple[int, ...] = ()
    turns: tuple[int, ...] = ()

    def at(self, length: int) -> tuple[int, ...]:
        """What a pass of that length does: only traces with the same answer may share it, or a prompt kept in a cache."""
        return (*(int(length > place) for place in self.switches), *(max(length, place) for place in self.grows))

    def turned(self, length: int) -> tuple[bool, ...]:
        """Which of all those lengths a pass is beyond."""
        return tuple(length > place for place in (*self.switches, *self.grows, *self.turns))


def ways_of(config: PretrainedConfig) -> Ways:
    """The lengths that a config names, wherever in it they stand (layers of several types have a rope each)."""
    parts = list(_parts(config.to_dict()))
    kinds = [str(part.get("rope_type") or part.get("type") or "").lower() for part in parts]
    sizes = lambda *names: {part[name] for part in parts for name in names if _is_length(part.get(name))}
    long = any(kind in LONG or "long_factor" in part for kind, part in zip(kinds, parts, strict=True))
    switches = (sizes(ORIGINAL) or sizes(POSITIONS)) if long else set()
    grows = sizes(ORIGINAL, POSITIONS) if any(DYNAMIC in kind for kind in kinds) else set()
    reach = {name for part in parts for name in part if REACH.search(str(name))}
    return Ways(tuple(sorted(switches)), tuple(sorted(grows)), tuple(sorted(sizes(*reach) - switches - grows)))


def _parts(value: Any) -> Iterator[dict]:
    """A dictionary and all that stand inside it."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _parts(inner)


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 1
