"""What a judge in a folder takes on this machine; of a server nobody knows before it has answered."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import PreTrainedModel

from proxylib.judging.settings import BATCH, LLMJudge
from proxylib.judging.spending import Estimate
from proxylib.models import folders, generate, loading, price, tokenizers
from proxylib.models.price import Price

READ, WRITTEN = 256, 8  # tokens that are tried
KEPT = 600  # bytes of an answer's file


def priced(settings: LLMJudge, expected: Estimate, out: Path) -> Price:
    """Of the questions of an estimate: every answer at its longest, as many together as there are, at most a batch.

    Parameters
    ----------
    settings : of a judge in a folder
    expected : calls, tokens in and out
    out : folder of the verdicts
    """
    folder = folders.locate(settings.model.partition("/")[2])
    place, dtype = settings.placed()
    judge, tokenizer = loading.load(folder, place, loading.DTYPES[dtype]), tokenizers.load(folder)
    device = str(judge.device)  # of layers over several GPUs, the first
    ids = torch.zeros(1, READ, dtype=torch.long, device=device)
    forward = lambda: judge(input_ids=ids, use_cache=False)
    several = max(1, min(BATCH, expected.calls))
    answers: list[generate.Completion] = []
    write = lambda: answers.extend(generate.completions(judge, tokenizer, ["note"] * several, WRITTEN, several))
    with torch.inference_mode():
        forward()  # threads start
        read, written = price.timed(forward, device) / READ, price.timed(write, device) / several
    ids = tokenizers.encode(tokenizer, [answer.text for answer in answers])  # fewer than asked for where an answer ends itself
    written /= max(1, *(len(row) + answer.finished for row, answer in zip(ids, answers, strict=True)))
    seconds = expected.tokens_in * read + expected.tokens_out * written
    total = expected.tokens_in + expected.tokens_out
    longest = expected.tokens_in / max(1, expected.calls) + expected.tokens_out / max(1, expected.calls)
    return price.of(
        total, total / seconds if total else 1.0, several * longest * _cached(judge), float(KEPT * expected.calls), device, out
    )


def _cached(judge: PreTrainedModel) -> float:
    """Bytes of keys and values of a token, all layers."""
    config = judge.config.get_text_config()
    heads = config.num_attention_heads
    groups = getattr(config, "num_key_value_heads", None) or heads
    head = getattr(config, "head_dim", None) or config.hidden_size // heads
    return 2.0 * config.num_hidden_layers * groups * head * judge.dtype.itemsize
