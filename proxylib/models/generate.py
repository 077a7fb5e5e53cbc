"""Greedy answers in batches."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from .tokenizers import encode


def answers(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, prompts: list[str], new_tokens: int, batch: int
) -> list[str]:
    """The model's greedy continuation of each prompt, up to its end token or `new_tokens`.

    Prompts are padded on the left to the longest of their batch and masked; they are sorted by length first, so that
    little is padded. The order of the result is that of the prompts.

    Notes
    -----
    Padding and batch size change the last bits of logits, and a greedy choice between near-equal tokens may follow.
    The batch size is therefore part of an evaluation's config.
    """
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    pad = eos if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    ids = [[*([] if bos is None else [bos]), *tokens] for tokens in encode(tokenizer, prompts)]
    order = sorted(range(len(prompts)), key=lambda index: (len(ids[index]), index))
    texts = [""] * len(prompts)
    model.eval()
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        longest = max(len(ids[index]) for index in chosen)
        rows = torch.full((len(chosen), longest), pad)
        mask = torch.zeros_like(rows)
        for row, index in enumerate(chosen):
            rows[row, longest - len(ids[index]) :] = torch.tensor(ids[index])
            mask[row, longest - len(ids[index]) :] = 1
        with torch.inference_mode():
            out = model.generate(
                input_ids=rows.to(model.device),
                attention_mask=mask.to(model.device),
                do_sample=False,
                num_beams=1,
                max_new_tokens=new_tokens,
                pad_token_id=pad,
                eos_token_id=eos,
                bos_token_id=bos,
            )
        for row, index in enumerate(chosen):
            texts[index] = tokenizer.decode(out[row, longest:], skip_special_tokens=True)
    return texts
