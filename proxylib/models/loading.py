"""Any causal language model, from a folder or by its hub id, for measurement."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging

from proxylib.errors import UserError
from proxylib.models.folders import ADAPTER, CONFIG, base_of


def load(folder: Path, device: str = "cpu", dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """The causal language model saved in a folder, ready to be measured; adapters stay unmerged.

    Parameters
    ----------
    folder : written by save_pretrained of transformers, or of peft with the base model's folder or hub id inside
    device, dtype : where it runs, and in which precision its weights are kept

    Raises
    ------
    UserError
        If the folder holds no causal language model, weights that are damaged, incomplete or not finite, or an adapter
        that changes nothing.
    """
    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    if (folder / ADAPTER).exists():
        return _adapted(folder, device, dtype)
    if not (folder / CONFIG).exists():
        raise UserError(f"{folder}: no {CONFIG}; a model is a folder written by save_pretrained")
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        # other kernels leave out the cap that Gemma 2 puts on attention scores
        capped = getattr(config.get_text_config(), "attn_logit_softcapping", None)
        model, report = AutoModelForCausalLM.from_pretrained(
            folder,
            local_files_only=True,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
            **({"attn_implementation": "eager"} if capped else {}),
        )
    except (OSError, ValueError, RuntimeError, ImportError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{folder}: not a causal language model that transformers can load ({reason})") from None
    missing = sorted(report["missing_keys"])
    if missing:  # transformers would draw them at random and go on
        raise UserError(f"{folder}: the weights lack {missing[0]}; save the whole causal language model")
    for name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            raise UserError(f"{folder}: {name} holds NaN or Inf; measure another checkpoint")
    return model.to(device).eval()


def _adapted(folder: Path, device: str, dtype: torch.dtype) -> PreTrainedModel:
    """A base model with an adapter of peft in effect: switching it off must change the logits."""
    from peft import PeftModel

    base = base_of(folder)
    model = load(base, device, dtype)
    try:
        adapted = PeftModel.from_pretrained(model, folder, local_files_only=True).to(device).eval()
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{folder}: the adapter does not fit its base model {base} ({reason})") from None
    if adapted.active_peft_config.is_prompt_learning:
        raise UserError(f"{folder}: {adapted.active_peft_config.peft_type} puts tokens in front of the text; not supported")
    for name, parameter in adapted.named_parameters():
        if not torch.isfinite(parameter).all():
            raise UserError(f"{folder}: {name} holds NaN or Inf; measure another adapter")
    ids = torch.arange(8, device=device)[None] % model.config.get_text_config().vocab_size
    with torch.inference_mode():
        on = adapted(input_ids=ids).logits
        with adapted.disable_adapter():
            off = adapted(input_ids=ids).logits
    if torch.equal(on, off):
        raise UserError(f"{folder}: the adapter changes no logit of {base}; its weights are zero or fit no layer")
    return adapted.get_base_model().eval()  # adapters live inside its layers
