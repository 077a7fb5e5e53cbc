"""Published worked solutions through the readers, on a real shape with random weights and a tokenizer trained on their text."""

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from proxylib import proxies, traces
from proxylib.tokenstats import extract, shards

pytestmark = pytest.mark.published
COUNTS = {"gsm8k": 1319, "math500": 500, "humaneval": 164, "mbpp": 427}
PYTHIA_14M = {
    "hidden_size": 128,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "intermediate_size": 512,
    "vocab_size": 50304,
    "max_position_embeddings": 2048,
}


@pytest.fixture(scope="module")
def sets(published_set):
    for name in ("gsm8k", "math500", "humaneval", "mbpp_codet"):
        published_set(name)
    return {name: traces.read(f"set:{name}") for name in COUNTS}


def train(kind, texts):
    """A tokenizer of 4,000 entries: byte-level as GPT-2's, or sentence-piece-like with bytes behind unknown characters."""
    special = {"special_tokens": ["<unk>", "<s>", "</s>"], "vocab_size": 4000, "show_progress": False}
    if kind == "byte-level":
        inner = Tokenizer(models.BPE())
        inner.pre_tokenizer, inner.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        trainer = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **special)
    else:
        inner = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
        inner.normalizer = normalizers.Replace(" ", "\u2581")
        inner.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
        special["special_tokens"] += [f"<0x{byte:02X}>" for byte in range(256)]
        trainer = trainers.BpeTrainer(limit_alphabet=60, max_token_length=8, **special)
    inner.train_from_iterator(texts, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>")


@pytest.fixture(scope="module", params=["byte-level", "sentence-piece"])
def model(request, sets, tmp_path_factory):
    """A folder with the shape of Pythia-14M; its head has 46,304 rows that belong to no entry."""
    folder = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(1)
    network = transformers.GPTNeoXForCausalLM(transformers.GPTNeoXConfig(**PYTHIA_14M))
    network.save_pretrained(folder)
    texts = [trace.prompt + trace.solution for found in sets.values() for trace in found[:100]]
    train(request.param, texts).save_pretrained(folder)
    return folder


def test_every_problem_is_read(sets):
    assert {name: len(found) for name, found in sets.items()} == COUNTS
    for name, found in sets.items():
        assert {trace.task for trace in found} == {name} and len({trace.id for trace in found}) == len(found)
    assert all(trace.answer.replace(",", "").lstrip("-").replace(".", "").isdigit() for trace in sets["gsm8k"])
    assert all(trace.solution.endswith(trace.answer) for trace in sets["gsm8k"])


def test_rows_account_for_every_byte_of_every_solution(sets, model, tmp_path):
    chosen = [trace for found in sets.values() for trace in found[:12]]
    done = shards.extract(model, chosen, tmp_path / "out", shards.Settings(window=150), extract.Layout(tokens=4096), threads=1)
    items = done.items.set_index(["task", "id"])
    assert (items["status"] == "scored").all() and done.vocabulary <= 4000
    assert (items["scored"] <= 150).all() and (items["windowed"] > 0).any()
    rows = done.tokens
    size = {(trace.task, trace.id): len(trace.solution.encode()) for trace in chosen}
    whole = items[items["windowed"] == 0].index
    counted = rows.groupby(["task", "id"])["n_bytes"].sum()
    assert all(counted[key] == size[key] for key in whole) and len(whole) > 20
    # fresh weights say almost nothing: every loss lies near log V, over the tokenizer's entries alone
    assert rows["nll"].mean() == pytest.approx(np.log(done.vocabulary), abs=0.5)
    assert (rows["n_greater"] < done.vocabulary).all()
    eighty = proxies.by_task(rows, done.vocabulary)
    assert list(eighty.index) == list(COUNTS) and np.isfinite(eighty.to_numpy()).all()


def test_a_boundary_that_moves_is_counted(sets, model, tmp_path):
    done = shards.extract(model, sets["humaneval"][:20], tmp_path / "out", shards.Settings(), threads=1)
    assert done.manifest["boundary_moves"] == int(done.items["boundary_moves"].sum())
    assert isinstance(done.tokens, pd.DataFrame)
