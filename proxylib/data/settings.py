"""What models read and are asked: settings that enter the identity of a run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from proxylib.data import domains
from proxylib.settings import Frozen


class Material(Frozen):
    """What models read and are asked: traces, training text, tokenizers."""

    tasks: tuple[str, ...] = Field(min_length=1)
    items: int = Field(ge=6, description="evaluation problems per task")
    prose_items: int = Field(ge=2, description="held-out documents of prose, for the generic loss")
    bpe_vocabulary: int = Field(ge=300, description="entries of a byte-pair tokenizer")
    seed: int = Field(ge=0)


class ScribeMaterial(Frozen):
    """Dialogues and notes of one domain, and the tokenizer that all its models share.

    The domain is left out where it is the scribe's, as runs recorded before there was another do not name it.
    """

    domain: Literal[domains.NAMES] = Field(default=domains.SCRIBE, exclude_if=lambda name: name == domains.SCRIBE)
    vocabulary: int = Field(ge=300, description="entries of the byte-pair tokenizer")
    examples: int = Field(ge=1, description="most examples that a fine-tune sees")
    tests: int = Field(ge=4, description="dialogues with unseen names: notes are written and judged on these")
    seed: int = Field(ge=0)
