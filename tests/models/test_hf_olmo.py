"""Checkpoints of OLMo's own format give the logits that the format means; other layouts of it are refused by name."""

import json

import pytest
import torch
from models import olmo_stand_in as olmo

from proxylib.errors import UserError
from proxylib.models import hf_olmo, loading, tokenizers


def test_logits_are_those_of_the_format_written_out(tmp_path):
    folder = olmo.write(tmp_path / "model")
    ids = torch.tensor([5, 97, 3, 258, 40, 41, 42, 7])
    model = loading.load(folder)
    with torch.inference_mode():
        got = model(input_ids=ids[None]).logits[0]
    assert torch.allclose(got.double(), olmo.logits(olmo.weights(), ids), atol=2e-4)
    assert type(model).__name__ == "LlamaForCausalLM" and model.config.max_position_embeddings == 128 and not model.training


def test_shards_are_read_as_one_file_is(tmp_path):
    whole, parts = olmo.write(tmp_path / "whole"), olmo.write(tmp_path / "parts")
    tensors = olmo.weights()
    (parts / "model.safetensors").unlink()
    names = {name: f"model-0000{number % 2}.safetensors" for number, name in enumerate(tensors)}
    for file in set(names.values()):
        olmo.save_file({name: tensors[name] for name in names if names[name] == file}, parts / file)
    (parts / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    ids = torch.arange(9)[None]
    with torch.inference_mode():
        assert torch.equal(loading.load(whole)(input_ids=ids).logits, loading.load(parts)(input_ids=ids).logits)


def test_its_tokenizer_is_read_without_the_class_that_it_names(tmp_path):
    tokenizer = tokenizers.load(olmo.write(tmp_path / "model"))
    assert tokenizer.is_fast and tokenizer.eos_token == "</s>"
    assert tokenizer.decode(tokenizer("two and 2", add_special_tokens=False)["input_ids"]) == "two and 2"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"layer_norm_type": "default"}, "layer_norm_type is 'default'; of this format, only 'rms' can be read"),
        ({"attention_layer_norm": True}, "attention_layer_norm is True"),
        ({"clip_qkv": 8.0}, "clip_qkv is 8.0"),
        ({"weight_tying": True}, "weight_tying is True"),
        ({"norm_after": True}, "norm_after is True"),
        ({"n_kv_heads": 1}, "n_kv_heads is 1"),
        ({"d_model": None}, "says no size"),
        ({"embedding_size": 259}, r"lm_head.weight is \(272, 16\), config.json wants \(259, 16\)"),
        ({"n_layers": 3}, "layers.2.* is None, config.json wants"),
        ({"n_layers": 1}, "layers.1.*, config.json wants None"),
    ],
)
def test_another_layout_is_refused_by_name(tmp_path, config, message):
    with pytest.raises(UserError, match=message):
        loading.load(olmo.write(tmp_path / "model", config=config))


def test_weights_of_other_names_or_without_numbers_are_refused(tmp_path):
    tensors = olmo.weights()
    with pytest.raises(UserError, match="q_norm.weight is of another layout"):
        loading.load(olmo.write(tmp_path / "a", tensors=tensors | {olmo.PREFIX + "blocks.0.q_norm.weight": torch.ones(16)}))
    tensors[olmo.PREFIX + "ln_f.weight"][3] = torch.nan
    with pytest.raises(UserError, match="model"):
        loading.load(olmo.write(tmp_path / "model", tensors=tensors))
    (tmp_path / "a" / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(UserError, match="no weights that can be read"):
        loading.load(tmp_path / "a")


def test_other_folders_are_none_of_it(tmp_path):
    assert not hf_olmo.saved_in(tmp_path)
    for text in ("[]", "no json", json.dumps({"model_type": "olmo"})):
        (tmp_path / "config.json").write_text(text)
        assert not hf_olmo.saved_in(tmp_path)
