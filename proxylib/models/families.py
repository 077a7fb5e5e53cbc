"""The population's architectures, built from their own `transformers` config classes with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config import Model

HEAD = 16  # width of an attention head, the same in every model

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def build(spec: Model, vocabulary: int, context: int) -> PreTrainedModel:
    """A model with weights drawn from torch's current generator, float32.

    Parameters
    ----------
    spec : architecture, width and depth
    vocabulary : rows of the embedding and of the head: exactly the tokenizer's, none padded
    context : most positions; twice the training row, so that an answer may run on
    """
    import transformers

    heads = max(1, spec.width // HEAD)
    common = {
        "vocab_size": vocabulary,
        "hidden_size": spec.width,
        "num_hidden_layers": spec.depth,
        "num_attention_heads": heads,
        "max_position_embeddings": 2 * context,
        "tie_word_embeddings": False,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "attn_implementation": "sdpa",
    }
    gated = 8 * round(spec.width * 8 / 3 / 8)  # a gated block so has about the parameters of an ungated one of factor 4
    own = {
        "llama": {"intermediate_size": gated},
        "qwen3": {"intermediate_size": gated, "head_dim": HEAD, "num_key_value_heads": heads},
        "gpt_neox": {"intermediate_size": 4 * spec.width, "attention_dropout": 0.0, "hidden_dropout": 0.0},
        "smollm3": {
            "intermediate_size": gated,
            "num_key_value_heads": heads,
            "no_rope_layers": [1] + [0] * (spec.depth - 1),  # 1: positions; the blocks after the first match content alone
            "tie_word_embeddings": True,
        },
        "gpt2": {"n_inner": 4 * spec.width, "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0},
    }[spec.architecture]
    config = transformers.AutoConfig.for_model(spec.architecture, **(common | own))
    model = transformers.AutoModelForCausalLM.from_config(config)
    if spec.architecture == "smollm3":
        _mimetic(model)
    return model


def _mimetic(model: PreTrainedModel) -> None:
    """Blocks without positions begin by attending to tokens like their own and passing them on.

    Queries equal keys, and output undoes value (Trockman and Kolter 2023, mimetic initialisation). Small models otherwise
    spend most of their training where nothing is copied (experiment log).
    """
    import torch

    with torch.no_grad():
        for block in model.model.layers[1:]:
            attention = block.self_attn
            same, value = (torch.linalg.qr(torch.randn_like(attention.q_proj.weight))[0] for _ in range(2))
            for projection, weight in (("q", same), ("k", same), ("v", value), ("o", value.T)):
                getattr(attention, f"{projection}_proj").weight.copy_(weight)


def parameters(model: PreTrainedModel) -> dict[str, int]:
    """Counts: all parameters, and those outside embeddings (of tokens and positions) and head, the N of compute = 6 N D."""
    import torch

    looked_up = [module for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    outside = {id(module.weight) for module in (*looked_up, model.get_output_embeddings())}
    total = sum(p.numel() for p in model.parameters())
    return {"all": total, "non_embedding": sum(p.numel() for p in model.parameters() if id(p) not in outside)}
