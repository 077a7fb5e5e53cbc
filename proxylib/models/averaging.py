"""Averages of the weights that one training run passed through."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from transformers import PreTrainedModel


def weights_bytes(model: PreTrainedModel) -> bytes:
    """A model's weights as the bytes of a safetensors file."""
    return save({name: value.detach().clone().contiguous() for name, value in model.state_dict().items()})


def moving(number: int, half_life: float) -> list[float]:
    """Shares of an exponential moving average over so many checkpoints, oldest first; a share halves in `half_life` of them."""
    raw = [0.5 ** ((number - 1 - place) / half_life) for place in range(number)]
    return [value / sum(raw) for value in raw]


def average(files: Sequence[Path], shares: Sequence[float]) -> dict[str, torch.Tensor]:
    """The weighted mean of weights, summed in double precision; what holds no fractions is taken from the last file."""
    total: dict[str, torch.Tensor] = {}
    last: dict[str, torch.Tensor] = {}
    for path, share in zip(files, shares, strict=True):
        last = load_file(path)
        for name, value in last.items():
            if value.is_floating_point():
                total[name] = total.get(name, 0.0) + share * value.double()
    return {name: total[name].to(value.dtype) if name in total else value for name, value in last.items()}
