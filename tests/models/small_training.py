"""A training run of sixteen steps, and what it leaves."""

import pandas as pd
import pytest

from proxylib.data import corpora
from proxylib.data.settings import Material
from proxylib.models import pretrain, tokenizers
from proxylib.models.packing import IGNORE, Special
from proxylib.models.settings import Model, Training
from proxylib.runs.folder import OWN, Folder
from proxylib.runs.store import Workspace

SPECIAL = Special(bos=1, eos=2, pad=0)
LLAMA = Model(architecture="llama", tokenizer="byte", width=16, depth=1, mix="expert", post="none", share=1.0)
NEOX, GPT2, QWEN, SMOL = (LLAMA.model_copy(update={"architecture": name}) for name in ("gpt_neox", "gpt2", "qwen3", "smollm3"))
MATERIAL = Material(tasks=("sorting", "counting"), items=6, prose_items=4, bpe_vocabulary=300, seed=20)
CONFIG = Training(
    tokens=8192,
    context=128,
    batch_tokens=512,
    muon_learning_rate=0.02,
    adamw_learning_rate=0.005,
    warmup=0.1,
    post_share=0.5,
    post_learning_rate_share=0.25,
    threads=1,
    device="cpu",
)
STEPS, POST_STEPS = 16, 8
each_architecture = pytest.mark.parametrize("spec", [LLAMA, NEOX, GPT2, QWEN, SMOL], ids=lambda spec: spec.architecture)


def run(folder, tokenizer, spec=LLAMA, seed=3, observe=None, **changes):
    """(workspace, model) of one small training run."""
    workspace = Workspace(folder, Folder(folder, {}).progress())
    config = Training(**(CONFIG.model_dump() | changes))
    return workspace, pretrain.train(spec, config, MATERIAL, seed, tokenizer, workspace, observe)


def after(post, spec=LLAMA):
    """The model with a recipe of post-training."""
    return spec.model_copy(update={"post": post})


def encoded(tokenizer, recipe=corpora.RECIPES["expert"], seed=3):
    """Token ids of the documents of a recipe, one after the other."""
    return (tokenizers.encode(tokenizer, [text])[0] for text in corpora.documents(recipe, MATERIAL, seed))


def contents(workspace):
    """name -> bytes of everything a run leaves."""
    files = (path for path in sorted(workspace.folder.rglob("*")) if path.is_file() and path.name not in OWN)
    return {str(path.relative_to(workspace.folder)): path.read_bytes() for path in files}


def losses(workspace, split):
    frame = pd.read_parquet(workspace.folder / "losses.parquet")
    return frame[frame["split"] == split]


def unpacked(rows):
    """The documents of packed rows, cut where positions start anew, without what is masked as padding."""
    found = []
    for ids, positions, labels in zip(*(tensor.tolist() for tensor in rows), strict=True):
        for place, (token, position) in enumerate(zip(ids, positions, strict=True)):
            padding = all(label == IGNORE for label in labels[place:])
            if position == 0:
                if padding:
                    break
                found.append([])
            assert position == len(found[-1])
            found[-1].append(token)
    return found


def interrupt(monkeypatch, at, of=STEPS):
    """Let training die when it asks for the rate of step `at` of a phase of so many steps."""
    schedule = pretrain.learning_rate

    def dying(step, steps, warmup):
        if (step, steps) == (at, of):
            raise KeyboardInterrupt
        return schedule(step, steps, warmup)

    monkeypatch.setattr(pretrain, "learning_rate", dying)
