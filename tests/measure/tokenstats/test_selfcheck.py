"""Passes are tried against one trace alone before the first shard: what differs is narrowed and said, or refused."""

import copy
import json

import numpy as np
import pytest
import torch
from models import tiny

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.measure.settings import ExtractSettings, Layout
from proxylib.measure.tokenstats import chunked, extract, selfcheck, shards
from proxylib.measure.tokenstats.encode import Encoded, Window, encode
from proxylib.models import loading, tokenizers
from proxylib.models.lengths import Ways
from proxylib.runs.folder import MANIFEST

FRONT = "a worked example of forty letters, and then "
TRACES = [Trace("t", f"{n}", "" if n < 4 else FRONT, "abc " * (1 + 2 * n) + "end\n", "", "") for n in range(9)]
LAYOUT = Layout(padding=1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.save(tmp_path_factory.mktemp("model"), context=128)


@pytest.fixture
def network(folder, monkeypatch):
    """The model that `extract` will load, for a test to change."""
    model = loading.load(folder)
    monkeypatch.setattr(loading, "load", lambda *_, **__: model)
    return model


def after_trunk(network, change):
    """`change` of all last hidden states [B, T, H] of a pass."""

    def hook(_, inputs, out):
        out["last_hidden_state"] = change(out.last_hidden_state)
        return out

    network.base_model.register_forward_hook(hook)


def alone(network, trace):
    tokenizer = tokenizers.train("byte", [], 300)
    item = encode(trace, tokenizer, Window(1000), 10**9)
    ids = torch.tensor([item.ids])
    with torch.inference_mode():
        log_p = network(input_ids=ids, use_cache=False).logits[0].log_softmax(-1)
    return -log_p[-item.scored - 1 : -1].gather(1, ids[0, -item.scored :, None])[:, 0].numpy()


def assert_rows_are_those_alone(rows, network):
    for trace in TRACES:
        nll = rows.loc[rows["id"] == trace.id, "nll"].to_numpy()
        assert nll == pytest.approx(alone(network, trace), abs=2e-4)


def test_what_agrees_is_left_as_it_is_and_the_manifest_says_by_how_much(folder, tmp_path, capsys):
    done = shards.extract(folder, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    account = json.loads((tmp_path / "out" / MANIFEST).read_text())["facts"]["self_check"]
    assert 0 < account["difference"] <= account["tolerance"] == selfcheck.TOLERANCE
    assert account["narrowed"] is None and account["traces"] >= 3 and done.facts["largest_batch"] == LAYOUT.batch_traces
    assert "one trace" not in capsys.readouterr().err + done.summary()


def mean_of_the_pass(hidden):
    return hidden + hidden.mean(0, keepdim=True)


def dropped_beyond_capacity(hidden):
    """As experts of a fixed capacity do: the last eighth of all places of the pass finds no room."""
    flat = hidden.flatten(0, 1).clone()
    flat[-(len(flat) // 8) :] = 0.0
    return flat.view_as(hidden)


def by_the_longest(hidden):
    return hidden * (1 + hidden.shape[1] / 100)


@pytest.mark.parametrize("change", [mean_of_the_pass, dropped_beyond_capacity, by_the_longest])
def test_models_that_mix_the_traces_of_a_pass_get_one_trace_a_pass(folder, tmp_path, network, change, capsys):
    after_trunk(network, change)
    wide = extract.Engine(network, 259, LAYOUT)
    item = lambda trace: encode(trace, tokenizers.train("byte", [], 300), Window(1000), 10**9)
    mixed = wide.score([item(trace) for trace in TRACES])["nll"].to_numpy()
    expected = np.concatenate([alone(network, trace) for trace in TRACES])
    assert abs(mixed - expected).max() > 0.01  # it matters
    done = shards.extract(folder, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    assert_rows_are_those_alone(done.tokens, network)
    assert "going on with one trace a pass" in capsys.readouterr().err
    assert done.facts["self_check"]["narrowed"].endswith("nats") and "one trace a pass" in done.summary()


def test_a_shared_prompt_whose_cache_fails_further_on_is_not_shared(folder, tmp_path, network, monkeypatch):
    """The probe of 24 tokens cannot see it."""
    real = extract._hidden
    failing = lambda trunk, ids, mask, shared: real(trunk, ids, mask, shared) * (1.5 if shared > 30 else 1.0)
    monkeypatch.setattr(extract, "_hidden", failing)
    done = shards.extract(folder, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    assert_rows_are_those_alone(done.tokens, network)
    assert done.facts["self_check"]["narrowed"]


def test_a_compiled_reduction_that_is_wrong_is_not_used(folder, tmp_path, network, monkeypatch):
    def wrong(logits, targets, columns):
        found = chunked._reduced(logits, targets, columns)
        return found | {"n_greater": found["n_greater"] + 1}

    monkeypatch.setattr(chunked, "_compiled", wrong)
    done = shards.extract(folder, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT.model_copy(update={"impl": "compiled"}))
    assert done.facts["self_check"]["narrowed"] == "in their ranks" and done.facts["impl"] == "chunked"


def test_a_model_that_remembers_what_it_saw_is_refused_by_name(folder, tmp_path, network):
    seen = []

    def remembers(hidden):
        seen.append(hidden.shape[1])
        return hidden * (2.0 if max(seen) > 60 else 1.0)  # after a long text, a short one is read otherwise

    after_trunk(network, remembers)
    with pytest.raises(UserError, match="model LlamaForCausalLM: even one trace a pass gives rows that differ by"):
        shards.extract(folder, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    assert not (tmp_path / "out").exists()


def test_the_decision_of_a_killed_call_is_kept(folder, tmp_path, network, monkeypatch):
    after_trunk(network, mean_of_the_pass)
    monkeypatch.setattr(shards, "SHARD_TOKENS", 60)
    whole = shards.extract(folder, TRACES, tmp_path / "whole", ExtractSettings(), LAYOUT)
    real, calls = extract.Engine.score, []

    def killed(self, batch):
        calls.extend([1] * (self.layout.batch_traces == 1))
        if len(calls) > whole.facts["self_check"]["traces"] + 4:
            raise KeyboardInterrupt
        return real(self, batch)

    monkeypatch.setattr(extract.Engine, "score", killed)
    with pytest.raises(KeyboardInterrupt):
        shards.extract(folder, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    assert list((tmp_path / "out" / shards.TOKENS).iterdir())
    monkeypatch.setattr(extract.Engine, "score", real)
    monkeypatch.setattr(selfcheck, "checked", lambda *_: pytest.fail("checked again"))
    done = shards.extract(folder, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    assert done.files == whole.files and done.facts["self_check"] == whole.facts["self_check"]


def test_a_folder_of_before_the_check_is_not_trusted(folder, tmp_path, network, monkeypatch):
    after_trunk(network, mean_of_the_pass)
    with monkeypatch.context() as before:
        before.setattr(shards, "_checked", lambda workspace, network, engine, encoded: engine)
        shards.extract(folder, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    done = shards.extract(folder, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    assert_rows_are_those_alone(done.tokens, network)


def test_bfloat16_is_given_its_roundings(network):
    network = copy.deepcopy(network).bfloat16()
    tokenizer = tokenizers.train("byte", [], 300)
    encoded = [encode(trace, tokenizer, Window(1000), 10**9) for trace in TRACES]
    engine, account = selfcheck.checked(network, extract.Engine(network, 259, LAYOUT), encoded)
    assert account["narrowed"] is None and account["tolerance"] > selfcheck.TOLERANCE
    after_trunk(network, lambda hidden: hidden * (30.0 if len(hidden) > 1 else 1.0))
    assert selfcheck.checked(network, engine, encoded)[1]["narrowed"]


class Fake:
    """An engine as far as trials are concerned."""

    def __init__(self, ways=None, groups=()):
        self.ways, self.groups = ways or Ways(), list(groups)

    def sharing(self, _):
        return self.groups


def of_lengths(*lengths):
    return [Encoded([0] * length, length - 1, [], [], 0, 0, 1) for length in lengths]


def test_trials_are_the_shortest_beside_the_longest_both_sides_of_a_turn_and_a_shared_prompt():
    encoded = of_lengths(30, 5, 90, 41, 40, 60, 61)
    lengths = lambda batches: [[len(encoded[index].ids) for index in batch] for batch in batches]
    chosen = lengths(selfcheck.trials(Fake(Ways((40,), (), (60,)), [[3, 6]]), encoded))
    assert chosen == [[5, 90], [5, 60, 61, 90], [5, 40, 41, 60], [41, 61]]
    sides = [[sum(length > turn for length in batch) for batch in chosen] for turn in (40, 60)]
    assert sides == [[1, 3, 2, 2], [1, 2, 0, 1]]  # at either turn one pass holds two traces on either side


@pytest.mark.parametrize("count", [1000, 5000])
def test_trials_cost_little_beside_a_run_of_a_thousand_traces(count):
    rng = np.random.default_rng(2)
    encoded = of_lengths(*np.clip(rng.lognormal(5, 1, count), 4, 8192).astype(int))
    total = sum(len(item.ids) for item in encoded)
    chosen = selfcheck.trials(Fake(Ways((256,), (), (1024,)), [[0, 1], [2, 3]]), encoded)
    assert sum(selfcheck._cost(encoded, batch) for batch in chosen) <= 0.01 * total
    lengths = [sorted(len(encoded[index].ids) for index in batch) for batch in chosen]
    whole = sorted(len(item.ids) for item in encoded)
    assert lengths[0][-1] > 500 and any(len(batch) == 2 and batch[0] == whole[0] for batch in lengths[:2])
    assert min(length for length in whole if length > 256) in sum(lengths, [])


def test_a_single_trace_is_tried_however_long_it_is():
    assert selfcheck.trials(Fake(), of_lengths(50_000)) == [[0]]
