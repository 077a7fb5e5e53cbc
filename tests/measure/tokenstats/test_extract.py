"""Rows of a teacher-forced pass against an independent float64 forward, one trace at a time and without padding."""

import copy
import json

import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
)
from transformers.models.llama import modeling_llama

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.measure.settings import Extraction
from proxylib.measure.tokenstats import extract, heads
from proxylib.measure.tokenstats.encode import Window, encode
from proxylib.models import architectures, loading, tokenizers
from proxylib.models.settings import Model

ARCHITECTURES = ("llama", "gpt_neox", "gpt2", "qwen3")
LAYOUT = 2e-5  # nats: what another batch or padding may move, from sums in another order
EXACT = 2e-4  # nats: float32 weights and activations of these models against float64
WORDS = "add the answer to the answer and put the carry away, answer 7\n"
TEXTS = [
    ("add 3+4\n", "3+4+0=7 put 7 carry 0\nanswer 7\n"),
    ("p\n", "x"),
    ("count the letters\n", "ünïcödé 你好 🙂🙂 end\n"),
    ("a longer prompt that pads the others ", "short\n"),
    ("sort 3 1 2\n", "from 3 1 2 take 1\nfrom 3 2 take 2\nanswer 1 2 3\n"),
]
TRACES = [Trace("one" if n % 2 else "two", f"t-{n}", prompt, text, "", "test") for n, (prompt, text) in enumerate(TEXTS)]


def settings(**changes):
    return Extraction(**({"window": 1000, "chunk": 7, "batch": 3, "threads": 1, "device": "cpu"} | changes))


def build(architecture, vocabulary, context=128):
    torch.manual_seed(11)
    spec = Model(architecture=architecture, tokenizer="byte", width=16, depth=1, mix="expert", post="none", share=1.0)
    model = architectures.build(spec, vocabulary, context // 2).eval()
    with torch.no_grad():  # freshly drawn weights predict almost uniformly: spread the logits, else any mistake hides
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(12)
    return model


@pytest.fixture(scope="module")
def lab():
    """kind -> tokenizer, and (architecture, kind) -> model."""
    kinds = {kind: tokenizers.train(kind, [WORDS] * 20, 300) for kind in ("byte", "bpe", "spaced")}
    return kinds, {(a, k): build(a, len(t)) for a in ARCHITECTURES for k, t in kinds.items()}


@pytest.fixture
def byte(lab):
    return lab[1]["llama", "byte"], lab[0]["byte"]


def oracle(model, tokenizer, trace):
    """[T, V] float64 logits that predict the solution's tokens, and these tokens."""
    exact = copy.deepcopy(model).double()
    prompt, solution = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (trace.prompt, trace.solution))
    ids = [tokenizer.bos_token_id, *prompt, *solution]
    with torch.inference_mode():
        logits = exact(input_ids=torch.tensor([ids])).logits[0].numpy()
    return logits[-len(solution) - 1 : -1, : len(tokenizer)], solution


