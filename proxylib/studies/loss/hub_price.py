"""What a cell of the post's grid takes: tokens counted; a pass forward, one back and a few words written on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.models import arithmetic, generate, memory, price
from proxylib.models.loading import DTYPES
from proxylib.models.lora import SAVES, Row
from proxylib.models.price import Price, size, spelt
from proxylib.studies.loss.settings import HubTuning

TRIAL = 256  # tokens of the passes that are timed, or one text
WORDS = 8  # tokens that are written for the trial
STATES = 2  # of AdamW, beside an adapter in a checkpoint


class CellPrice(NamedTuple):
    """The parts of a cell one after the other; notes are counted at their longest."""

    training: Price
    loss: Price
    notes: Price

    def __str__(self) -> str:
        whole = price.together(self)
        parts = [
            f"training {self.training.tokens:,} tokens, {spelt(self.training.seconds)}",
            f"held-out loss {self.loss.tokens:,} tokens, {spelt(self.loss.seconds)}",
            f"notes at most {self.notes.tokens:,} tokens, {spelt(self.notes.seconds)}",
        ]
        room = f"{size(whole.memory)} of memory ({size(whole.room)} free), {size(whole.disk)} of disk ({size(whole.free)} free)"
        return f"about {spelt(whole.seconds)} here, more under an adapter of high rank: {'; '.join(parts)}; {room}"


def priced(
    base: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    rows: tuple[Sequence[Row], Sequence[Row]],
    settings: HubTuning,
    processes: int,
    out: Path,
) -> CellPrice:
    """Of a cell that begins.

    Parameters
    ----------
    base : on its device, without an adapter: one makes a pass a few per cent longer
    rows : of the examples, and of the held-out solutions with their prompts
    processes : that share the examples; one alone measures
    """
    examples, held_out = rows
    device, adapter = str(base.device), _adapter(base, settings.rank)
    count = lambda part: sum(len(row.ids) for row in part)
    piece = _piece(examples, settings)
    forward = price.timed(lambda: _forward(base, piece, settings), device)  # its first call warms
    forward = price.timed(lambda: _forward(base, piece, settings), device)
    back = lambda: _back(base, piece, settings)
    both = min(price.timed(back, device) for _ in range(2))  # the first one warms
    both *= arithmetic.passes(1, 1, settings.recompute) / arithmetic.passes(1, 1, recompute=False)
    prompts = [tokenizer.decode(row.ids[: row.counted.index(1)]) for row in held_out[: settings.note_batch]]
    write = lambda: generate.completions(base, tokenizer, prompts, WORDS, settings.note_batch)
    rate = len(prompts) * WORDS / price.timed(write, device)
    longest = max(len(row.ids) for row in examples)
    _, text = memory.training(base, longest, DTYPES[settings.dtype], settings.recompute)
    taken = 4.0 * memory.STATES * adapter + text * (settings.device_batch or settings.batch)
    saved = 4.0 * adapter * (1 + (1 + STATES) * min(2, SAVES))  # an old checkpoint goes when the new one is whole
    again = float(sum(parameter.nbytes for parameter in base.parameters()))  # the base is loaded anew, under its adapter
    trained = count(examples) * settings.epochs
    return CellPrice(
        price.of(trained, piece.numel() / both * processes, taken, saved, device, out),
        price.of(count(held_out), piece.numel() / forward, again, 40.0 * count(held_out), device, out),
        price.of(settings.max_new_tokens * len(held_out), rate, 0.0, 4.0 * count(held_out), device, out),
    )


def _piece(rows: Sequence[Row], settings: HubTuning) -> torch.Tensor:
    """[B, T] tokens of examples of middling length, cut to the shortest of them."""
    order = sorted(rows, key=lambda row: len(row.ids))
    chosen = order[len(order) // 2 :][: settings.device_batch or settings.batch]
    length = len(chosen[0].ids)
    return torch.tensor([row.ids[:length] for row in chosen[: max(1, TRIAL // length)]])


def _narrow(base: PreTrainedModel, settings: HubTuning) -> contextlib.AbstractContextManager:
    """As training computes, in lower precision."""
    dtype = DTYPES[settings.dtype]
    return contextlib.nullcontext() if dtype == torch.float32 else torch.autocast(base.device.type, dtype)


def _forward(base: PreTrainedModel, ids: torch.Tensor, settings: HubTuning) -> None:
    with torch.inference_mode(), _narrow(base, settings):
        base(input_ids=ids.to(base.device), use_cache=False)


def _back(base: PreTrainedModel, ids: torch.Tensor, settings: HubTuning) -> None:
    """Forward and back to the first layer, through frozen weights, as an adapter there needs it; the base stays as it was."""
    kept = [parameter.requires_grad for parameter in base.parameters()]
    base.requires_grad_(False)
    with torch.enable_grad(), _narrow(base, settings):
        vectors = base.get_input_embeddings()(ids.to(base.device)).requires_grad_()
        base(inputs_embeds=vectors, labels=ids.to(base.device), use_cache=False).loss.backward()
    for parameter, wanted in zip(base.parameters(), kept, strict=True):
        parameter.requires_grad_(wanted)


def _adapter(base: PreTrainedModel, rank: int) -> int:
    """Parameters of an adapter on every linear layer but the head."""
    head = base.get_output_embeddings()
    layers = [layer for layer in base.modules() if isinstance(layer, torch.nn.Linear) and layer is not head]
    return sum(rank * (layer.in_features + layer.out_features) for layer in layers)
