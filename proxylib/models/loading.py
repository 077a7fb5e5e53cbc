"""Any causal language model, from a folder, for measurement."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, PreTrainedModel

from ..errors import UserError


def load(folder: Path, device: str = "cpu") -> PreTrainedModel:
    """The causal language model saved in a folder, in float32, ready to be measured.

    Raises
    ------
    UserError
        If the folder holds no causal language model, weights that are damaged, incomplete or not finite.
    """
    if not (folder / "config.json").exists():
        raise UserError(f"{folder}: no config.json; a model is a folder written by save_pretrained")
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{folder}: not a causal language model that transformers can load ({error})") from None
    missing = sorted(report["missing_keys"])
    if missing:  # transformers would draw them at random and go on
        raise UserError(f"{folder}: the weights lack {missing[0]}; save the whole causal language model")
    for name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            raise UserError(f"{folder}: {name} holds NaN or Inf; measure another checkpoint")
    return model.to(device).eval()
