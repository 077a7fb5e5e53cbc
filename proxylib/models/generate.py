"""Answers in batches, greedy or sampled."""

from __future__ import annotations

import itertools

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from .devices import in_batches
from .tokenizers import front


def answers(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[str],
    new_tokens: int,
    batch: int,
    sample_seed: int | None = None,
    chat: bool = False,
) -> list[str]:
    """The model's continuation of each prompt, greedy or sampled at temperature 1.

    With `chat`, a prompt is a user's turn in the tokenizer's template (see `tokenizers.front`). Prompts are padded on the
    left to the longest of their batch and masked; they are sorted by length first, so that little is padded. The order of
    the result is that of the prompts. A continuation ends at an end token of the model's generation config or after
    `new_tokens`.

    Notes
    -----
    Padding and batch size change the last bits of logits, and a greedy choice between near-equal tokens may follow.
    The batch size is therefore part of an evaluation's config; where memory forces a smaller one, a line says so.
    """
    ids = [front(tokenizer, prompt, chat) for prompt in prompts]
    order = sorted(range(len(prompts)), key=lambda index: (len(ids[index]), index))
    model.eval()
    write = lambda chosen: _continue(model, tokenizer, [ids[index] for index in chosen], new_tokens, sample_seed is not None)
    with torch.random.fork_rng():  # sampling leaves the caller's random numbers as they were
        torch.manual_seed(sample_seed or 0)
        written = list(itertools.chain.from_iterable(in_batches(order, batch, write)[0]))
    texts = dict(zip(order, written, strict=True))
    return [texts[index] for index in range(len(prompts))]


def _continue(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, batch: list[list[int]], new_tokens: int, sampled: bool
) -> list[str]:
    eos = tokenizer.eos_token_id
    pad = eos if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    longest = max(map(len, batch))
    rows = torch.tensor([[pad] * (longest - len(ids)) + ids for ids in batch], device=model.device)
    mask = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in batch], device=model.device)
    with torch.inference_mode():
        out = model.generate(
            input_ids=rows,
            attention_mask=mask,
            **({"do_sample": True, "top_k": 0} if sampled else {"do_sample": False}),  # 0: no token is left out
            num_beams=1,
            max_new_tokens=new_tokens,
            pad_token_id=pad,
            eos_token_id=model.generation_config.eos_token_id or eos,  # several, where a model's answer is a line
            bos_token_id=tokenizer.bos_token_id,
        )
    return [tokenizer.decode(row[longest:], skip_special_tokens=True) for row in out]
