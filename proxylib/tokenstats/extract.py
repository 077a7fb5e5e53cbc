"""One teacher-forced pass of a model over expert traces: a row per scored token."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from ..config import Extraction
from ..errors import UserError
from ..models import devices, loading, tokenizers
from ..store import Workspace
from ..traces import Trace, read
from .chunked import token_statistics

CHANGED_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling")  # Gemma 2 and 3, Cohere, Granite
PROBE_TOLERANCE = 1e-4  # of the largest logit; float32 sums in another order differ by about 1e-6


class Encoded(NamedTuple):
    """A trace in a model's tokens: `ids` with bos and prompt in front, of which the last `scored` are scored."""

    ids: list[int]
    scored: int
    offset: list[int]  # of each scored token: character of the solution at which it begins
    n_bytes: list[int]  # of each scored token: bytes that it adds; they sum to those of the scored text
    truncated: int  # solution tokens that found no room in the context
    windowed: int  # solution tokens in front of the window: context, not scored


def encode(trace: Trace, tokenizer: PreTrainedTokenizerFast, window: int, context: int) -> Encoded:
    """Prompt and solution tokenised separately and joined, cut to the context, windowed.

    The solution's segmentation so depends on the solution alone. Where the context is too short, the prompt is kept and
    the earliest solution tokens go; the last min(window, what is left) tokens are scored.

    Raises
    ------
    UserError
        An empty solution, or a prompt that fills the context by itself.
    """
    prompt = tokenizers.encode(tokenizer, [trace.prompt])[0]
    solution, spans = tokenizers.encode_with_spans(tokenizer, trace.solution)
    if not solution:
        raise UserError(f"trace {trace.task}/{trace.id}: the solution is empty in this tokenizer")
    first = [tokenizer.bos_token_id] if tokenizer.bos_token_id is not None else []
    room = context - len(first) - len(prompt)
    if room < 1 or not (first or prompt):
        raise UserError(f"trace {trace.task}/{trace.id}: no room for the solution after a prompt of {len(prompt)} tokens")
    kept = solution[-room:]
    scored = min(window, len(kept))
    # A token has the bytes from where the one before it ended, so that a space left out of its span is counted, and
    # of several tokens inside one character only the first.
    sizes, done = [], spans[-scored - 1][1] if scored < len(spans) else 0
    for _, end in spans[-scored:]:
        sizes.append(len(trace.solution[done:end].encode()))
        done = max(done, end)
    sizes[-1] += len(trace.solution[done:].encode())
    starts = [start for start, _ in spans[-scored:]]
    truncated = len(solution) - len(kept)
    return Encoded([*first, *prompt, *kept], scored, starts, sizes, truncated, len(kept) - scored)


def trunk(model: PreTrainedModel) -> torch.nn.Module:
    """The model without its head; refused by name if head and trunk do not give the model's own logits.

    Raises
    ------
    UserError
        If the model scales, caps or otherwise changes its logits after the head.
    """
    for name in CHANGED_LOGITS:
        if getattr(model.config, name, None) not in (None, 1, 1.0):
            raise UserError(f"model {type(model).__name__}: {name} changes its logits after the head; not supported")
    body, head = model.base_model, model.get_output_embeddings()
    if body is model or head is None:
        raise UserError(f"model {type(model).__name__}: has no separate trunk and head; it is not supported")
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, model.config.vocab_size, (1, 8), generator=generator).to(model.device)
    with torch.inference_mode():
        whole = model(input_ids=ids).logits
        apart = head(body(input_ids=ids).last_hidden_state)
    if (whole - apart).abs().max() > PROBE_TOLERANCE * whole.abs().max().clamp(min=1e-6):
        raise UserError(f"model {type(model).__name__}: changes its logits after the head (cap or scale); not supported")
    return body


