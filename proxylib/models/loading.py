"""Any causal language model, from a folder or by its hub id, for measurement."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging

from proxylib.errors import UserError
from proxylib.models import hf_olmo, spread
from proxylib.models.folders import ADAPTER, ADAPTER_WEIGHTS, CONFIG, WHOLE_FILES, base_of, refusal
from proxylib.models.weights import (
    give_rows,
    kinds_of,
    refuse_misfit,
    refuse_more_layers,
    refuse_no_numbers,
    refuse_unknown,
    refuse_unlike,
    unchanged,
)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def load(folder: Path, device: str = "cpu", dtype: torch.dtype = torch.float32, trained: bool = False) -> PreTrainedModel:
    """The causal language model saved in a folder, ready to be measured; adapters stay unmerged.

    Parameters
    ----------
    folder : written by save_pretrained of transformers, or of peft with the base model's folder or hub id inside
    device, dtype : where it runs, and in which precision its weights are kept; on device "auto" it is loaded into memory and
        then spread over all GPUs
    trained : whether it will be trained; then the GPUs must hold all of it

    Raises
    ------
    UserError
        If the folder holds no causal language model, code of its own, weights that are damaged, not finite, or other ones
        than its config wants (in either direction), or an adapter that changes nothing or stands on another.
    """
    if device == "auto":
        return spread.over_gpus(load(folder, "cpu", dtype), trained)
    if (folder / ADAPTER).exists():
        return _adapted(folder, device, dtype)
    if not (folder / CONFIG).exists():
        raise UserError(f"{folder}: no {CONFIG}; a model is a folder written by save_pretrained")
    _refuse_kernels(folder / CONFIG)
    _refuse_pickles(folder, WHOLE_FILES, "pytorch_model*.bin")
    model = hf_olmo.load(folder, dtype) if hf_olmo.saved_in(folder) else _of_transformers(folder, dtype)
    refuse_no_numbers(folder, model, "checkpoint")
    model = model.to(device).eval()
    try:
        with _quiet(), torch.inference_mode():
            model(input_ids=torch.zeros(1, 2, dtype=torch.long, device=device))
    except Exception as error:
        raise refusal(folder, f"this {CONFIG} makes no {type(model).__name__} that runs", error) from None
    return model


def _of_transformers(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    """What transformers reads from a folder, if its weights are the ones that its config wants."""
    try:
        with _quiet():
            kinds = kinds_of(folder)
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            refuse_more_layers(folder, config, kinds)
            # other kernels leave out the cap that Gemma 2 puts on attention scores
            capped = getattr(config.get_text_config(), "attn_logit_softcapping", None)
            model, report = AutoModelForCausalLM.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                dtype=dtype,
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # refused below, by name
                **({"attn_implementation": "eager"} if capped else {}),
            )
    except UserError:
        raise
    except Exception as error:  # a config of one's own raises whatever its model raises
        raise refusal(folder, "not a causal language model that transformers can load", error) from None
    refuse_misfit(folder, model, report, kinds)
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what transformers and peft print and warn of keys that do not fit: they are refused in a line."""
    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.set_verbosity(before)


def _refuse_kernels(path: Path) -> None:
    """`UserError` where a config names a kernel of the hub, which is code that transformers would fetch and run."""

    def named(value: Any) -> Iterator[str]:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
            if "implementation" in str(key) and "/" in str(inner):
                yield f"{key} {inner}"
            else:
                yield from named(inner)

    try:
        kernels = list(named(json.loads(path.read_bytes())))
    except (ValueError, RecursionError):
        return  # transformers says what is wrong with it
    if kernels:
        raise UserError(f"{path}: {kernels[0]} is code of the hub, which is never run; leave that line away")


def _refuse_pickles(folder: Path, wanted: tuple[str, ...], pickles: str) -> None:
    """`UserError` where weights lie in a folder only as pickles, which can hold code."""
    if not any((folder / name).exists() for name in wanted) and (pickled := sorted(folder.glob(pickles))):
        raise UserError(f"{folder}: {pickled[0].name} is a pickle, which is never read; save the weights as safetensors")


def _adapted(folder: Path, device: str, dtype: torch.dtype) -> PreTrainedModel:
    """A base model with an adapter of peft in effect: switching it off must change the logits."""
    from peft import PeftConfig, PeftModel

    base = base_of(folder)
    _refuse_pickles(folder, (ADAPTER_WEIGHTS,), "adapter_model*.bin")
    if not (folder / ADAPTER_WEIGHTS).exists():
        raise UserError(f"{folder}: no {ADAPTER_WEIGHTS}; save the adapter with save_pretrained of peft")
    model = load(base, device, dtype)
    try:
        with _quiet():
            config = PeftConfig.from_pretrained(folder)
        if config.is_prompt_learning:
            raise UserError(f"{folder}: {config.peft_type} puts tokens in front of the text; not supported")
        refuse_unknown(folder, config)
        config.inference_mode = True
        with _quiet():
            give_rows(folder, model)
        with _quiet(), unchanged(folder, model):
            adapted = PeftModel(model, config)
            report = adapted.load_adapter(str(folder), "default", torch_device=device)
            adapted = adapted.to(device).eval()
        with _quiet():  # an adapter on a bare parameter touches it in every pass, and puts back what was there
            on, off = _with_and_without(adapted)
    except UserError:
        raise
    except Exception as error:
        raise refusal(folder, f"the adapter does not fit its base model {base}", error) from None
    refuse_unlike(folder, report, base)
    refuse_no_numbers(folder, adapted, "adapter")
    if torch.equal(on, off):
        raise UserError(f"{folder}: the adapter changes no logit of {base}; its weights are zero or fit no layer")
    return adapted.get_base_model().eval()  # adapters live inside its layers


def _with_and_without(adapted: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of a few tokens with an adapter in effect, and without."""
    ids = torch.arange(8, device=adapted.device)[None] % adapted.config.get_text_config().vocab_size
    with torch.inference_mode():
        on = adapted(input_ids=ids).logits
        with adapted.disable_adapter():
            return on, adapted(input_ids=ids).logits
