"""Models and adapters made up by the hundred: what is loaded is what the files hold, to the last weight, or one line says why.

`PROXYLIB_FUZZ=20` tries twenty times as many.
"""

import json
import os
import re
import shutil

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import strange

from proxylib.errors import UserError
from proxylib.models import loading, weights

TIMES = int(os.environ.get("PROXYLIB_FUZZ", "1"))
KINDS = {
    "llama": {},
    "qwen3": {"tie_word_embeddings": True, "head_dim": 16, "num_key_value_heads": 1},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2},
    "gpt_neox": {},
}
LINEAR = {"llama": ["q_proj", "up_proj"], "qwen3": ["v_proj"], "gpt2": ["c_attn", "c_proj"], "gpt_neox": ["query_key_value"]}
INSIDE = ("_orig_mod.", "module.", "base_model.model.", "model.", "transformer.", "x")
JUNK = st.sampled_from([None, True, -1, 0, 1, 3, 64, 10**9, 0.5, float("1e30"), "x", "", [], {}, [1], {"a": {}}])
index = st.integers(0, 200)


def many(count):
    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    return settings(
        max_examples=count * TIMES, deadline=None, derandomize=TIMES == 1, database=None, suppress_health_check=slow
    )


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Kind -> folder of a model with, beside it, an adapter on it."""
    root = tmp_path_factory.mktemp("kinds")
    for kind, sizes in KINDS.items():
        folder = strange.saved(root / kind, kind, **sizes)
        strange.adapted(folder, root / f"{kind}-adapter", target_modules=LINEAR[kind], fan_in_fan_out=kind == "gpt2")
    return root


# ---- what is done to tensors, and to the values of a config ----------------------------------------------------------


def at(tensors, number):
    return sorted(tensors)[number % len(tensors)]


def renamed(tensors, number, part, place):
    key = at(tensors, number)
    parts = key.split(".")
    parts.insert(place % len(parts), part.rstrip("."))
    return {(".".join(parts) if name == key else name): tensor for name, tensor in tensors.items()}


def dropped(tensors, number):
    return {name: tensor for name, tensor in tensors.items() if name != at(tensors, number)}


def doubled(tensors, number, part, place):
    return tensors | {key: tensor + 1 for key, tensor in renamed(tensors, number, part, place).items() if key not in tensors}


def moved(tensors, number, layer):
    key = at(tensors, number)
    return tensors | {re.sub(r"\.\d+\.", f".{layer}.", key, count=1): tensors[key] + 1}


def kind(tensors, number, dtype):
    key = at(tensors, number)
    return tensors | {key: (tensors[key] * 9).to(dtype)}


def shaped(tensors, number, how):
    key = at(tensors, number)
    ways = {"half": lambda t: t[: len(t) // 2], "turned": lambda t: t.T, "one more": lambda t: t[None], "flat": torch.flatten}
    return tensors | {key: ways[how](tensors[key])}


def spoilt(tensors, number, value):
    key = at(tensors, number)
    return tensors | {key: torch.full_like(tensors[key], value)}


DTYPES = [torch.int8, torch.int64, torch.float16, torch.float64, torch.bool]
part, place = st.sampled_from(INSIDE), st.integers(0, 5)
tensor_change = st.one_of(
    st.builds(lambda *a: lambda t: renamed(t, *a), index, part, place),
    st.builds(lambda *a: lambda t: dropped(t, *a), index),
    st.builds(lambda *a: lambda t: doubled(t, *a), index, part, place),
    st.builds(lambda *a: lambda t: moved(t, *a), index, st.integers(0, 4)),
    st.builds(
        lambda *a: lambda t: kind(t, *a),
        index,
        st.sampled_from(DTYPES),
    ),
    st.builds(lambda *a: lambda t: shaped(t, *a), index, st.sampled_from(["half", "turned", "one more", "flat"])),
    st.builds(lambda *a: lambda t: spoilt(t, *a), index, st.sampled_from([float("nan"), float("inf"), 0.0])),
)


def config_change(names):
    """A change of one value of a config: of one that it has, or of one of `names`."""

    def change(number, name, value, gone):
        def made(config):
            key = sorted(config)[number % len(config)] if name is None else name
            return {k: v for k, v in config.items() if k != key} if gone else config | {key: value}

        return made

    return st.builds(change, index, st.none() | st.sampled_from(names), JUNK, st.booleans())


def tried(folder):
    """The model twice, under other random numbers; None where it is refused in a line."""
    models = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        try:
            models.append(loading.load(folder))
        except UserError as error:
            assert "\n" not in str(error) and str(folder) in str(error) and len(str(error)) < 600
            assert not models
            return None
    first, second = (model.state_dict() for model in models)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())  # nothing is random
    return models[0]


SIZES = ["num_hidden_layers", "n_layer", "hidden_size", "num_attention_heads", "num_key_value_heads", "tie_word_embeddings"]
SIZES += ["attention_bias", "vocab_size", "model_type", "sliding_window", "rope_parameters", "head_dim", "quantization_config"]
seen = {"loaded": 0, "refused": 0}


@many(80)
@given(
    name=st.sampled_from(sorted(KINDS)),
    changes=st.lists(tensor_change, max_size=2),
    values=st.lists(config_change(SIZES), max_size=1),
)
def test_a_whole_model_is_what_its_file_says_or_refused(places, tmp_path, name, changes, values):
    folder = tmp_path / "model"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(places / name, folder)
    tensors, config = strange.weights(folder), json.loads((folder / "config.json").read_text())
    for change in changes:
        tensors = change(tensors)
    for change in values:
        config = change(config)
    strange.write(folder, tensors)
    (folder / "config.json").write_text(json.dumps(config))
    model = tried(folder)
    seen["refused" if model is None else "loaded"] += 1
    if model is None:
        return
    plain = lambda key: re.sub(rf"^({model.base_model_prefix}\.)+", "", key)
    headless = lambda key: plain(key).replace("embed_out.", "lm_head.")  # older GPT-NeoX
    given_, used = {headless(key): tensor for key, tensor in tensors.items()}, set()
    tied = {a: b for a, b in model.all_tied_weights_keys.items()}
    for key, tensor in model.state_dict().items():
        names = [headless(own) for own in (key, tied.get(key), *(a for a, b in tied.items() if b == key)) if own]
        (source, *_) = [own for own in names if own in given_]
        assert torch.equal(tensor, given_[source].to(tensor.dtype)), key
        used.add(source)
    assert all(weights.LEFTOVERS.search(key) for key in given_.keys() - used)


ASKED = ["r", "lora_alpha", "target_modules", "use_dora", "use_rslora", "lora_bias", "modules_to_save", "rank_pattern"]
ASKED += ["layers_to_transform", "exclude_modules", "lora_dropout", "bias", "peft_type", "task_type", "revision", "what_is_new"]
inits = st.sampled_from([True, False, "gaussian", "pissa", "pissa_niter_2", "olora", "orthogonal", "eva", "loftq", "mica"])


@many(80)
@given(
    name=st.sampled_from(sorted(KINDS)),
    changes=st.lists(tensor_change, max_size=1),
    values=st.lists(config_change(ASKED), max_size=1),
    more=st.fixed_dictionaries(
        {},
        optional={
            "init_lora_weights": inits,
            "use_rslora": st.booleans(),
            "lora_alpha": st.sampled_from([1, 4, 16.0, -8]),
            "fan_in_fan_out": st.booleans(),
            "lora_dropout": st.sampled_from([0.0, 0.5]),
            "alpha_pattern": st.sampled_from([{}, {".*": 2}, {"q_proj": 1}]),
            "target_modules": st.sampled_from(["all-linear", ".*q_proj", ["q_proj"], ["q_proj", "k_proj", "up_proj"]]),
        },
    ),
)
def test_an_adapter_is_as_if_merged_by_hand_or_refused(places, tmp_path, name, changes, values, more):
    folder, merged = tmp_path / "adapter", tmp_path / "merged"
    for place, source in ((folder, f"{name}-adapter"), (merged, name)):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(places / source, place)
    path = folder / "adapter_config.json"
    tensors, config = strange.weights(folder, loading.ADAPTER_WEIGHTS), json.loads(path.read_text()) | more
    for change in changes:
        tensors = change(tensors)
    for change in values:
        config = change(config)
    strange.write(folder, tensors, loading.ADAPTER_WEIGHTS)
    path.write_text(json.dumps(config))
    model = tried(folder)
    seen["refused" if model is None else "loaded"] += 1
    if model is None:
        return
    base, prefix = strange.weights(merged), "" if name != "gpt2" else "transformer."
    for module, pair in strange.pairs(folder).items():
        key = next(key for key in base if f"{module}.weight".removeprefix(prefix) in (key, key.removeprefix(prefix)))
        fits = lambda part, module=module: re.match(rf"(.*\.)?({part})$", module)
        alpha = next((alpha for part, alpha in config["alpha_pattern"].items() if fits(part)), config["lora_alpha"])
        rank = len(pair["lora_A"])
        update = pair["lora_B"].float() @ pair["lora_A"].float() * (alpha / (rank**0.5 if config.get("use_rslora") else rank))
        base[key] = base[key] + (update.T if name == "gpt2" else update)
    expected = strange.logits(loading.load(strange.write(merged, base)))
    assert torch.allclose(strange.logits(model), expected, atol=1e-3 * float(expected.abs().max()))


def test_both_sides_were_seen():
    assert min(seen.values()) >= 10 and sum(seen.values()) >= 150, seen
