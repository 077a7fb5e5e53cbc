"""What a LoRA fine-tune takes, by arithmetic from a model's shape: operations, bytes, hours. Nothing is built or tried out.

A product of a vector and a matrix of n entries is 2 n operations. Forward and backward of a frozen matrix are one such
product each, as its own gradient is not needed; activations that are computed again for the backward pass are a third.
"""

from __future__ import annotations

from typing import NamedTuple

WIDE, NARROW = 4, 2  # bytes of a float32 and of a bfloat16
STATES = 4  # of a trained parameter: itself, its gradient and two of AdamW, all float32


class Shape(NamedTuple):
    """A decoder as its config says: gated feed-forward blocks, grouped attention.

    Parameters
    ----------
    groups : key and value heads
    head : entries of a head
    tied : whether the embedding is the output layer too
    experts, active : feed-forward blocks of a layer, and how many of them a token passes; `intermediate` is one of them
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    groups: int
    head: int
    vocabulary: int
    tied: bool = False
    experts: int = 1
    active: int = 1

    @property
    def attention(self) -> int:
        """Entries of a layer's attention matrices."""
        return self.hidden * self.head * 2 * (self.heads + self.groups)

    @property
    def expert(self) -> int:
        """Entries of one gated feed-forward block."""
        return 3 * self.hidden * self.intermediate

    @property
    def router(self) -> int:
        """Entries of a layer's router."""
        return self.hidden * self.experts if self.experts > 1 else 0

    @property
    def table(self) -> int:
        """Entries of the embedding, or of the output layer."""
        return self.vocabulary * self.hidden

    @property
    def parameters(self) -> int:
        """All of them but the norms, which are a ten-thousandth."""
        blocks = self.layers * (self.attention + self.router + self.experts * self.expert)
        return blocks + self.table * (1 if self.tied else 2)

    @property
    def passed(self) -> int:
        """Entries of the layers' matrices that a token meets, the output layer apart."""
        return self.layers * (self.attention + self.router + self.active * self.expert)

    def trained(self, rank: int) -> int:
        """Parameters of an adapter on every linear layer; of a mixture of experts on attention alone.

        Notes
        -----
        transformers keeps all experts of a layer in one tensor, which "all-linear" leaves alone.
        """
        queries, keys = self.heads * self.head, self.groups * self.head
        sides = 2 * (self.hidden + queries) + 2 * (self.hidden + keys)
        if self.experts == 1:
            sides += 3 * (self.hidden + self.intermediate)
        return self.layers * rank * sides


def passes(parameters: float, tokens: float, recompute: bool) -> float:
    """Operations of forward and backward through frozen matrices."""
    return (6 if recompute else 4) * parameters * tokens


def operations(shape: Shape, tokens: float, length: int, rank: int, recompute: bool) -> float:
    """Operations of training on so many tokens in texts of a length.

    Notes
    -----
    Of attention's scores half are counted, as no token looks ahead; a kernel that computes all of them does more and is no
    faster for it. Norms, activations and the optimiser are left out: a hundredth.
    """
    again = 1 if recompute else 0
    layers = passes(shape.passed, tokens, recompute)
    output = passes(shape.table, tokens, recompute=False)  # is not computed again
    scores = (3 + again) * 2 * length * shape.heads * shape.head * shape.layers * tokens
    adapters = (6 + 2 * again) * shape.trained(rank) * tokens
    return layers + output + scores + adapters


def fixed_bytes(shape: Shape, rank: int) -> float:
    """Bytes on every GPU before any text: weights in bfloat16, and the adapter with its gradient and AdamW's states."""
    return NARROW * shape.parameters + WIDE * STATES * shape.trained(rank)


def text_bytes(shape: Shape, length: int, recompute: bool) -> float:
    """Bytes that one text of a length takes in a pass.

    Notes
    -----
    A block keeps about six vectors of the hidden size, its queries, keys, values and their result, and four of the
    feed-forward's size, all in bfloat16; with `recompute` each layer keeps its input, and one layer at a time all, with its
    gradients. Logits stand in bfloat16 and, with their gradient, in float32.
    """
    heads = 2 * (shape.heads + shape.groups) * shape.head
    block = NARROW * length * (6 * shape.hidden + heads + 4 * shape.active * shape.intermediate)
    layers = shape.layers * NARROW * length * shape.hidden + 2 * block if recompute else (shape.layers + 1) * block
    return layers + length * shape.vocabulary * (NARROW + 2 * WIDE)


def hours(work: float, peak: float, utilisation: float) -> float:
    """GPU hours of so many operations on GPUs of `peak` operations a second, of which a share is reached."""
    return work / (peak * utilisation) / 3600
