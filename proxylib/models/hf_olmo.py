"""Checkpoints of OLMo's own format, as DataDecide's on the hub: read as the Llama that they are.

Their config calls itself `hf_olmo` and names a class of the package ai2-olmo, which today's transformers does not know. Where
norms are RMS norms with weights before each part, activations SwiGLU, positions rotary, and nothing has a bias, the same
numbers under other names are a Llama; every other layout is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxylib.errors import UserError
from proxylib.models.folders import CONFIG, WHOLE_FILES

if TYPE_CHECKING:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

KIND = "hf_olmo"
#: what makes it a Llama: key of the config -> the values that are one, the first where a config does not say
LLAMA = {
    "activation_type": ("swiglu",),
    "alibi": (False,),
    "attention_layer_norm": (False,),
    "bias_for_layer_norm": (False, None),
    "block_type": ("sequential",),
    "clip_qkv": (None,),
    "embedding_layer_norm": (False,),
    "include_bias": (False,),
    "layer_norm_type": ("rms",),
    "layer_norm_with_affine": (True,),
    "multi_query_attention": (None, False),
    "n_kv_heads": (None,),
    "norm_after": (False,),
    "rope": (True,),
    "scale_emb_init": (False, None),
    "scale_logits": (False,),
    "weight_tying": (False,),
}
#: name of a weight there -> names here; the rows of one with several lie one above the other, in this order
OUTER = {
    "wte.weight": ("model.embed_tokens.weight",),
    "ln_f.weight": ("model.norm.weight",),
    "ff_out.weight": ("lm_head.weight",),
}
OF_BLOCKS = {
    "att_proj.weight": ("self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"),
    "attn_out.weight": ("self_attn.o_proj.weight",),
    "ff_proj.weight": ("mlp.up_proj.weight", "mlp.gate_proj.weight"),
    "ff_out.weight": ("mlp.down_proj.weight",),
    "attn_norm.weight": ("input_layernorm.weight",),
    "ff_norm.weight": ("post_attention_layernorm.weight",),
}
PREFIX = "model.transformer."


def saved_in(folder: Path) -> bool:
    """Whether a folder's config says that it is of this format."""
    try:
        return json.loads((folder / CONFIG).read_bytes()).get("model_type") == KIND
    except (OSError, ValueError, AttributeError):
        return False


def load(folder: Path, dtype: torch.dtype) -> LlamaForCausalLM:
    """The model in a folder of this format, in evaluation mode.

    Raises
    ------
    UserError
        If its layout is no Llama's, or its weights are not those that its config wants.
    """
    from transformers import LlamaForCausalLM

    model = LlamaForCausalLM(config_of(folder)).to(dtype)
    weights = renamed(_weights(folder), folder)
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    for name in sorted(wanted.keys() | shapes.keys()):
        if wanted.get(name) != shapes.get(name):
            raise UserError(f"{folder}: {name} is {shapes.get(name)}, {CONFIG} wants {wanted.get(name)}; fetch the model again")
    model.load_state_dict(weights)
    return model.eval()


def config_of(folder: Path) -> LlamaConfig:
    """The same architecture, as transformers describes it; `UserError` where it is none of Llama's."""
    from transformers import LlamaConfig

    path = folder / CONFIG
    said: dict[str, Any] = json.loads(path.read_bytes())
    for key, values in LLAMA.items():
        if said.get(key, values[0]) not in values:
            raise UserError(f"{path}: {key} is {said[key]!r}; of this format, only {values[0]!r} can be read")
    try:
        hidden, heads = int(said["d_model"]), int(said["n_heads"])
        return LlamaConfig(
            vocab_size=int(said.get("embedding_size") or said["vocab_size"]),
            hidden_size=hidden,
            intermediate_size=int(said.get("mlp_hidden_size") or said["mlp_ratio"] * hidden) // 2,  # half of it gates
            num_hidden_layers=int(said["n_layers"]),
            num_attention_heads=heads,
            num_key_value_heads=heads,
            max_position_embeddings=int(said["max_sequence_length"]),
            rms_norm_eps=float(said.get("layer_norm_eps", 1e-5)),
            rope_parameters={"rope_type": "default", "rope_theta": float(said.get("rope_theta", 10_000))},
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=said.get("eos_token_id"),
            pad_token_id=said.get("pad_token_id"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: says no size of {error}; fetch the model again") from None


def renamed(weights: Mapping[str, torch.Tensor], folder: Path) -> dict[str, torch.Tensor]:
    """Weights under the names of a Llama, of those that are stacked a part each; `UserError` for one of another layout."""
    result: dict[str, torch.Tensor] = {}
    for name, value in weights.items():
        block = re.fullmatch(rf"{re.escape(PREFIX)}blocks\.(\d+)\.(.+)", name)
        known, start = (OF_BLOCKS, f"model.layers.{block[1]}.") if block else (OUTER, "")
        here = known.get(block[2] if block else name.removeprefix(PREFIX))
        if here is None:
            raise UserError(f"{folder}: weight {name} is of another layout than {KIND} with RMS norms; it cannot be read")
        for part, value_of in zip(here, value.chunk(len(here)), strict=True):
            result[start + part] = value_of.clone()
    return result


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    whole, index = (folder / name for name in WHOLE_FILES)
    try:
        shards = (
            [whole]
            if whole.exists()
            else sorted({folder / name for name in json.loads(index.read_text())["weight_map"].values()})
        )
        return {name: value for shard in shards for name, value in load_file(shard).items()}
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise UserError(f"{folder}: no weights that can be read ({str(error)[:200]}); fetch the model again") from None


def tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer of such a folder, whose config names a class that transformers does not have."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
