"""Checkpoints of the training loop: weights, both optimisers' state and the losses so far, in one file without pickle."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from transformers import PreTrainedModel

from proxylib.runs.files import canonical, sha256, write_atomic


def write(path: Path, model: PreTrainedModel, optims: list[torch.optim.Optimizer], losses: list, step: int) -> None:
    """Write the state after `step` steps; a reader sees the old file, the new one, or none."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for index, optim in enumerate(optims):
        for number, state in optim.state_dict()["state"].items():
            tensors |= {f"optim.{index}.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
    tensors = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
    meta = {"step": str(step), "losses": json.dumps(losses)}
    write_atomic(path, save(tensors, meta | {"digest": _digest(tensors, meta)}))


def _digest(tensors: dict[str, torch.Tensor], meta: dict[str, str]) -> str:
    return sha256(save(tensors) + canonical(meta).encode())


def resume(path: Path, model: PreTrainedModel, optims: list[torch.optim.Optimizer]) -> tuple[int, list]:
    """Load the state into model and optimisers; steps that it has seen and its losses, (0, []) where there is none."""
    if not path.exists():
        return 0, []
    try:
        with safe_open(path, "pt") as file:
            meta = file.metadata()
        tensors = load_file(path)
        whole = meta.pop("digest") == _digest(tensors, meta)
    except (SafetensorError, AttributeError, KeyError):  # no such file, or one without metadata
        whole = False
    if not whole:
        print(f"proxylib: {path} is damaged; training starts anew", file=sys.stderr)
        return 0, []
    model.load_state_dict({name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")})
    for index, optim in enumerate(optims):
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith(f"optim.{index}."):
                _, _, number, key = name.split(".")
                state.setdefault(int(number), {})[key] = value
        optim.load_state_dict({"state": state, "param_groups": optim.state_dict()["param_groups"]})
    return int(meta["step"]), json.loads(meta["losses"])
