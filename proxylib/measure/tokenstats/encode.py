"""A trace in a model's tokens: what stands in front, what is scored, and what became of the rest."""

from __future__ import annotations

from typing import NamedTuple

from transformers import PreTrainedTokenizerFast

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.models import tokenizers
from proxylib.models.chat import PromptError


class Unscorable(UserError):
    """A well-formed trace that this model cannot be asked about; `reason` says why in a few words."""

    def __init__(self, trace: Trace, reason: str):
        super().__init__(f"trace {trace.task}/{trace.id}: {reason}")
        self.reason = reason


class Window(NamedTuple):
    """How much of a solution's end is scored: at most so many tokens, and of these the ones within so many characters."""

    tokens: int
    characters: int | None = None


class Encoded(NamedTuple):
    """A trace in a model's tokens: `ids` with bos and prompt in front, of which the last `scored` are scored."""

    ids: list[int]
    scored: int
    offset: list[int]  # of each scored token: character of the solution at which it begins
    n_bytes: list[int]  # of each scored token: bytes that it adds to those before it, whatever the window
    truncated: int  # solution tokens that found no room in the context
    windowed: int  # solution tokens in front of the window: context, not scored
    prompt: int  # tokens in front of the solution


def encode(trace: Trace, tokenizer: PreTrainedTokenizerFast, window: Window, context: int, chat: bool = False) -> Encoded:
    """Prompt and solution tokenised separately and joined, cut to the context, windowed.

    The solution's segmentation so depends on the solution alone. Where the context is too short, the prompt is kept and
    the earliest solution tokens go; of what is left, the window's tokens are scored. Where nothing stands before the
    solution (no bos, an empty prompt), its first token is context.

    Raises
    ------
    Unscorable
        An empty solution, a prompt that fills the context by itself, or one that the chat template changes.
    """
    try:
        prompt = tokenizers.prompt_ids(tokenizer, trace.prompt, chat)
    except PromptError as error:
        raise Unscorable(trace, error.reason) from None
    solution, spans = tokenizers.encode_with_spans(tokenizer, trace.solution)
    if not solution:
        raise Unscorable(trace, "the solution is empty in this tokenizer")
    room = context - len(prompt)
    if room < 1:
        raise Unscorable(trace, f"no room for the solution: its prompt fills the context of {context} tokens")
    kept = solution[-room:]
    possible = len(kept) if prompt else len(kept) - 1  # what follows nothing has no prediction
    if possible < 1:
        raise Unscorable(trace, "a single token with nothing before it has no prediction")
    scored = min(window.tokens, possible)
    if window.characters is not None:
        begin = len(trace.solution) - window.characters
        scored = min(scored, sum(start >= begin for start, _ in spans))
        if not scored:
            raise Unscorable(trace, f"no token begins in the last {window.characters} characters")
    # A token has the bytes from where the one before it ended, so that a space left out of its span is counted, and
    # of several tokens inside one character only the first.
    sizes, done = [], spans[-scored - 1][1] if scored < len(spans) else 0
    for _, end in spans[-scored:]:
        sizes.append(len(trace.solution[done:end].encode()))
        done = max(done, end)
    sizes[-1] += len(trace.solution[done:].encode())
    starts = [start for start, _ in spans[-scored:]]
    truncated = len(solution) - len(kept)
    return Encoded([*prompt, *kept], scored, starts, sizes, truncated, len(kept) - scored, len(prompt))


def boundary_moves(trace: Trace, tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether prompt and solution would be cut elsewhere if they were tokenised as one text."""
    apart = [*tokenizers.encode(tokenizer, [trace.prompt])[0], *tokenizers.encode(tokenizer, [trace.solution])[0]]
    return tokenizers.encode(tokenizer, [trace.prompt + trace.solution])[0] != apart
