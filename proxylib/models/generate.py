"""Completions in batches, greedy or sampled."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import NamedTuple

import torch
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerFast

from proxylib.errors import UserError
from proxylib.models.devices import in_batches
from proxylib.models.lengths import ways_of
from proxylib.models.tokenizers import prompt_ids


class Completion(NamedTuple):
    """What a model writes after a prompt, and whether it ended that itself; else it was cut."""

    text: str
    finished: bool


def completions(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[str],
    max_new_tokens: int,
    batch: int,
    sample_seed: int | None = None,
    chat: bool = False,
    temperature: float = 1.0,
) -> list[Completion]:
    """The model's completion of each prompt, greedy or, with a seed, sampled at a temperature.

    With `chat`, a prompt is a user's turn in the tokenizer's template (see `tokenizers.prompt_ids`). Prompts are padded on the
    left to the longest of their batch and masked; they are sorted by length first, so that little is padded. The order of
    the result is that of the prompts. A completion ends at the tokenizer's end token, which fine-tunes learn, at one of the
    model's generation config, or after `max_new_tokens`. Nothing else of that config counts: greedy is greedy.

    Notes
    -----
    Padding and batch size change the last bits of logits, and a greedy choice between near-equal tokens may follow.
    The batch size is therefore part of an evaluation's config; where memory forces a smaller one, a line says so.
    """
    ids = [prompt_ids(tokenizer, prompt, chat) for prompt in prompts]
    rows = model.get_input_embeddings().weight.shape[0]
    for number, most in enumerate((max(row, default=0) for row in ids), 1):
        if most >= rows:
            word = tokenizer.convert_ids_to_tokens(most)
            raise UserError(f"prompt {number}: holds the token {word!a}, which lies behind the model's last row; leave it out")
    order = sorted(range(len(prompts)), key=lambda index: (len(ids[index]), index))
    model.eval()
    settings = _settings(model, tokenizer, max_new_tokens, None if sample_seed is None else temperature)
    ways = ways_of(model.config)
    if ways.switches or ways.grows:  # every position hangs on the longest of its batch: each is written alone
        batch = 1

    def write(chosen: list[int]) -> list[Completion]:
        if ways.grows:  # and on the longest that the model has seen; one token resets that
            model(input_ids=torch.tensor([ids[chosen[0]][:1]], device=model.device), use_cache=False)
        return _continue(model, tokenizer, [ids[index] for index in chosen], settings)

    with _only(model, settings), torch.random.fork_rng():  # sampling leaves the caller's random numbers as they were
        torch.manual_seed(sample_seed or 0)
        sorted_completions = itertools.chain.from_iterable(in_batches(order, batch, write)[0])
    by_index = dict(zip(order, sorted_completions, strict=True))
    return [by_index[index] for index in range(len(prompts))]


def described(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, max_new_tokens: int) -> str:
    """How `completions` are written, for a manifest: greedy, at most so many tokens, up to one of these."""
    ends = ", ".join(f"{token} {tokenizer.convert_ids_to_tokens(token)}" for token in _ends(model, tokenizer))
    return f"greedy, at most {max_new_tokens} tokens, to {ends or 'no end token'}"


def _settings(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, max_new_tokens: int, temperature: float | None
) -> GenerationConfig:
    """All that decides how is written: nothing of a model's own settings but its end tokens; no temperature is greedy."""
    eos = tokenizer.eos_token_id
    greedy = temperature is None
    return GenerationConfig(
        do_sample=not greedy,
        top_k=None if greedy else 0,  # 0: no token is left out
        temperature=temperature,
        num_beams=1,
        max_new_tokens=max_new_tokens,
        pad_token_id=eos if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
        eos_token_id=_ends(model, tokenizer) or None,
        bos_token_id=tokenizer.bos_token_id,
    )


@contextlib.contextmanager
def _only(model: PreTrainedModel, settings: GenerationConfig) -> Iterator[None]:
    """With the model's own settings put aside: transformers fills up from them what a call leaves open."""
    before, model.generation_config = model.generation_config, settings
    try:
        yield
    finally:
        model.generation_config = before


def _continue(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, batch: list[list[int]], settings: GenerationConfig
) -> list[Completion]:
    pad, ends = settings.pad_token_id, settings.eos_token_id or ()
    longest = max(map(len, batch))
    rows = torch.tensor([[pad] * (longest - len(ids)) + ids for ids in batch], device=model.device)
    mask = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in batch], device=model.device)
    with torch.inference_mode():
        out = model.generate(input_ids=rows, attention_mask=mask, generation_config=settings)
    new = out[:, longest:].tolist()
    return [Completion(tokenizer.decode(row, skip_special_tokens=True), not set(ends).isdisjoint(row)) for row in new]


def _ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """Tokens that end a completion: the config's, several where an answer is a line, and the tokenizer's; they may differ."""
    stated = model.generation_config.eos_token_id
    stated = stated if isinstance(stated, list) else [stated]
    possible = range(model.config.get_text_config().vocab_size)
    tokens = (token for token in (*stated, tokenizer.eos_token_id) if type(token) is int and token in possible)
    return list(dict.fromkeys(tokens))