def token_rows(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, traces: list[Trace], config: Extraction
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Statistics of every scored token, and one row per trace that accounts for all its tokens.

    Returns
    -------
    tokens : task, id, position (of the token in the solution, from 0), token, offset (character), n_bytes, then
        `chunked.STATISTICS`: nll and entropy float32 in nats, n_greater and n_equal int32, p_max float32
    items : task, id, and what became of the solution's tokens: truncated + windowed + scored is all of them
    """
    vocabulary = len(tokenizer)
    if vocabulary > model.get_output_embeddings().weight.shape[0]:
        raise UserError(
            f"tokenizer has {vocabulary} entries, model {model.get_output_embeddings().weight.shape[0]}: they do not belong "
            "together; give the tokenizer that was saved with the model"
        )
    context = getattr(model.config, "max_position_embeddings", 10**9)
    body, head = trunk(model), model.get_output_embeddings()
    encoded = [encode(trace, tokenizer, config.window, context) for trace in traces]
    order = sorted(range(len(traces)), key=lambda index: (len(encoded[index].ids), index))  # little padding
    parts: dict[int, pd.DataFrame] = {}
    for start in range(0, len(order), config.batch):
        chosen = order[start : start + config.batch]
        longest = max(len(encoded[index].ids) for index in chosen)
        ids = torch.zeros((len(chosen), longest), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, index in enumerate(chosen):
            ids[row, : len(encoded[index].ids)] = torch.tensor(encoded[index].ids)
            mask[row, : len(encoded[index].ids)] = 1
        with torch.inference_mode():
            # padding stands on the right, where causal attention never looks; the mask is for models that ask for it
            hidden = body(input_ids=ids.to(model.device), attention_mask=mask.to(model.device)).last_hidden_state
            rows, columns, lengths = [], [], []
            for row, index in enumerate(chosen):
                end, scored = len(encoded[index].ids), encoded[index].scored
                columns.append(torch.arange(end - scored, end))
                rows.append(torch.full((scored,), row))
                lengths.append(scored)
            row_ids, places = torch.cat(rows), torch.cat(columns)
            targets = ids[row_ids, places]
            statistics = token_statistics(hidden[row_ids, places - 1], head, targets.to(model.device), vocabulary, config.chunk)
        frame = pd.DataFrame({name: value.cpu().numpy() for name, value in statistics.items()})
        frame.insert(0, "token", targets.numpy())
        for index, (_, part) in zip(chosen, frame.groupby(np.repeat(np.arange(len(chosen)), lengths)), strict=True):
            parts[index] = part
    tokens, items = [], []
    for index, (trace, item) in enumerate(zip(traces, encoded, strict=True)):
        part = parts[index]
        before = item.truncated + item.windowed
        part.insert(0, "task", trace.task)
        part.insert(1, "id", trace.id)
        part.insert(2, "position", np.arange(before, before + item.scored))
        part.insert(4, "offset", item.offset)
        part.insert(5, "n_bytes", item.n_bytes)
        tokens.append(part)
        counts = {"truncated": item.truncated, "windowed": item.windowed, "scored": item.scored}
        items.append({"task": trace.task, "id": trace.id, **counts})
    types = dict.fromkeys(("position", "token", "offset", "n_bytes", "n_greater", "n_equal"), "int32")
    table = pd.concat(tokens, ignore_index=True).astype(types | dict.fromkeys(("nll", "entropy", "p_max"), "float32"))
    return table, pd.DataFrame(items)


def extract(step, workspace: Workspace) -> None:
    """Token statistics of one model of the population over all expert traces.

    Parameters
    ----------
    step : a declared `extract` step; its parents are the trained model and the material
    workspace : receives the tables `tokens` and `items` and, as facts, the vocabulary size and counts
    """
    settings = step.settings
    facts = devices.prepare(settings.extraction.device, settings.extraction.threads)
    folder = step.parent("train").path("model")
    model, tokenizer = loading.load(folder, settings.extraction.device), tokenizers.load(folder)
    tokens, items = token_rows(model, tokenizer, read(step.parent("material").path("traces.parquet")), settings.extraction)
    workspace.write_table("tokens", tokens)
    workspace.write_table("items", items)
    workspace.note(
        **facts,
        vocabulary=len(tokenizer),
        tokens_scored=len(tokens),
        tokens_truncated=int(items["truncated"].sum()),
        tokens_outside_window=int(items["windowed"].sum()),
    )