def assert_agrees(rows, logits, targets):
    z = logits - logits.max(1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    here = np.arange(len(targets))
    assert list(rows["token"]) == list(targets)
    assert rows["nll"].to_numpy() == pytest.approx(-log_p[here, targets], abs=EXACT)
    assert rows["entropy"].to_numpy() == pytest.approx(-(np.exp(log_p) * log_p).sum(1), abs=EXACT)
    assert rows["p_max"].to_numpy() == pytest.approx(np.exp(log_p).max(1), abs=EXACT)
    own = z[here, targets][:, None]
    # entries within the rounding of float32 may fall on either side of the target
    assert (rows["n_greater"].to_numpy() >= (z > own + EXACT).sum(1)).all()
    assert (rows["n_greater"].to_numpy() <= (z > own - EXACT).sum(1) - 1).all()
    assert (rows["n_equal"].to_numpy() >= 1).all()
    assert (rows["n_equal"].to_numpy() <= (np.abs(z - own) <= EXACT).sum(1)).all()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("kind", ["byte", "bpe", "spaced"])
def test_every_column_agrees_with_a_float64_forward(lab, architecture, kind):
    model, tokenizer = lab[1][architecture, kind], lab[0][kind]
    tokens, _ = extract.token_rows(model, tokenizer, TRACES, settings())
    assert list(tokens[["task", "id"]].drop_duplicates().itertuples(index=False, name=None)) == [
        (trace.task, trace.id) for trace in TRACES
    ]
    for trace in TRACES:
        rows = tokens[(tokens["task"] == trace.task) & (tokens["id"] == trace.id)]
        logits, targets = oracle(model, tokenizer, trace)
        assert_agrees(rows, logits, targets)
        assert list(rows["position"]) == list(range(len(targets)))


def test_columns_and_types_are_as_documented(byte):
    tokens, items = extract.token_rows(*byte, TRACES[:2], settings())
    whole, real = ["position", "token", "offset", "n_bytes", "n_greater", "n_equal"], ["nll", "entropy", "p_max"]
    order = ["task", "id", "position", "token", "offset", "n_bytes", "nll", "entropy", "n_greater", "n_equal", "p_max"]
    assert list(tokens.columns) == order
    assert {str(tokens[name].dtype) for name in whole} == {"int32"}
    assert {str(tokens[name].dtype) for name in real} == {"float32"}
    assert list(items.columns) == ["task", "id", "truncated", "windowed", "scored"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_batch_and_its_companions_move_only_the_last_bits(lab, architecture):
    model, tokenizer = lab[1][architecture, "byte"], lab[0]["byte"]
    alone = pd.concat([extract.token_rows(model, tokenizer, [t], settings(batch=1))[0] for t in TRACES], ignore_index=True)
    for batch in (1, 2, 5, 50):
        together, _ = extract.token_rows(model, tokenizer, TRACES, settings(batch=batch))
        pd.testing.assert_frame_equal(
            together.drop(columns=["nll", "entropy", "p_max"]),
            alone[together.columns].drop(columns=["nll", "entropy", "p_max"]),
        )
        for name in ("nll", "entropy", "p_max"):
            assert together[name].to_numpy() == pytest.approx(alone[name].to_numpy(), abs=LAYOUT), (batch, name)


def test_the_same_call_gives_the_same_bits(byte):
    first, second = (extract.token_rows(*byte, TRACES, settings())[0] for _ in range(2))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_rows_come_in_the_order_of_the_traces(byte):
    forward, _ = extract.token_rows(*byte, TRACES, settings(batch=2))
    backward, items = extract.token_rows(*byte, TRACES[::-1], settings(batch=2))
    assert list(items["id"]) == [trace.id for trace in TRACES[::-1]]
    assert list(backward["id"].drop_duplicates()) == [trace.id for trace in TRACES[::-1]]
    merged = forward.merge(backward, on=["task", "id", "position", "token", "offset", "n_bytes"], validate="one_to_one")
    assert len(merged) == len(forward)
    assert merged["nll_x"].to_numpy() == pytest.approx(merged["nll_y"].to_numpy(), abs=LAYOUT)


def test_prompt_and_solution_are_tokenised_apart(lab):
    model, tokenizer = lab[1]["llama", "bpe"], lab[0]["bpe"]
    trace = Trace("t", "1", "the ans", "wer 7\n", "7", "test")
    apart = tokenizers.encode(tokenizer, [trace.solution])[0]
    joint = tokenizers.encode(tokenizer, [trace.prompt + trace.solution])[0]
    assert joint[-len(apart) :] != apart or len(joint) < len(apart) + len(tokenizers.encode(tokenizer, [trace.prompt])[0])
    tokens, _ = extract.token_rows(model, tokenizer, [trace], settings())
    assert list(tokens["token"]) == apart


@pytest.mark.parametrize(
    ("size", "window", "truncated", "windowed", "scored"),
    [(10, 1000, 0, 0, 10), (10, 4, 0, 6, 4), (53, 1000, 0, 0, 53), (54, 1000, 1, 0, 53), (100, 20, 47, 33, 20)],
)
def test_truncated_windowed_and_scored_account_for_every_token(lab, size, window, truncated, windowed, scored):
    # context 64 = bos + 10 prompt bytes + 53 solution bytes: the prompt stays, the earliest solution bytes go
    tokenizer = lab[0]["byte"]
    model = build("llama", len(tokenizer), context=64)
    solution = ("0123456789" * 10)[:size]
    trace = Trace("t", "1", "prompt ab:", solution, "", "test")
    tokens, items = extract.token_rows(model, tokenizer, [trace], settings(window=window))
    assert items[["truncated", "windowed", "scored"]].iloc[0].tolist() == [truncated, windowed, scored]
    assert list(tokens["position"]) == list(range(size - scored, size))
    assert list(tokens["offset"]) == list(range(size - scored, size))
    assert list(tokens["token"]) == tokenizers.encode(tokenizer, [solution])[0][-scored:]
    kept = Trace("t", "1", "prompt ab:", solution[truncated:], "", "test")
    logits, targets = oracle(model, tokenizer, kept)
    assert_agrees(tokens, logits[-scored:], targets[-scored:])


@pytest.mark.parametrize("kind", ["byte", "bpe", "spaced"])
def test_bytes_add_up_to_those_of_the_solution(lab, kind):
    tokenizer = lab[0][kind]
    for trace in TRACES:
        encoded = encode(trace, tokenizer, Window(1000), 1000)
        assert sum(encoded.n_bytes) == len(trace.solution.encode()), trace.id
        assert len(encoded.offset) == len(encoded.n_bytes) == encoded.scored
        assert encoded.offset == sorted(encoded.offset) and encoded.offset[0] == 0
        for window in range(1, encoded.scored):
            part = encode(trace, tokenizer, Window(window), 1000)
            assert part.n_bytes == encoded.n_bytes[-window:], (trace.id, window)  # a token's bytes do not depend on it


@pytest.mark.parametrize("window", [1000, 3])
def test_bytes_add_up_where_offsets_leave_out_spaces(window):
    tokenizer = tokenizers.train("bpe", [WORDS] * 20, 300)
    plain = encode(Trace("t", "1", "p", WORDS, "", "test"), tokenizer, Window(window), 1000)
    backend = tokenizer.backend_tokenizer
    backend.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), backend.post_processor])
    trimmed = encode(Trace("t", "1", "p", WORDS, "", "test"), tokenizer, Window(window), 1000)
    assert trimmed.ids == plain.ids and trimmed.n_bytes == plain.n_bytes


