"""Models and adapters as other tools leave them: they are what their files say, or refused in a line; nothing is random."""

import io
import json
import shutil

import pytest
import torch
import transformers
from models import strange
from peft import LoraConfig, PeftModel, get_peft_model

from proxylib import cli
from proxylib.errors import UserError
from proxylib.models import folders, loading, lora, tokenizers


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Folder of a model with its tokenizer."""
    return strange.saved(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture
def model(base, tmp_path):
    """A copy of the folder, to be changed."""
    return shutil.copytree(base, tmp_path / "model")


@pytest.fixture
def adapter(base, tmp_path):
    """Folder of an adapter on the base, both of whose matrices are drawn."""
    return strange.adapted(base, tmp_path / "adapter")


# ---- adapters on adapters --------------------------------------------------------------------------------------------


def test_an_adapter_is_in_effect_as_if_merged_by_hand(base, adapter):
    weights = strange.weights(base)
    for name, pair in strange.pairs(adapter).items():
        weights[f"{name}.weight"] = weights[f"{name}.weight"] + 2.0 * pair["lora_B"] @ pair["lora_A"]  # alpha / rank
    merged = strange.write(shutil.copytree(base, adapter.with_name("merged")), weights)
    by_hand, unmerged, without = (strange.logits(loading.load(folder)) for folder in (merged, adapter, base))
    assert (by_hand - without).abs().max() > 0.5  # else nothing is seen
    assert torch.allclose(unmerged, by_hand, atol=1e-4)


def stacked(kind, base, adapter, tmp_path):
    """An adapter that stands on another adapter, or on itself."""
    folder = tmp_path / "upper"
    if kind == "from peft":  # peft puts the second in the place of the first, and says nothing
        torch.manual_seed(4)
        lower = PeftModel.from_pretrained(loading.load(base), adapter)
        upper = get_peft_model(lower.get_base_model(), LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))
        upper.peft_config["default"].base_model_name_or_path = str(adapter)
        upper.save_pretrained(folder)
        return folder
    shutil.copytree(adapter, folder)
    names = {"on an adapter": adapter, "on itself": folder, "in a circle": tmp_path / "other"}
    strange.set_base(folder, names[kind])
    if kind == "in a circle":
        strange.set_base(shutil.copytree(adapter, tmp_path / "other"), folder)
    return folder


@pytest.mark.parametrize("kind", ["from peft", "on an adapter", "on itself", "in a circle"])
def test_an_adapter_on_an_adapter_is_refused_wherever_it_is_named(kind, base, adapter, tmp_path):
    folder = stacked(kind, base, adapter, tmp_path)
    for ask in (loading.load, folders.base_of, folders.fingerprint, folders.identity):
        with pytest.raises(UserError, match=r"adapter_config.json: the adapter stands on .*merge_and_unload"):
            ask(folder)


def test_a_fine_tune_of_an_adapter_is_refused(adapter, tmp_path):
    settings = lora.Tuning(rank=2, alpha=2.0, learning_rate=0.01, batch=1, context=64)
    with pytest.raises(UserError, match="adapter: is an adapter, and another one cannot stand on it; merge"):
        lora.tune(adapter, [strange.TRACE], settings, lora.Schedule(1, None), 0, tmp_path / "cell")
    assert not (tmp_path / "cell").exists()


def test_a_whole_model_beside_an_adapter_could_be_meant_and_is_refused(base, adapter):
    shutil.copy(base / "model.safetensors", adapter)
    shutil.copy(base / "config.json", adapter)
    with pytest.raises(UserError, match=r"holds an adapter and a whole model \(model.safetensors\)"):
        loading.load(adapter)


# ---- files that do not fit -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "said"), strange.MISFITS.values(), ids=strange.MISFITS)
def test_weights_that_do_not_fit_their_config_are_refused_in_either_direction(model, change, said, capfd):
    strange.write(model, change(strange.weights(model)))
    with pytest.raises(UserError, match=said):
        loading.load(model)
    assert capfd.readouterr() == ("", "")  # transformers' own list of keys is not shown


@pytest.mark.parametrize("layers", [1, 3])
def test_a_config_with_other_layers_than_the_file_is_refused(model, layers):
    strange.edit(model / "config.json", num_hidden_layers=layers)
    with pytest.raises(UserError, match=r"the weights (hold|lack) model\.layers\.[12]\.input_layernorm\.weight"):
        loading.load(model)


def test_more_layers_than_weights_are_refused_before_they_fill_the_memory(model):
    strange.edit(model / "config.json", num_hidden_layers=10**9)
    with pytest.raises(UserError, match="asks for 1000000000 layers, and there are 21 weights"):
        loading.load(model)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_hidden_layers": "x"},
        {"rope_parameters": {"rope_type": "x"}},
        {"hidden_act": "x"},
        {"hidden_size": None},
        {"sliding_window": "x"},
    ],
    ids=str,
)
def test_a_config_that_makes_no_model_is_one_line(model, changes):
    strange.edit(model / "config.json", **(changes | ({"model_type": "mistral"} if "sliding_window" in changes else {})))
    with pytest.raises(UserError, match=str(model)):
        loading.load(model)


@pytest.mark.parametrize(("change"), strange.HARMLESS.values(), ids=strange.HARMLESS)
def test_harmless_leftovers_change_nothing(base, model, change):
    strange.write(model, change(strange.weights(model)))
    assert torch.equal(strange.logits(loading.load(model)), strange.logits(loading.load(base)))


def test_one_weight_in_two_shards_is_refused(model):
    weights = strange.weights(model)
    names = sorted(weights)
    (model / "model.safetensors").unlink()
    parts = {"a.safetensors": names[:8], "b.safetensors": names[7:]}
    for part, keys in parts.items():
        strange.write(model, {key: weights[key] for key in keys}, part)
    index = {"metadata": {}, "weight_map": {key: part for part, keys in parts.items() for key in keys}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UserError, match=f"two files hold {names[7]}"):
        loading.load(model)


def grown(base, folder, rows, **settings):
    """An adapter trained after the embeddings were given another number of rows; returns its logits for the last of them."""
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    model.resize_token_embeddings(rows)
    torch.manual_seed(5)
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **({"target_modules": ["q_proj"]} | settings))).eval()
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) / 5)
    adapted.save_pretrained(folder)
    with torch.inference_mode():
        return adapted(input_ids=torch.arange(rows - 9, rows)[None]).logits


@pytest.mark.parametrize("rows", [263, 251])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"modules_to_save": ["embed_tokens"]},
        {"modules_to_save": ["embed_tokens", "lm_head"]},
        {"target_modules": ["q_proj", "embed_tokens", "lm_head"]},
    ],
)
def test_an_adapter_with_added_tokens_finds_rows_for_them(settings, tied, rows, tmp_path):
    base = strange.saved(tmp_path / "base", tie_word_embeddings=tied)
    logits = grown(base, tmp_path / "adapter", rows, **settings)
    loaded = loading.load(tmp_path / "adapter")
    with torch.inference_mode():
        assert torch.allclose(loaded(input_ids=torch.arange(rows - 9, rows)[None]).logits, logits, atol=1e-5)


def test_an_adapter_on_the_experts_is_in_effect_and_leaves_its_base_alone(tmp_path):
    sizes = {"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 16, "head_dim": 16, "num_key_value_heads": 2}
    base = strange.saved(tmp_path / "base", "qwen3_moe", **sizes)
    torch.manual_seed(4)
    settings = LoraConfig(
        task_type="CAUSAL_LM", r=4, target_modules=["q_proj"], target_parameters=["experts.down_proj"], init_lora_weights=False
    )
    adapted = get_peft_model(transformers.AutoModelForCausalLM.from_pretrained(base), settings).eval()
    adapted.save_pretrained(tmp_path / "adapter")
    wanted = strange.logits(adapted)
    with adapted.disable_adapter():
        assert not torch.allclose(strange.logits(adapted), wanted, atol=0.1)
    assert torch.allclose(strange.logits(loading.load(tmp_path / "adapter")), wanted, atol=1e-5)


def test_rows_that_only_embeddings_or_head_have_are_refused(base, tmp_path):
    grown(base, tmp_path / "adapter", 263, target_modules=["q_proj", "embed_tokens"])  # peft leaves the head away
    with pytest.raises(UserError, match=r"holds 263 rows of model.embed_tokens, and none of the other"):
        loading.load(tmp_path / "adapter")


def test_a_weight_under_two_names_must_be_the_same(base, tmp_path):
    folder = tmp_path / "adapter"
    grown(base, folder, 263, modules_to_save=["embed_tokens"])
    tensors = strange.weights(folder, loading.ADAPTER_WEIGHTS)
    key = "base_model.model.model.embed_tokens.modules_to_save.weight"
    strange.write(folder, tensors | {key: tensors[key] + 1}, loading.ADAPTER_WEIGHTS)
    with pytest.raises(UserError, match=r"no place for .*modules_to_save"):
        loading.load(folder)


@pytest.mark.parametrize(("change", "said"), strange.ADAPTER_MISFITS.values(), ids=strange.ADAPTER_MISFITS)
def test_an_adapter_whose_keys_do_not_fit_is_refused_in_either_direction(adapter, change, said):
    path = adapter / loading.ADAPTER_WEIGHTS
    strange.write(adapter, change(strange.weights(adapter, path.name)), path.name)
    with pytest.raises(UserError, match=said):
        loading.load(adapter)


@pytest.mark.parametrize(
    "changes",
    [
        {"target_modules": ["q_proj", "v_proj", "k_proj"], "init_lora_weights": False},
        {"target_modules": ["q_proj"]},
        {"r": 8},
        {"use_dora": True},
        {"modules_to_save": ["lm_head"]},
        {"layers_to_transform": [0]},
        {"init_lora_weights": "pissa"},
        {"peft_type": "IA3"},
        {"peft_type": "SOMETHING"},
        {"use_what_comes_next": True},
    ],
    ids=str,
)
def test_an_adapter_whose_config_does_not_fit_its_weights_is_refused(adapter, changes):
    strange.edit(adapter / "adapter_config.json", **changes)
    with pytest.raises(UserError, match=str(adapter)):
        loading.load(adapter)


def test_pickled_weights_are_refused_by_name(model, adapter):
    for folder, file, pickle in (
        (model, "model.safetensors", "pytorch_model.bin"),
        (adapter, "adapter_model.safetensors", "adapter_model.bin"),
    ):
        torch.save(strange.weights(folder, file), folder / pickle)
        expected = strange.logits(loading.load(folder))  # beside safetensors it is never looked at
        (folder / pickle).write_bytes(b"no pickle")
        assert torch.equal(strange.logits(loading.load(folder)), expected)
        (folder / file).unlink()
        with pytest.raises(UserError, match=f"{pickle} is a pickle, which is never read"):
            loading.load(folder)


# ---- code ------------------------------------------------------------------------------------------------------------

TRAP = "import pathlib\npathlib.Path('ran').touch()\nfrom transformers import *\nclass Mine: pass\n"


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("config.json", {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Mine", "AutoModelForCausalLM": "mine.Mine"}}),
        ("config.json", {"model_type": "mine", "auto_map": {"AutoConfig": "someone/else--mine.Mine"}}),
        ("tokenizer_config.json", {"tokenizer_class": "Mine", "auto_map": {"AutoTokenizer": ["mine.Mine", "mine.Mine"]}}),
    ],
    ids=["model", "from another repository", "tokenizer"],
)
def test_code_of_a_models_own_is_neither_run_nor_asked_about(model, tmp_path, monkeypatch, capsys, file, changes):
    (model / "mine.py").write_text(TRAP)
    strange.edit(model / file, **changes)
    (tmp_path / "t.jsonl").write_text('{"prompt": "a", "solution": "b"}\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", answers := io.StringIO("y\n" * 9))
    assert cli.main(["extract", "--model", str(model), "--traces", "t.jsonl", "--out", "rows"]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n"), answers.tell()) == ("", 1, 0)
    assert "needs code of its own, which is never run" in printed.err and "trust" not in printed.err
    assert not (tmp_path / "ran").exists() and not (tmp_path / "rows").exists()


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation", "experts_implementation"])
def test_a_kernel_of_the_hub_is_not_fetched(model, key):
    strange.edit(model / "config.json", **{key: "someone/kernels"})
    with pytest.raises(UserError, match=f"config.json: {key} someone/kernels is code of the hub, which is never run"):
        loading.load(model)


def test_code_beside_a_model_that_transformers_knows_is_not_run(base, model, monkeypatch, tmp_path):
    # as in many folders of the hub: the code is of a time before transformers knew the model
    monkeypatch.chdir(tmp_path)
    (model / "mine.py").write_text(TRAP)
    strange.edit(model / "config.json", auto_map={"AutoConfig": "mine.Mine", "AutoModelForCausalLM": "mine.Mine"})
    assert torch.equal(strange.logits(loading.load(model)), strange.logits(loading.load(base)))
    assert tokenizers.load(model) and not (tmp_path / "ran").exists()
