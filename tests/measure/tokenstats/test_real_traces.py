"""Published worked solutions through the readers, on a real shape with random weights and a tokenizer trained on their text."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from proxylib import studies
from proxylib.data import corpora, traces
from proxylib.measure import proxies
from proxylib.measure.settings import ExtractSettings, Layout
from proxylib.measure.tokenstats import extract, shards
from proxylib.models import architectures, tokenizers
from proxylib.models.settings import Model

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
    done = shards.extract(model, chosen, tmp_path / "out", ExtractSettings(window=150), Layout(batch_tokens=4096), threads=1)
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
    done = shards.extract(model, sets["humaneval"][:20], tmp_path / "out", ExtractSettings(), threads=1)
    assert done.facts["boundary_moves"] == int(done.items["boundary_moves"].sum())
    assert isinstance(done.tokens, pd.DataFrame)


def test_a_lab_model_accounts_for_solutions_longer_than_its_positions(sets, tmp_path):
    texts = corpora.take(corpora.documents(corpora.recipe("both-styles"), studies.profile("smoke").material, 1), 60_000)
    torch.manual_seed(1)
    tokenizer = tokenizers.train("bpe", texts, 600)
    spec = Model(architecture="llama", tokenizer="bpe", width=16, depth=1, mix="expert", post="none", share=1.0)
    network = architectures.build(spec, len(tokenizer), 128)  # 256 positions
    learn(network, tokenizer, texts)
    network.save_pretrained(tmp_path / "lab")
    tokenizer.save_pretrained(tmp_path / "lab")
    chosen = [trace for found in sets.values() for trace in found[:25]]
    done = shards.extract(tmp_path / "lab", chosen, tmp_path / "out", ExtractSettings(window=100), Layout(batch_tokens=4096))
    items, rows = done.items.set_index(["task", "id"]), done.tokens
    assert list(items.index) == [(trace.task, trace.id) for trace in chosen]
    scored, dropped = items["status"] == "scored", items["status"] == "dropped"
    assert (scored | dropped).all() and scored.any() and dropped.any()
    assert items.loc[dropped, "reason"].str.match("no room for the solution: its prompt fills the context of 256 tokens").all()
    assert (items.loc[dropped, ["prompt", *extract.ACCOUNT]] == 0).all(axis=None) and (items.loc[scored, "reason"] == "").all()
    assert (items["truncated"] > 0).any() and (items["windowed"] > 0).any() and items["scored"].max() == 100
    counted = rows.groupby(["task", "id"], sort=False).agg(
        scored=("token", "size"), first=("position", "min"), offset=("offset", "min"), n_bytes=("n_bytes", "sum")
    )
    assert set(counted.index) == set(items.index[scored]) and counted["scored"].sum() == items["scored"].sum()
    for trace in (trace for trace in chosen if scored[trace.task, trace.id]):
        item, own = items.loc[(trace.task, trace.id)], counted.loc[(trace.task, trace.id)]
        tokens = len(tokenizers.encode(tokenizer, [trace.solution])[0])
        assert item["truncated"] + item["windowed"] + item["scored"] == tokens
        assert item["prompt"] + tokens - item["truncated"] <= 256
        assert own["scored"] == item["scored"] and own["first"] == item["truncated"] + item["windowed"]
        # several tokens inside one character share its offset, and all its bytes are the first one's
        end = len(trace.solution[own["offset"] :].encode())
        assert end - 4 < own["n_bytes"] <= end
    kept = rows.set_index(["task", "id"]).index.isin(proxies.short_traces(rows))
    values = proxies.by_task(rows[~kept], done.vocabulary)
    assert list(values.index) == list(COUNTS) and np.isfinite(values.to_numpy()).all()
    assert rows["entropy"].mean() < np.log(done.vocabulary) - 0.5  # it was trained


def learn(network, tokenizer, texts):
    """Sixty steps, enough to leave the uniform distribution."""
    ids = torch.tensor(list(itertools.chain.from_iterable(tokenizers.encode(tokenizer, texts)))[: 60 * 512]).view(60, 4, 128)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-2)
    for batch in ids:
        network(input_ids=batch, labels=batch).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
