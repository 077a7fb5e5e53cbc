"""Every architecture of the list: saved, loaded, measured, and compared column by column with a float64 forward.

Each is a tiny instance of its own config class. Where it changes its logits after the head, switching that off in our head
must be noticed.
"""

import copy

import numpy as np
import pytest
import torch
import transformers
from peft import LoraConfig, PromptTuningConfig, get_peft_model

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.measure.settings import Layout
from proxylib.measure.tokenstats import extract, heads, reference
from proxylib.measure.tokenstats.columns import COLUMNS
from proxylib.measure.tokenstats.encode import Window, encode
from proxylib.models import loading, tokenizers

SIZE, EXACT = 259, 3e-4  # entries of the byte tokenizer; nats that float32 may lose in these models
BLOCK = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
GROUPED = BLOCK | {"num_key_value_heads": 1}
HEADS = GROUPED | {"head_dim": 16}
DECODER = {"is_decoder": True}
#: name -> config type of transformers, and its sizes
ARCHITECTURES = {
    "Llama": ("llama", GROUPED | {"tie_word_embeddings": True}),
    "Qwen2": ("qwen2", GROUPED),
    "Qwen3": ("qwen3", HEADS),
    "Mistral": ("mistral", GROUPED | {"sliding_window": 8}),
    "GPT-2": ("gpt2", {"n_embd": 32, "n_layer": 2, "n_head": 2}),
    "GPT-NeoX": ("gpt_neox", BLOCK),
    "OLMo-2": ("olmo2", GROUPED),
    "OLMo-3": ("olmo3", GROUPED | {"sliding_window": 8}),
    "Gemma-2": (
        "gemma2",
        HEADS
        | {"final_logit_softcapping": 5.0, "attn_logit_softcapping": 0.5, "query_pre_attn_scalar": 16, "sliding_window": 8},
    ),
    "Gemma-3": ("gemma3_text", HEADS | {"final_logit_softcapping": 5.0, "query_pre_attn_scalar": 16, "sliding_window": 8}),
    "Cohere": ("cohere", GROUPED | {"logit_scale": 0.25}),
    "Cohere-2": ("cohere2", GROUPED | {"logit_scale": 0.25, "sliding_window": 8}),
    "Granite": ("granite", GROUPED | {"logits_scaling": 6.0, "embedding_multiplier": 3.0, "residual_multiplier": 0.5}),
    "Phi": ("phi", BLOCK),
    "BLOOM": ("bloom", {"hidden_size": 32, "n_layer": 2, "n_head": 2}),
    "OPT": ("opt", BLOCK | {"ffn_dim": 48, "word_embed_proj_dim": 16}),
    "Mixtral": ("mixtral", GROUPED | {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "Mamba": ("mamba", {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}),
    "RecurrentGemma": (  # two recurrent blocks, then one that attends
        "recurrent_gemma",
        HEADS | {"num_hidden_layers": 3, "lru_width": 32, "attention_window_size": 16, "logits_soft_cap": 5.0},
    ),
    "Llama-4": (
        "llama4_text",
        HEADS | {"intermediate_size_mlp": 48, "num_local_experts": 2, "moe_layers": [1], "attention_chunk_size": 16},
    ),
    # a layer of their own between trunk and output layer
    "ModernBERT": (
        "modernbert-decoder",
        BLOCK | {"cls_token_id": 1, "sep_token_id": 2, "global_attn_every_n_layers": 2, "local_attention": 16},
    ),
    "BERT": ("bert", BLOCK | DECODER),
    "RoBERTa": ("roberta", BLOCK | DECODER),
    "ELECTRA": ("electra", BLOCK | DECODER | {"embedding_size": 24}),
    "RoFormer": ("roformer", BLOCK | DECODER | {"embedding_size": 24}),
    "BigBird": ("big_bird", BLOCK | DECODER | {"attention_type": "original_full"}),
}
CHANGED = ("Gemma-2", "Gemma-3", "Cohere", "Cohere-2", "Granite", "RecurrentGemma")
BEFORE = ("Llama-4", "ModernBERT", "BERT", "RoBERTa", "ELECTRA", "RoFormer", "BigBird")  # measured up to the output layer
WITHOUT_SHARING = ("Mamba", "RecurrentGemma", *BEFORE)  # a state is no cache of keys and values, and the others hand on none
TEXTS = [("add 3+4\n", "3+4+0=7 put 7 carry 0\nanswer 7\n"), ("", "ünï 你 🙂 end\n"), ("a longer prompt ", "short\n")]
TRACES = [Trace("t", str(number), prompt, text, "", "") for number, (prompt, text) in enumerate(TEXTS)]
LAYOUT = Layout(chunk=7)


def build(name):
    kind, sizes = ARCHITECTURES[name]
    torch.manual_seed(3)
    shared = {"vocab_size": SIZE + 5, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 128}
    config = transformers.AutoConfig.for_model(kind, **(shared | sizes))
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():  # fresh weights predict almost uniformly, and a bias of zero hides that it was forgotten
        for parameter in model.parameters():
            parameter.mul_(4) if parameter.ndim > 1 else parameter.add_(0.3 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizers.train("byte", [], 300)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """`saved(name)`: the folder of an architecture's model, written once."""
    root = tmp_path_factory.mktemp("architectures")

    def folder(name):
        if not (root / name).exists():
            build(name).save_pretrained(root / name)
        return root / name

    return folder


def measured(model, tokenizer, layout=LAYOUT):
    """Rows per trace."""
    engine = extract.Engine(model, len(tokenizer), layout, tuple(COLUMNS), top=5)
    encoded = [encode(trace, tokenizer, Window(1000), 10**9) for trace in TRACES]
    passes = list(engine.passes(encoded))
    order = [index for batch in passes for index in batch]
    frames = [engine.score([encoded[index] for index in batch]) for batch in passes]
    rows = extract.frame(TRACES, encoded, extract.in_order(order, encoded, frames))
    return [rows[rows["id"] == trace.id] for trace in TRACES], encoded


def exact(model, item):
    """[T, V] float64 logits that predict the scored tokens, by the model's own forward."""
    exact = copy.deepcopy(model).double()
    if "Mixtral" in type(model).__name__:
        exact.set_experts_implementation("eager")  # the faster one has no float64
    with torch.inference_mode():
        logits = exact(input_ids=torch.tensor([item.ids])).logits[0]
    return logits[-item.scored - 1 : -1, :SIZE], torch.tensor(item.ids[-item.scored :])


def assert_agrees(rows, logits, targets):
    oracle = reference.statistics(logits, targets, tuple(COLUMNS))
    for name in ("nll", "entropy", "p_max", "varentropy", "sum_p2"):
        scale = np.maximum(1, np.abs(oracle[name].numpy()))
        assert np.abs(rows[name].to_numpy() - oracle[name].numpy()).max() <= EXACT * scale.max() * 4, name
    own = logits.gather(1, targets[:, None])
    slack = EXACT * max(1.0, float(logits.abs().max()))
    # entries within rounding of the target may fall on either side of it
    surely, maybe = logits > own + slack, logits > own - slack
    p = logits.softmax(1)
    assert (rows["n_greater"].to_numpy() >= surely.sum(1).numpy()).all()
    assert (rows["n_greater"].to_numpy() < maybe.sum(1).numpy()).all()
    assert (rows["mass_above"].to_numpy() >= torch.where(surely, p, 0.0).sum(1).numpy() - EXACT).all()
    assert (rows["mass_above"].to_numpy() <= torch.where(maybe, p, 0.0).sum(1).numpy() + EXACT).all()
    listed = np.stack(rows["top_logits"].to_list())
    assert listed == pytest.approx(logits.topk(5, 1).values.numpy(), abs=slack)
    ids = torch.tensor(np.stack(rows["top_ids"].to_list()))
    assert logits.gather(1, ids).numpy() == pytest.approx(listed, abs=slack)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_saved_weights_give_the_columns_of_a_float64_forward(name, saved, tokenizer):
    model = loading.load(saved(name))
    found, encoded = measured(model, tokenizer)
    for rows, item in zip(found, encoded, strict=True):
        logits, targets = exact(model, item)
        assert float(logits.std()) > 0.02  # else every mistake would pass
        assert_agrees(rows, logits, targets)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_shared_prompt_is_computed_once_where_the_cache_allows_it(name, saved, tokenizer):
    model = loading.load(saved(name))
    front = "a worked example of forty letters, then "
    traces = [Trace("t", str(n), front + "go\n", text, "", "") for n, text in enumerate(["x = 1\n", "y = 22 and\n", "z\n"])]
    traces += [Trace("t", "3", "alone\n", "w = 3\n", "", "")]
    encoded = [encode(trace, tokenizer, Window(1000), 10**9) for trace in traces]
    shared, apart = (extract.Engine(model, len(tokenizer), Layout(padding=1.0, share=s)) for s in (True, False))
    assert shared.shares == (name not in WITHOUT_SHARING)
    if not shared.shares:
        return
    assert list(shared.passes(encoded)) == [[3], [2, 0, 1]] and sorted(map(sorted, apart.passes(encoded))) == [[0, 1, 2, 3]]
    batch = [encoded[index] for index in (2, 0, 1)]
    assert shared._shared(batch) == 1 + len(front) + 2  # bos and prompt but for its last token
    seen = []
    handle = shared.parts.trunk.register_forward_hook(
        lambda _, a, k, out: seen.append(out.last_hidden_state.shape[:2]), with_kwargs=True
    )
    one = shared.score(batch)
    handle.remove()
    assert [tuple(shape) for shape in seen] == [(1, 43), (3, 12)]
    two = apart.score(batch)
    for column in ("nll", "entropy", "p_max"):
        assert one[column].to_numpy() == pytest.approx(two[column].to_numpy(), abs=1e-4), column
    assert (one["token"] == two["token"]).all()


@pytest.mark.parametrize("name", CHANGED)
def test_a_transform_that_is_switched_off_is_noticed(name, saved, monkeypatch):
    model = loading.load(saved(name))
    assert (1.0, None) not in list(heads._transforms(model))
    monkeypatch.setattr(heads, "_transforms", lambda _: [(1.0, None)])
    with pytest.raises(UserError, match="after the head"):
        heads.split(model)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_stands_between_trunk_and_output_layer_is_seen(name, saved):
    trunk = heads.split(loading.load(saved(name))).trunk
    assert isinstance(trunk, heads.Before) == (name in BEFORE)


def test_a_factor_that_one_family_divides_by_may_multiply_in_another(saved):
    model = loading.load(saved("Granite"))
    forward = model.forward

    def multiplied(*given, **named):
        out = forward(*given, **named)
        out.logits = out.logits * model.config.logits_scaling**2
        return out

    model.forward = multiplied
    assert heads.split(model).head.scale == 6.0


def test_a_bias_of_the_head_counts(saved, tokenizer):
    model = loading.load(saved("Phi"))
    assert model.lm_head.bias.abs().max() > 0.1
    before = measured(model, tokenizer)[0][0]["nll"].to_numpy()
    with torch.no_grad():
        model.lm_head.bias.zero_()
    assert np.abs(measured(model, tokenizer)[0][0]["nll"].to_numpy() - before).max() > 0.05


def test_a_cap_on_attention_is_in_effect(saved):
    model = loading.load(saved("Gemma-2"))
    assert model.config._attn_implementation == "eager"
    free = copy.deepcopy(model)
    for layer in free.model.layers:
        layer.self_attn.attn_logit_softcapping = None
    ids = torch.tensor([[1, 40, 80, 120, 90]])
    with torch.inference_mode():
        assert (model(input_ids=ids).logits - free(input_ids=ids).logits).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["Llama", "GPT-NeoX", "Mamba"])
def test_an_adapter_is_measured_unmerged_and_in_effect(name, saved, tokenizer, tmp_path):
    base = loading.load(saved(name))
    without = measured(base, tokenizer)[0][0]["nll"].to_numpy()
    torch.manual_seed(4)
    where = ["in_proj", "x_proj"] if name == "Mamba" else "all-linear"
    config = LoraConfig(r=4, target_modules=where, init_lora_weights=False)
    adapted = get_peft_model(base, config)
    adapted.peft_config["default"].base_model_name_or_path = str(saved(name))
    adapted.save_pretrained(tmp_path)
    model = loading.load(tmp_path)
    assert any("lora" in parameter for parameter, _ in model.named_parameters())
    found, encoded = measured(model, tokenizer)
    for rows, item in zip(found, encoded, strict=True):
        assert_agrees(rows, *exact(model, item))
    assert np.abs(found[0]["nll"].to_numpy() - without).max() > 0.05


def test_an_adapter_without_effect_is_refused(saved, tmp_path):
    torch.manual_seed(4)
    adapted = get_peft_model(loading.load(saved("Llama")), LoraConfig(r=4, target_modules="all-linear"))  # B starts at zero
    adapted.peft_config["default"].base_model_name_or_path = str(saved("Llama"))
    adapted.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="the adapter changes no logit"):
        loading.load(tmp_path)


def test_an_adapter_that_puts_tokens_in_front_is_refused(saved, tmp_path):
    torch.manual_seed(4)
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)
    adapted = get_peft_model(loading.load(saved("Llama")), config)
    adapted.peft_config["default"].base_model_name_or_path = str(saved("Llama"))
    adapted.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="PROMPT_TUNING"):
        loading.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "names no base model"), ('{"base_model_name_or_path": null}', "is empty"), ("[]", "names no base model")],
)
def test_an_adapter_without_its_base_is_named(tmp_path, text, message):
    (tmp_path / "adapter_config.json").write_text(text)
    with pytest.raises(UserError, match=message):
        loading.load(tmp_path)
