"""Models and adapters that other tools, or a hand, changed after they were saved."""

import json

import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from proxylib.data.trace import Trace
from proxylib.models import tokenizers

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
TRACE = Trace("t", "1", "add 3+4\n", "answer 7\n", "", "")
IDS = torch.tensor([[1, 40, 80, 120, 90, 41]])


def built(kind="llama", **changes):
    """A model of two layers whose logits are far from uniform."""
    torch.manual_seed(3)
    shared = {"vocab_size": 259, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 128}
    model = transformers.AutoModelForCausalLM.from_config(
        transformers.AutoConfig.for_model(kind, **(shared | SIZES | changes))
    ).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    return model


def saved(folder, kind="llama", **changes):
    """The folder of such a model and a tokenizer of bytes."""
    built(kind, **changes).save_pretrained(folder)
    tokenizers.train("byte", [], 300).save_pretrained(folder)
    return folder


def adapted(base, folder, **changes):
    """The folder of an adapter on it; rank 4, alpha 8."""
    torch.manual_seed(4)
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    settings = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], "init_lora_weights": False}
    get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **(settings | changes))).save_pretrained(folder)
    return folder


def weights(folder, file="model.safetensors"):
    """Name -> tensor of a file."""
    return load_file(folder / file)


def write(folder, tensors, file="model.safetensors"):
    """Put other tensors into the file; returns the folder."""
    apart = {name: tensor.clone().contiguous() for name, tensor in tensors.items()}
    save_file(apart, folder / file, metadata={"format": "pt"})
    return folder


def edit(path, **changes):
    """Change keys of a file of JSON."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def set_base(adapter, base):
    """Let an adapter stand on another folder."""
    edit(adapter / "adapter_config.json", base_model_name_or_path=str(base))


def pairs(adapter):
    """Module of the base -> its two matrices in an adapter's file."""
    found = {}
    for key, tensor in weights(adapter, "adapter_model.safetensors").items():
        module, _, matrix = key.removeprefix("base_model.model.").removesuffix(".weight").rpartition(".")
        found.setdefault(module, {})[matrix] = tensor
    return found


def logits(model):
    """[T, V] for a few tokens."""
    with torch.inference_mode():
        return model(input_ids=IDS).logits[0]


def renamed(old, new):
    """A change of weights: `new` in the place of `old` in every key."""
    return lambda tensors: {key.replace(old, new): tensor for key, tensor in tensors.items()}


def without(part):
    """A change of weights: those that have `part` in their key are left out."""
    return lambda tensors: {key: tensor for key, tensor in tensors.items() if part not in key}


def plus(**more):
    """A change of weights: these are added."""
    return lambda tensors: tensors | {key.replace("__", "."): tensor for key, tensor in more.items()}


Q, HEAD = "model.layers.0.self_attn.q_proj", torch.randn(2, 32, generator=torch.Generator().manual_seed(1))
#: what was done to a whole model's weights -> how, and what is said
MISFITS = {
    "compiled": (renamed("model.", "_orig_mod.model."), r"lack model\.embed.* \(they hold _orig_mod\.model\.embed"),
    "compiled by half": (renamed("model.layers.1", "model._orig_mod.layers.1"), r"lack model\.layers\.1"),
    "a layer missing": (without("layers.1"), r"lack model\.layers\.1"),
    "a norm missing": (without("model.norm"), r"lack model\.norm\.weight"),
    "head missing": (without("lm_head"), r"lack lm_head\.weight"),
    "a layer too many": (plus(model__layers__2__input_layernorm__weight=torch.ones(32)), r"hold model\.layers\.2\.input"),
    "of a classifier": (plus(score__weight=HEAD), r"hold score\.weight"),
    "a bias too many": (plus(model__layers__0__self_attn__q_proj__bias=torch.ones(32)), r"hold .*q_proj\.bias"),
    "an adapter not merged": (plus(model__layers__0__self_attn__q_proj__lora_A__weight=HEAD), r"hold .*lora_A\.weight"),
    "scales of quantization": (plus(**{f"{Q}.weight_scale": torch.ones(1)}), r"hold .*weight_scale"),
    "whole numbers": (lambda t: t | {f"{Q}.weight": t[f"{Q}.weight"].to(torch.int8)}, r"q_proj\.weight holds whole numbers"),
    "twice": (
        plus(**{f"{Q.removeprefix('model.')}.weight": torch.ones(32, 32)}),
        r"q_proj\.weight twice",
    ),
    "of another shape": (
        lambda t: t | {f"{Q}.weight": torch.ones(32, 16)},
        r"q_proj\.weight is \[32, 16\], .* asks for \[32, 32\]",
    ),
    "nothing": (lambda t: {"x": torch.ones(1)}, "asks for 2 layers, and there are 1 weights"),
}
#: what older versions of transformers saved with a model
HARMLESS = {
    "rotations": plus(model__layers__0__self_attn__rotary_emb__inv_freq=torch.ones(8)),
    "masks": plus(
        model__layers__0__attn__bias=torch.ones(1, 1, 8, 8, dtype=torch.bool), h__0__attention__masked_bias=torch.ones(1)
    ),
    "numbers of positions": plus(model__embeddings__position_ids=torch.arange(9)),
    "without the prefix": renamed("model.", ""),
}
LAYER = "base_model.model.model.layers.1"
#: likewise of an adapter
ADAPTER_MISFITS = {
    "compiled by half": (renamed(LAYER, "base_model.model.model._orig_mod.layers.1"), r"lacks .*layers\.1"),
    "compiled": (renamed("base_model.model.", "base_model.model._orig_mod."), "lacks base_model"),
    "a layer missing": (without("layers.1"), r"lacks .*layers\.1"),
    "one matrix missing": (without("layers.1.self_attn.q_proj.lora_B"), r"lacks .*layers\.1\.self_attn\.q_proj\.lora_B"),
    "a layer too many": (
        lambda t: t | {key.replace("layers.1", "layers.2"): value for key, value in t.items()},
        r"no place for .*layers\.2",
    ),
    "no key fits": (renamed("base_model.model.", "diffusion."), "lacks base_model"),
    "twice": (lambda t: t | {k.replace(".weight", ".default.weight"): v + 1 for k, v in t.items()}, "twice, with and without"),
    "whole numbers": (lambda t: {key: (9 * value).to(torch.int8) for key, value in t.items()}, "whole numbers"),
    "of another shape": (lambda t: {key: torch.ones(3, 5) for key in t}, "the adapter does not fit its base model"),
    "a layer of the base": (lambda t: t | {f"{LAYER}.mlp.up_proj.weight": torch.ones(48, 32)}, r"changes .*up_proj\.weight"),
    "a layer below it": (
        lambda t: t | {f"{LAYER}.self_attn.q_proj.base_layer.weight": torch.ones(32, 32)},
        r"changes .*q_proj\.weight",
    ),
    "not finite": (lambda t: {key: value * float("nan") for key, value in t.items()}, "holds NaN or Inf"),
    "empty": (lambda t: {}, "lacks"),
}