def test_a_token_inside_a_character_adds_no_bytes_twice(lab):
    encoded = encode(Trace("t", "1", "p", "a🙂b", "", "test"), lab[0]["byte"], Window(1000), 1000)
    assert encoded.n_bytes == [1, 4, 0, 0, 0, 1]
    assert encoded.offset == [0, 1, 1, 1, 1, 2]


def test_a_target_is_predicted_from_the_position_before_it():
    # a model that repeats its input: the distribution at a position peaks on the token that stands there
    class Echo(torch.nn.Module):
        def forward(self, input_ids, attention_mask=None, use_cache=None):
            return type("Out", (), {"last_hidden_state": torch.nn.functional.one_hot(input_ids, 259).float() * 20})

    class Parrot(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.base_model, self.head = Echo(), torch.nn.Linear(259, 259, bias=False)
            self.head.weight.data = torch.eye(259)
            self.config = LlamaConfig(vocab_size=259, max_position_embeddings=64)
            self.device = torch.device("cpu")

        def get_output_embeddings(self):
            return self.head

        def forward(self, input_ids, attention_mask=None, use_cache=None):
            return type("Out", (), {"logits": self.head(self.base_model(input_ids).last_hidden_state)})

    trace = Trace("t", "1", "a", "aabb", "", "test")
    tokens, _ = extract.token_rows(Parrot(), tokenizers.train("byte", [], 300), [trace], settings())
    assert list(tokens["n_greater"]) == [0, 0, 1, 0]  # only the first b follows another letter
    assert tokens["nll"].to_numpy() == pytest.approx([0, 0, 20, 0], abs=1e-3)


def test_nothing_is_dropped_by_id_where_pad_equals_eos_and_an_ordinary_token():
    # as in GPT-2: no bos, id 0 is "!", and the end token doubles as padding
    letters = {"!": 0, "a": 1, "b": 2, "c": 3}
    inner = Tokenizer(models.BPE(vocab=letters, merges=[]))
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="!", pad_token="!")
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == 0 and tokenizer.bos_token_id is None
    model = build("llama", 4)
    traces = [Trace("t", "1", "ab", "!!c!", "", "test"), Trace("t", "2", "abcabc", "abcabcabc", "", "test")]
    tokens, items = extract.token_rows(model, tokenizer, traces, settings())
    assert list(tokens.loc[tokens["id"] == "1", "token"]) == [0, 0, 3, 0]
    assert list(items["scored"]) == [4, 9]
    exact = copy.deepcopy(model).double()
    with torch.inference_mode():
        logits = exact(input_ids=torch.tensor([[1, 2, 0, 0, 3, 0]])).logits[0, 1:-1].numpy()
    assert_agrees(tokens[tokens["id"] == "1"], logits, [0, 0, 3, 0])


def test_padded_rows_of_the_head_are_masked(byte):
    _, tokenizer = byte
    model = build("gpt_neox", len(tokenizer) + 5)
    with torch.no_grad():
        head = model.get_output_embeddings().weight
        head[-5:] = 40 * head[:5]  # padding that would often win
    tokens, _ = extract.token_rows(model, tokenizer, TRACES[:1], settings())
    logits, targets = oracle(model, tokenizer, TRACES[0])
    assert_agrees(tokens, logits, targets)


