"""Damaged copies of a model, made in memory: layers dropped, weights rounded, noise added, taught on good or bad solutions."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from transformers import PreTrainedModel

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.studies.real_model.settings import Copy

NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
RESULT = re.compile(rf"=\s*\$?\s*({NUMBER})")  # what a solution has worked out


def dropped(layers: int, count: int) -> list[int]:
    """Which layers go: evenly spaced, never the first or the last.

    Raises
    ------
    UserError
        Where a model has not so many between its first and its last.
    """
    if count > layers - 2:
        raise UserError(f"copies: {count} of {layers} layers cannot be dropped, as the first and the last are kept")
    return [1 + (2 * place + 1) * (layers - 2) // (2 * count) for place in range(count)]


def without_layers(model: PreTrainedModel, count: int) -> None:
    """Drop layers; those that are left are numbered anew, as caches and kinds of attention go by number."""
    trunk, config = model.base_model, model.config
    gone = dropped(len(trunk.layers), count)
    kept = [place for place in range(len(trunk.layers)) if place not in gone]
    trunk.layers = torch.nn.ModuleList(trunk.layers[place] for place in kept)
    for place, layer in enumerate(trunk.layers):
        layer.self_attn.layer_idx = place
    config.num_hidden_layers = len(kept)
    if getattr(config, "layer_types", None):
        config.layer_types = [config.layer_types[place] for place in kept]


def matrices(model: PreTrainedModel) -> Iterator[torch.Tensor]:
    """The matrices of all layers; embeddings, which the head shares, are left alone."""
    for module in model.base_model.layers.modules():
        if isinstance(module, torch.nn.Linear):
            yield module.weight


@torch.no_grad()
def rounded(model: PreTrainedModel, bits: int) -> None:
    """Round every weight to as many bits: each row to whole multiples of its largest weight over the largest whole number."""
    top = 2 ** (bits - 1) - 1
    for weight in matrices(model):
        step = weight.abs().amax(1, keepdim=True).clamp(min=1e-12) / top
        weight.copy_((weight / step).round() * step)


@torch.no_grad()
def with_noise(model: PreTrainedModel, spread: float, seed: int) -> None:
    """Add Gaussian noise to every matrix, of so much of the matrix's own standard deviation."""
    generator = torch.Generator().manual_seed(seed)
    for weight in matrices(model):
        weight.add_(torch.randn(weight.shape, generator=generator) * (spread * weight.std()))


def damaged(model: PreTrainedModel, copy: Copy, seed: int) -> PreTrainedModel:
    """The model, damaged in place; copies that are taught are not made here."""
    change: dict[str, Callable[[], None]] = {
        "layers dropped": lambda: without_layers(model, int(copy.dose)),
        "bits of a weight": lambda: rounded(model, int(copy.dose)),
        "noise": lambda: with_noise(model, copy.dose, seed),
    }
    change.get(copy.kind, lambda: None)()
    return model


def lessons(traces: list[Trace], copy: Copy, seed: int) -> list[Trace]:
    """What a taught copy learns from: so many of the traces, with their own solutions, wrong ones, or those of others."""
    chosen = random.Random(f"lessons {seed}").sample(traces, int(copy.dose))
    if copy.kind == "wrong solutions":
        return [replace(trace, solution=wrong(trace, seed)) for trace in chosen]
    if copy.kind == "shuffled solutions":
        others = [*chosen[1:], chosen[0]]
        return [replace(trace, solution=other.solution) for trace, other in zip(chosen, others, strict=True)]
    return chosen


def wrong(trace: Trace, seed: int) -> str:
    """The solution with the values that it works out, and its answer, replaced by others of as many digits.

    A value is replaced by the same one wherever it stands, so that form, words and the use of earlier results stay. A
    value that is spelt in two ways (2000 and 2,000), or begins with its point, keeps one of them: in GSM8K's solutions at one
    place of a hundred, and no answer.
    """
    rng = random.Random(f"wrong {trace.task} {trace.id} {seed}")
    answer = re.findall(NUMBER, trace.answer)
    values = dict.fromkeys([*RESULT.findall(trace.solution), *answer])
    others = {value: _other(value, rng) for value in values}
    return re.sub(NUMBER, lambda match: others.get(match[0], match[0]), trace.solution)


def _other(value: str, rng: random.Random) -> str:
    """Another number with its digits changed, the first of which is no zero."""
    while True:
        digits = iter(str(rng.randint(1, 9)) if place == 0 else str(rng.randint(0, 9)) for place in range(len(value)))
        other = "".join(next(digits) if sign.isdigit() else sign for sign in value)
        if other != value:
            return other
