"""The population's architectures, built from their own `transformers` config classes with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxylib.models.settings import Model

HEAD = 16  # width of an attention head, the same in every model
#: SmolLM3 here rotates the first block's heads alone, and fast, so that they tell a token from its neighbours; the others
#: have no positions, so that they look up by content at any distance
ROTATION = 5.0
#: of SmolLM3's matrices, and of its rows of tokens: wider than the other families', so that rows start far apart and stay
#: so while training moves many of them the same way; what is looked up by a token needs them to differ
MATRIX_SPREAD, TOKEN_SPREAD = 0.1, 0.5

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
    import torch
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
    settings = {
        "llama": {"intermediate_size": gated},
        "qwen3": {"intermediate_size": gated, "head_dim": HEAD, "num_key_value_heads": heads},
        "smollm3": {
            "intermediate_size": gated,
            "num_key_value_heads": heads,
            "no_rope_layers": [1] + [0] * (spec.depth - 1),  # 1: with positions, 0: without
            "rope_parameters": {"rope_type": "default", "rope_theta": ROTATION},
            "initializer_range": MATRIX_SPREAD,
        },
        "olmo2": {"intermediate_size": gated},
        "starcoder2": {
            "intermediate_size": 4 * spec.width,
            "num_key_value_heads": heads,
            "residual_dropout": 0.0,
            "embedding_dropout": 0.0,
        },
        "nemotron": {"intermediate_size": 4 * spec.width, "num_key_value_heads": heads, "attention_dropout": 0.0},
        "gpt_neox": {"intermediate_size": 4 * spec.width, "attention_dropout": 0.0, "hidden_dropout": 0.0},
        "gpt2": {"n_inner": 4 * spec.width, "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0},
    }[spec.architecture]
    config = transformers.AutoConfig.for_model(spec.architecture, **common, **settings)
    model = transformers.AutoModelForCausalLM.from_config(config)
    if spec.architecture == "smollm3":
        torch.nn.init.normal_(model.get_input_embeddings().weight, std=TOKEN_SPREAD)
    return model


def parameters(model: PreTrainedModel) -> dict[str, int]:
    """Counts: all parameters, and those outside embeddings (of tokens and positions) and head, the N of compute = 6 N D."""
    import torch

    looked_up = [module for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    outside = {id(module.weight) for module in (*looked_up, model.get_output_embeddings())}
    total = sum(p.numel() for p in model.parameters())
    return {"all": total, "non_embedding": sum(p.numel() for p in model.parameters() if id(p) not in outside)}
