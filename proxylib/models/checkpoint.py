"""Checkpoints of the training loop: weights, both optimisers' state and the losses so far, in one file without pickle."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from transformers import PreTrainedModel

from proxylib.runs.store import write_atomic


def write(path: Path, model: PreTrainedModel, optims: list[torch.optim.Optimizer], losses: list, step: int) -> None:
    """Write the state after `step` steps; a reader sees the old file, the new one, or none."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for index, optim in enumerate(optims):
        for number, state in optim.state_dict()["state"].items():
            tensors |= {f"optim.{index}.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
    tensors = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
    write_atomic(path, save(tensors, {"step": str(step), "losses": json.dumps(losses)}))


def resume(path: Path, model: PreTrainedModel, optims: list[torch.optim.Optimizer]) -> tuple[int, list]:
    """Load the state into model and optimisers; steps that it has seen and its losses, (0, []) where there is none."""
    if not path.exists():
        return 0, []
    try:
        with safe_open(path, "pt") as file:
            meta = file.metadata()
        tensors = load_file(path)
    except SafetensorError:
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
