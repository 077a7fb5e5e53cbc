"""A tiny policy: an adapter on a model that nobody trained, and a reward that is easily learnt."""

import torch
from models import tiny
from peft import LoraConfig, get_peft_model

from proxylib.models import loading, tokenizers

PROMPTS = [f"item {number}\n" for number in range(200)]
DRAWN = {"prompts": 4, "group": 4, "temperature": 1.0, "max_new_tokens": 4}


def save(folder):
    """A folder with an adapter that changes something, its base beside it."""
    base = tiny.save(folder / "base", architecture="qwen3", width=16, seed=0)
    model = loading.load(base)
    with torch.no_grad():  # a head that nobody trained hears nothing of its hidden states
        model.get_output_embeddings().weight.mul_(30)
    model.save_pretrained(base)
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=16, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(loading.load(base), config).save_pretrained(folder / "adapter")
    tokenizers.load(base).save_pretrained(folder / "adapter")
    return folder / "adapter"


def plain(places, completions):
    """Share of characters that a keyboard has: half of the bytes are, and no prompt asks for more."""
    return [sum(" " <= c <= "~" for c in text) / max(1, len(text)) for text in completions]


def weights(learner):
    """name -> bytes of everything that learns."""
    return {
        name: parameter.detach().numpy().tobytes()
        for name, parameter in learner.model.named_parameters()
        if ".default." in name
    }
