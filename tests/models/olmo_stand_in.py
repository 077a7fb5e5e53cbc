"""A tiny checkpoint in OLMo's own format, and its logits written out from what that format means."""

import json

import torch
from safetensors.torch import save_file

from proxylib.models import tokenizers

#: as the configs of DataDecide's checkpoints say, at a tiny size
CONFIG = {
    "model_type": "hf_olmo",
    "architectures": ["OLMoForCausalLM"],
    "d_model": 16,
    "n_heads": 2,
    "n_layers": 2,
    "mlp_ratio": 8,
    "mlp_hidden_size": None,
    "max_sequence_length": 128,
    "vocab_size": 259,
    "embedding_size": 272,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "activation_type": "swiglu",
    "block_type": "sequential",
    "rope": True,
    "alibi": False,
    "layer_norm_type": "rms",
    "layer_norm_with_affine": True,
    "layer_norm_eps": 1e-6,
    "attention_layer_norm": False,
    "include_bias": False,
    "bias_for_layer_norm": False,
    "clip_qkv": None,
    "weight_tying": False,
    "norm_after": False,
}
PREFIX = "model.transformer."


def weights(seed=0):
    torch.manual_seed(seed)
    width, rows = CONFIG["d_model"], CONFIG["embedding_size"]
    shapes = {"wte.weight": (rows, width), "ff_out.weight": (rows, width)}
    for block in range(CONFIG["n_layers"]):
        start = f"blocks.{block}."
        shapes |= {start + "att_proj.weight": (3 * width, width), start + "attn_out.weight": (width, width)}
        shapes |= {start + "ff_proj.weight": (8 * width, width), start + "ff_out.weight": (width, 4 * width)}
    made = {PREFIX + name: torch.randn(shape) * 0.3 for name, shape in shapes.items()}
    for block in range(CONFIG["n_layers"]):
        made |= {f"{PREFIX}blocks.{block}.{name}.weight": 1 + 0.2 * torch.randn(width) for name in ("attn_norm", "ff_norm")}
    return made | {PREFIX + "ln_f.weight": 1 + 0.2 * torch.randn(width)}


def write(folder, seed=0, config=None, tensors=None):
    """A folder as the hub has it: config, one file of weights, and the tokenizer's own file beside a map of its tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | (config or {})))
    save_file(weights(seed) if tensors is None else tensors, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizers.train("byte", [], 300).save_pretrained(folder)
    (folder / "tokenizer_config.json").unlink()
    (folder / "special_tokens_map.json").write_text(json.dumps({"eos_token": "</s>", "pad_token": "<pad>"}))
    return folder


def logits(tensors, ids):
    """[T, rows] of one text: blocks of attention and of a gated layer, each behind an RMS norm and added to what came in."""
    take = lambda name: tensors[f"{PREFIX}{name}.weight"].double()
    norm = lambda x, name: x / (x.square().mean(-1, keepdim=True) + CONFIG["layer_norm_eps"]).sqrt() * take(name)
    width, heads = CONFIG["d_model"], CONFIG["n_heads"]
    size, count = width // heads, len(ids)
    angles = torch.arange(count)[:, None].double() / 10_000 ** (torch.arange(0, size, 2).double() / size)
    cosines, sines = (torch.cat([part, part], -1) for part in (angles.cos(), angles.sin()))

    def turned(x):  # [heads, T, size]: the second half of a head is the other coordinate of the first
        first, second = x.chunk(2, -1)
        return x * cosines + torch.cat([-second, first], -1) * sines

    x = take("wte")[ids]
    for block in range(CONFIG["n_layers"]):
        name = f"blocks.{block}."
        stacked = norm(x, name + "attn_norm") @ take(name + "att_proj").T
        q, k, v = (part.view(count, heads, size).transpose(0, 1) for part in stacked.split(width, -1))
        scores = turned(q) @ turned(k).transpose(1, 2) / size**0.5
        scores = scores.masked_fill(torch.ones(count, count).triu(1).bool(), -torch.inf)
        x = x + (scores.softmax(-1) @ v).transpose(0, 1).reshape(count, width) @ take(name + "attn_out").T
        up, gate = (norm(x, name + "ff_norm") @ take(name + "ff_proj").T).chunk(2, -1)
        x = x + (torch.nn.functional.silu(gate) * up) @ take(name + "ff_out").T
    return norm(x, "ln_f") @ take("ff_out").T