TINY = {
    "vocab_size": 259,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "num_key_value_heads": 1,
    "intermediate_size": 16,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def test_a_cap_that_no_name_announces_is_noticed_where_logits_are_still_small(byte, monkeypatch):
    torch.manual_seed(1)
    model = Gemma2ForCausalLM(Gemma2Config(head_dim=16, final_logit_softcapping=30.0, **TINY)).eval()
    heads.split(model)
    monkeypatch.setattr(heads, "_transforms", lambda _: [(1.0, None)])
    with pytest.raises(UserError, match="Gemma2ForCausalLM.*after the head"):
        heads.split(model)


def test_a_change_of_the_logits_that_no_config_names_is_noticed(byte):
    class Scaled(LlamaForCausalLM):
        def forward(self, *arguments, **named):
            out = super().forward(*arguments, **named)
            out.logits = out.logits * 1.01
            return out

    with pytest.raises(UserError, match="Scaled.*after the head"):
        heads.split(Scaled(byte[0].config).eval())


def test_a_bare_trunk_is_refused(byte):
    with pytest.raises(UserError, match="no output layer to be measured at"):
        heads.split(byte[0].model)


def test_a_tokenizer_larger_than_the_head_is_refused(lab):
    with pytest.raises(UserError, match=f"tokenizer has {len(lab[0]['bpe'])} entries, model 259"):
        extract.token_rows(lab[1]["llama", "byte"], lab[0]["bpe"], TRACES, settings())


def test_an_empty_solution_is_named(byte):
    with pytest.raises(UserError, match="trace task/no-7: the solution is empty"):
        encode(Trace("task", "no-7", "p", "", "", "test"), byte[1], Window(10), 100)


@pytest.mark.parametrize(("prompt", "fits"), [(62, True), (63, False), (200, False)])
def test_a_prompt_that_fills_the_context_is_named(byte, prompt, fits):
    trace = Trace("task", "no-8", "x" * prompt, "abc", "", "test")
    if fits:  # 64 = bos + 62 + the last byte of the solution
        encoded = encode(trace, byte[1], Window(10), 64)
        assert (len(encoded.ids), encoded.scored, encoded.truncated) == (64, 1, 2)
    else:
        with pytest.raises(UserError, match="trace task/no-8: no room for the solution"):
            encode(trace, byte[1], Window(10), 64)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, value):
    model = build("llama", 259)
    with torch.no_grad():
        model.model.norm.weight[3] = value
    model.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"model\.norm\.weight holds NaN or Inf"):
        loading.load(tmp_path)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(UserError, match="no config.json"):
        loading.load(tmp_path)


def test_a_model_that_is_no_causal_language_model_is_refused(tmp_path):
    T5Config(d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="not a causal language model"):
        loading.load(tmp_path)


def test_a_folder_without_weights_is_refused(tmp_path, byte):
    byte[0].config.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="not a causal language model"):
        loading.load(tmp_path)


def test_a_model_saved_without_its_head_is_refused(tmp_path, byte):
    byte[0].model.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"lm_head\.weight"):
        loading.load(tmp_path)


@pytest.mark.parametrize("kept", [0, 40, -10])
def test_damaged_weights_are_refused_by_name(tmp_path, byte, kept):
    byte[0].save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=str(tmp_path)):
        loading.load(tmp_path)


def test_a_loaded_model_is_float32_and_in_evaluation_mode(tmp_path, byte):
    copy.deepcopy(byte[0]).to(torch.bfloat16).save_pretrained(tmp_path)
    model = loading.load(tmp_path)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32} and not model.training


def test_a_model_that_sees_later_tokens_is_refused(monkeypatch, byte):
    # every token sees every other: what a bidirectional model with a plain head would do
    monkeypatch.setattr(modeling_llama, "create_causal_mask", lambda *a, **k: None)
    model = byte[0]
    for layer in model.model.layers:
        monkeypatch.setattr(layer.self_attn, "is_causal", False)
    with pytest.raises(UserError, match="no causal language model"):
        heads.split(model)


def test_a_model_whose_logits_overflow_is_refused(byte):
    model = copy.deepcopy(byte[0])
    with torch.no_grad():
        model.get_output_embeddings().weight.fill_(3e38)
    with pytest.raises(UserError, match="NaN or Inf"):
        heads.split(model)


def test_weights_of_another_shape_are_refused_by_name(tmp_path, byte):
    byte[0].save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"intermediate_size": config["intermediate_size"] * 2}))
    with pytest.raises(UserError, match=str(tmp_path)):
        loading.load(tmp_path)
