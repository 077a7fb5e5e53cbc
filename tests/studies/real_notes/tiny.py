"""A model that writes nothing of use, and steps whose parent it is."""

from types import SimpleNamespace

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from proxylib.models import tokenizers
from proxylib.studies.real_notes import pairs


def saved(folder):
    """The folder of a tiny model with its tokenizer."""
    tokenizer = tokenizers.train("bpe", [pair.prompt + pair.note for pair in pairs.pairs("made", "train")], 400)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=1024,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return folder / "model"


def step(settings, folder):
    """A step with these settings, whose model lies in the folder."""
    return SimpleNamespace(settings=settings, parent=lambda role: SimpleNamespace(path=lambda name: folder / name))
