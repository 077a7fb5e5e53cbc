"""Completions in batches, greedy or sampled."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.models.devices import in_batches
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
    model's generation config, or after `max_new_tokens`.

    Notes
    -----
    Padding and batch size change the last bits of logits, and a greedy choice between near-equal tokens may follow.
    The batch size is therefore part of an evaluation's config; where memory forces a smaller one, a line says so.
    """
    ids = [prompt_ids(tokenizer, prompt, chat) for prompt in prompts]
    order = sorted(range(len(prompts)), key=lambda index: (len(ids[index]), index))
    model.eval()
    sampling = {"do_sample": False}
    if sample_seed is not None:
        sampling = {"do_sample": True, "top_k": 0, "temperature": temperature}  # 0: no token is left out
    write = lambda chosen: _continue(model, tokenizer, [ids[index] for index in chosen], max_new_tokens, sampling)
    with torch.random.fork_rng():  # sampling leaves the caller's random numbers as they were
        torch.manual_seed(sample_seed or 0)
        sorted_completions = itertools.chain.from_iterable(in_batches(order, batch, write)[0])
    by_index = dict(zip(order, sorted_completions, strict=True))
    return [by_index[index] for index in range(len(prompts))]


def _continue(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    batch: list[list[int]],
    max_new_tokens: int,
    sampling: dict[str, Any],
) -> list[Completion]:
    eos, ends = tokenizer.eos_token_id, _ends(model, tokenizer)
    pad = eos if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    longest = max(map(len, batch))
    rows = torch.tensor([[pad] * (longest - len(ids)) + ids for ids in batch], device=model.device)
    mask = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in batch], device=model.device)
    with torch.inference_mode():
        out = model.generate(
            input_ids=rows,
            attention_mask=mask,
            **sampling,
            num_beams=1,
            max_new_tokens=max_new_tokens,
            pad_token_id=pad,
            eos_token_id=ends or None,
            bos_token_id=tokenizer.bos_token_id,
        )
    new = out[:, longest:].tolist()
    return [Completion(tokenizer.decode(row, skip_special_tokens=True), not set(ends).isdisjoint(row)) for row in new]


def _ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """Tokens that end a completion: the config's, several where an answer is a line, and the tokenizer's; they may differ."""
    stated = model.generation_config.eos_token_id
    stated = stated if isinstance(stated, list) else [stated]
    return [token for token in dict.fromkeys([*stated, tokenizer.eos_token_id]) if token is not None]
