"""The loss by domain: held-out documents of every source that a mix may hold."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data import corpora, tasks
from proxylib.data.settings import Material
from proxylib.models import pretrain, tokenizers
from proxylib.models.packing import Special, pack

STYLES = ("other", "answer")  # of worked solutions beside the expert's, whose tasks are domains of their own
SEED = 2  # added to the material's: apart from the problems that are scored, and from those of the held-out loss


def documents(material: Material, number: int) -> dict[str, list[str]]:
    """Domain -> so many held-out documents.

    Domains are the expert's solutions of each task; solutions in the other style and answers alone, the tasks in turn; prose
    and code.
    """
    seed = material.seed + SEED
    drawn = {name: tasks.evaluation_problems(tasks.task(name), number, seed) for name in material.tasks}
    texts = {name: [trace.prompt + trace.solution for trace, _ in pairs] for name, pairs in drawn.items()}
    in_turn = [pairs[place][1] for place in range(number) for pairs in drawn.values()][:number]
    texts |= {style: [problem.prompt + problem.solution(style) for problem in in_turn] for style in STYLES}
    for name, text in (("prose", corpora.prose()), ("code", corpora.code())):
        held_out = corpora.pieces(text, held_out=True)
        texts[name] = random.Random(f"{name} {seed}").sample(held_out, min(number, len(held_out)))
    return texts


def packed(texts: Mapping[str, list[str]], tokenizer: PreTrainedTokenizerFast, context: int) -> dict[str, pretrain.HeldOut]:
    """Domain -> its documents as rows, none of which sees another."""
    special = Special(tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    rows = {name: pack(iter(tokenizers.encode(tokenizer, part)), None, context, special) for name, part in texts.items()}
    return {name: pretrain.HeldOut(rows[name], sum(len(text.encode()) for text in part)) for name, part in texts.items()}


def losses(model: PreTrainedModel, domains: Mapping[str, pretrain.HeldOut]) -> pd.DataFrame:
    """Columns domain, nll (nats per predicted token), bits_per_byte; see `pretrain.held_out_loss`."""
    rows = [(name, *pretrain.held_out_loss(model, *part)) for name, part in domains.items()]
    return pd.DataFrame(rows, columns=["domain", "nll", "bits_per_byte"])
