"""The population's architectures, built from their own `transformers` config classes with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config import Model

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
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM

    common = {
        "vocab_size": vocabulary,
        "hidden_size": spec.width,
        "num_hidden_layers": spec.depth,
        "num_attention_heads": max(1, spec.width // 16),
        "max_position_embeddings": 2 * context,
        "tie_word_embeddings": False,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    if spec.architecture == "llama":
        # 8/3 keeps a gated block at about the parameters of an ungated one with the usual factor 4
        hidden = 8 * round(spec.width * 8 / 3 / 8)
        return LlamaForCausalLM(LlamaConfig(intermediate_size=hidden, attn_implementation="sdpa", **common))
    return GPTNeoXForCausalLM(
        GPTNeoXConfig(
            intermediate_size=4 * spec.width,
            use_parallel_residual=True,
            attention_dropout=0.0,
            hidden_dropout=0.0,
            attn_implementation="sdpa",
            **common,
        )
    )


def parameters(model: PreTrainedModel) -> dict[str, int]:
    """Counts: all parameters, and those outside embedding and head (the N of compute = 6 N D)."""
    outside = {id(module.weight) for module in (model.get_input_embeddings(), model.get_output_embeddings())}
    total = sum(p.numel() for p in model.parameters())
    return {"all": total, "non_embedding": sum(p.numel() for p in model.parameters() if id(p) not in outside)}
