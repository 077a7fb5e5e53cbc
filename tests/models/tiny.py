"""A model of one layer that nobody trained, as several test modules want it."""

import torch

from proxylib.models import architectures, tokenizers
from proxylib.models.settings import Model


def build(architecture="llama", entries=259, context=64, width=16, seed=5):
    """The same weights at every call, whatever was drawn before; it takes twice as many positions as trained on."""
    torch.manual_seed(seed)
    spec = Model(architecture=architecture, tokenizer="byte", width=width, depth=1, mix="expert", post="none", share=1.0)
    return architectures.build(spec, entries, context).eval()


def save(folder, tokenizer=None, **changes):
    """The folder of such a model and its tokenizer, one of bytes by default."""
    tokenizer = tokenizer or tokenizers.train("byte", [], 300)
    build(entries=len(tokenizer), **changes).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
