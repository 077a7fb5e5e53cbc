"""One teacher-forced pass of a model over expert traces: a row per scored token."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from ..config import Extraction
from ..errors import UserError
from ..models import devices, tokenizers
from ..traces import Trace
from .chunked import token_statistics

CHANGED_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling")  # Gemma 2 and 3, Cohere, Granite
PROBE_TOLERANCE = 1e-4  # of the largest logit; float32 sums in another order differ by about 1e-6


class Encoded(NamedTuple):
    """A trace in a model's tokens: `ids` with bos and prompt in front, of which the last `scored` are scored."""

    ids: list[int]
    scored: int
    offset: list[int]  # of each scored token: character of the solution at which it begins
    n_bytes: list[int]  # of each scored token: bytes that it adds to those before it, whatever the window
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
        If the model changes its logits after the head (cap, scale), sees later tokens, or gives NaN.
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
        changed = model(input_ids=torch.cat([ids[:, :-1], (ids[:, -1:] + 1) % model.config.vocab_size], 1)).logits
    if not torch.isfinite(whole).all():
        raise UserError(f"model {type(model).__name__}: its logits are NaN or Inf; measure another checkpoint")
    if (whole - changed)[:, :-1].abs().max() > PROBE_TOLERANCE * whole.abs().max().clamp(min=1e-6):
        raise UserError(f"model {type(model).__name__}: sees tokens that come later; it is no causal language model")
    if (whole - apart).abs().max() > PROBE_TOLERANCE * whole.abs().max().clamp(min=1e-6):
        raise UserError(f"model {type(model).__name__}: changes its logits after the head (cap or scale); not supported")
    return body


def _score(body: torch.nn.Module, head: torch.nn.Module, batch: list[Encoded], vocabulary: int, chunk: int) -> pd.DataFrame:
    """One forward pass: token ids and statistics of the scored tokens of all its traces, in their order."""
    device = head.weight.device
    longest = max(len(item.ids) for item in batch)
    ids = torch.tensor([item.ids + [0] * (longest - len(item.ids)) for item in batch])
    mask = torch.tensor([[1] * len(item.ids) + [0] * (longest - len(item.ids)) for item in batch])
    rows = torch.cat([torch.full((item.scored,), row) for row, item in enumerate(batch)])
    places = torch.cat([torch.arange(len(item.ids) - item.scored, len(item.ids)) for item in batch])
    targets = ids[rows, places]
    with torch.inference_mode():
        # padding stands on the right, where causal attention never looks; the mask is for models that ask for it
        hidden = body(input_ids=ids.to(device), attention_mask=mask.to(device)).last_hidden_state
        # the token at a place is predicted from the place before it
        statistics = token_statistics(hidden[rows, places - 1], head, targets.to(device), vocabulary, chunk)
    return pd.DataFrame({"token": targets.numpy(), **{name: value.cpu().numpy() for name, value in statistics.items()}})


def token_rows(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, traces: list[Trace], config: Extraction
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Statistics of every scored token, and one row per trace that accounts for all its tokens.

    Returns
    -------
    tokens : task, id, position (of the token in the solution, from 0), token, offset (character), n_bytes, then
        `chunked.STATISTICS`: nll and entropy float32 in nats, n_greater and n_equal int32, p_max float32
    items : task, id, and what became of the solution's tokens: truncated + windowed + scored is all of them; its
        `attrs["batch"]` is the batch that memory allowed
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
    score = lambda chosen: _score(body, head, [encoded[index] for index in chosen], vocabulary, config.chunk)
    frames, used = devices.in_batches(order, config.batch, score)
    scored = np.array([item.scored for item in encoded])
    begins = np.zeros(len(encoded), int)  # of each trace's rows in the order of the passes
    begins[order] = np.cumsum(scored[order]) - scored[order]
    position = np.concatenate([np.arange(count) for count in scored])
    computed = pd.concat(frames, ignore_index=True).iloc[np.repeat(begins, scored) + position].reset_index(drop=True)
    before = np.array([item.truncated + item.windowed for item in encoded])
    keys = {
        "task": np.repeat([trace.task for trace in traces], scored),
        "id": np.repeat([trace.id for trace in traces], scored),
        "position": position + np.repeat(before, scored),
        "token": computed.pop("token"),
        "offset": list(itertools.chain.from_iterable(item.offset for item in encoded)),
        "n_bytes": list(itertools.chain.from_iterable(item.n_bytes for item in encoded)),
    }
    tokens = pd.concat([pd.DataFrame(keys), computed], axis=1)
    items = [
        {"task": trace.task, "id": trace.id, "truncated": item.truncated, "windowed": item.windowed, "scored": item.scored}
        for trace, item in zip(traces, encoded, strict=True)
    ]
    types = dict.fromkeys(("position", "token", "offset", "n_bytes", "n_greater", "n_equal"), "int32")
    table = tokens.astype(types | dict.fromkeys(("nll", "entropy", "p_max"), "float32"))
    account = pd.DataFrame(items)
    account.attrs["batch"] = used
    return table, account
