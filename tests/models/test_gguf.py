"""GGUF files become folders: exact weights, a tokenizer that cuts as the file says, and refusals by name."""

import json
import shutil
import threading

import gguf as format_
import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from proxylib.errors import UserError
from proxylib.models import folders, gguf, loading, tokenizers
from proxylib.runs.files import sha256

WIDTH, HEADS, GROUPS, WIDE, LAYERS = 64, 4, 2, 96, 2
HEAD = WIDTH // HEADS
BYTES = [chr(b) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174 else None for b in range(256)]
ALPHABET = [letter or chr(256 + sum(x is None for x in BYTES[:place])) for place, letter in enumerate(BYTES)]
TOKENS = ["<|endoftext|>", *ALPHABET, "12", "Ġt", "he", "Ġthe", "ab"]
MERGES = ["1 2", "Ġ t", "h e", "Ġt he", "a b"]
SHAPES = {
    "token_embd.weight": (len(TOKENS), WIDTH),
    "output_norm.weight": (WIDTH,),
} | {
    f"blk.{layer}.{name}.weight": shape
    for layer in range(LAYERS)
    for name, shape in {
        "attn_norm": (WIDTH,),
        "ffn_norm": (WIDTH,),
        "attn_q": (WIDTH, WIDTH),
        "attn_k": (GROUPS * HEAD, WIDTH),
        "attn_v": (GROUPS * HEAD, WIDTH),
        "attn_output": (WIDTH, WIDTH),
        "ffn_gate": (WIDE, WIDTH),
        "ffn_up": (WIDE, WIDTH),
        "ffn_down": (WIDTH, WIDE),
    }.items()
}
KIND = format_.GGMLQuantizationType.Q4_1


def written(
    path, architecture="llama", model="gpt2", pre="smollm", tokens=TOKENS, bos=False, without=(), beside=(), more=lambda _: None
):
    """A file of a tiny llama with tied embeddings, its matrices in four bits; name -> the numbers that they stand for.

    `without` are tensors that are left away, `beside` (name, size) of vectors that are added, `more` is given the writer.
    """
    rng = np.random.default_rng(7)
    writer = format_.GGUFWriter(path, architecture)
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(WIDE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(GROUPS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(TOKENS))
    if tokens:
        writer.add_tokenizer_model(model)
        writer.add_tokenizer_pre(pre)
        writer.add_token_list(tokens)
        writer.add_token_merges(MERGES)
        writer.add_token_types([3, *[1] * (len(TOKENS) - 1)])
        writer.add_bos_token_id(0)
        writer.add_eos_token_id(0)
        if bos is not None:
            writer.add_add_bos_token(bos)
    more(writer)
    meant = {}
    for name, shape in (SHAPES | dict(beside)).items():
        values = rng.normal(size=shape).astype(np.float32)
        if name in without:
            continue
        if len(shape) == 2 and not name.startswith("token_embd"):
            packed = format_.quants.quantize(values, KIND)
            writer.add_tensor(name, packed, raw_dtype=KIND)
            values = format_.quants.dequantize(packed, KIND)
        else:
            writer.add_tensor(name, values)
        meant[name] = torch.from_numpy(values.copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return meant


def drop_last_merge(writer):
    """The merge of the token that another one has taken the place of."""
    writer.kv_data[0]["tokenizer.ggml.merges"].value.pop()


def unturned(matrix, heads):
    """Rows of queries or keys in the order of transformers: llama.cpp interleaves the two halves of a head."""
    rows = matrix.shape[0] // heads
    return matrix.reshape(heads, rows // 2, 2, -1).swapaxes(1, 2).reshape(matrix.shape)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    return path, written(path)


@pytest.fixture(scope="module")
def folder(file, tmp_path_factory):
    return gguf.converted(file[0], tmp_path_factory.mktemp("out") / "model")


def test_every_weight_is_the_number_that_the_file_stands_for(file, folder):
    state, meant = AutoModelForCausalLM.from_pretrained(folder).state_dict(), file[1]
    for layer in range(LAYERS):
        ours = lambda name, layer=layer: state[f"model.layers.{layer}.{name}.weight"]
        theirs = lambda name, layer=layer: meant[f"blk.{layer}.{name}.weight"]
        assert torch.equal(ours("self_attn.q_proj"), unturned(theirs("attn_q"), HEADS))
        assert torch.equal(ours("self_attn.k_proj"), unturned(theirs("attn_k"), GROUPS))
        for name, other in (("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"), ("mlp.down_proj", "ffn_down")):
            assert torch.equal(ours(name), theirs(other))
    assert torch.equal(state["lm_head.weight"], meant["token_embd.weight"])  # tied


def test_the_folder_is_an_ordinary_one_and_says_where_it_comes_from(file, folder):
    model = loading.load(folder)
    assert model.dtype == torch.float32 and "quantization_config" not in json.loads((folder / "config.json").read_text())
    said = gguf.source(folder)
    assert said["sha256"] == sha256(file[0]) and said["tensors"] == {"F32": 6, "Q4_1": 14} and said["pre_tokenizer"] == "smollm"


@pytest.mark.parametrize(
    ("pre", "text", "pieces"),
    [
        ("smollm", "the12 the", ["t", "he", "1", "2", "Ġthe"]),  # digits apart, though a merge would join them
        ("gpt-2", "the12 the", ["t", "he", "12", "Ġthe"]),
        ("qwen2", "12 the\n", ["1", "2", "Ġthe", "Ċ"]),
        ("llama-bpe", "12 the\n", ["12", "Ġthe", "Ċ"]),
    ],
)
def test_texts_are_cut_as_the_file_names_it(tmp_path, pre, text, pieces):
    written(tmp_path / "a.gguf", pre=pre)
    tokenizer = tokenizers.load(gguf.converted(tmp_path / "a.gguf", tmp_path / "a"))
    ids = tokenizers.encode(tokenizer, [text])[0]
    assert tokenizer.convert_ids_to_tokens(ids) == pieces and tokenizer.decode(ids) == text


@pytest.mark.parametrize("text", ["x=12; y\t= 3.5e-7\r\n", "naïve café 東京 🙂", "don't 5's stop", "  two  spaces"])
def test_texts_come_back(folder, text):
    tokenizer = tokenizers.load(folder)
    assert tokenizer.decode(tokenizers.encode(tokenizer, [text])[0]) == text
    assert tokenizers.opening(tokenizer) == []  # the file says that nothing opens a text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"architecture": "unheard-of"}, "is a unheard-of; rebuilt here are llama, qwen2, qwen3"),
        ({"model": "llama"}, "its tokenizer (model llama, cut by smollm) is not rebuilt here"),
        ({"pre": "deepseek"}, "cut by deepseek) is not rebuilt here"),
        ({"tokens": None}, "holds no tokenizer"),
        ({"tokens": [*TOKENS[:-1], "｜ab｜"], "more": drop_last_merge}, "token 261 of its vocabulary cannot be rebuilt"),
        ({"without": ["blk.1.ffn_up.weight"]}, "no weights for model.layers.1.mlp.up_proj.weight, which would be random"),
        ({"beside": [("blk.0.attn_q.bias", (WIDTH,))]}, "its weights blk.0.attn_q.bias have no place in a LlamaForCausalLM"),
        ({"beside": [("rope_freqs.weight", (HEAD // 2,))]}, "its weights rope_freqs.weight have no place"),
        (
            {"more": lambda writer: writer.add_rope_scaling_type(format_.RopeScalingType.YARN)},
            "rope.scaling.type yarn would not",
        ),
        ({"more": lambda writer: writer.add_key_length(2 * HEAD)}, f"attention.key_length {2 * HEAD} would not be kept"),
        ({"more": lambda writer: writer.add_sliding_window(64)}, "attention.sliding_window 64 would not be kept"),
    ],
)
def test_what_cannot_be_rebuilt_is_refused_by_name_and_leaves_nothing(tmp_path, change, said):
    written(tmp_path / "a.gguf", **change)
    with pytest.raises(UserError, match="a.gguf") as caught:
        gguf.converted(tmp_path / "a.gguf", tmp_path / "out" / "a")
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert not [path for path in (tmp_path / "out").iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize(
    ("pre", "bos", "opened"),
    [("smollm", True, [0]), ("smollm", None, []), ("qwen2", True, [0]), ("llama-bpe", None, [0]), ("llama-bpe", False, [])],
)
def test_a_text_is_opened_as_the_file_says_or_as_llama_cpp_does_where_it_says_nothing(tmp_path, pre, bos, opened):
    written(tmp_path / "a.gguf", pre=pre, bos=bos)
    assert tokenizers.opening(tokenizers.load(gguf.converted(tmp_path / "a.gguf", tmp_path / "a"))) == opened


@pytest.mark.parametrize(("pre", "pieces"), [("llama-bpe", ["Ġxyz"]), ("qwen2", ["Ġ", "x", "y", "z"])])
def test_words_that_no_merges_lead_to_stay_whole_where_llama_3s_tokenizer_keeps_them(tmp_path, pre, pieces):
    written(tmp_path / "a.gguf", pre=pre, tokens=[*TOKENS[:-1], "Ġxyz"], more=drop_last_merge)
    tokenizer = tokenizers.load(gguf.converted(tmp_path / "a.gguf", tmp_path / "a"))
    assert tokenizer.convert_ids_to_tokens(tokenizers.encode(tokenizer, [" xyz"])[0]) == pieces


OF_ALL = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "vocab_size": len(TOKENS), "rms_norm_eps": 1e-5}
OF_ALL |= {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256, "bos_token_id": 0}


def exported(path, model, more=lambda _: None):
    """A model of transformers as llama.cpp would write it, in float32; `more` is given the writer."""
    config = model.config
    writer = format_.GGUFWriter(path, config.model_type)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if config.model_type == "qwen3":
        writer.add_key_length(config.head_dim)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(TOKENS)
    writer.add_token_merges(MERGES)
    writer.add_token_types([3, *[1] * (len(TOKENS) - 1)])
    writer.add_bos_token_id(0)
    more(writer)
    kind = next(key for key, value in format_.MODEL_ARCH_NAMES.items() if value == config.model_type)
    names = format_.get_tensor_name_map(kind, config.num_hidden_layers)
    for name, weights in model.state_dict().items():
        stem, _, kind = name.rpartition(".")
        if config.model_type == "llama" and stem.endswith(("q_proj", "k_proj")):
            heads = config.num_attention_heads if stem.endswith("q_proj") else config.num_key_value_heads
            weights = weights.view(heads, 2, -1, weights.shape[-1]).transpose(1, 2).reshape(weights.shape)
        if not (stem == "lm_head" and config.tie_word_embeddings):
            writer.add_tensor(f"{names.get_name(stem)}.{kind}", weights.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("kind", gguf.ARCHITECTURES)
def test_a_model_comes_back_from_a_file_with_the_same_logits(tmp_path, kind, tied):
    own = {"qwen3": {"head_dim": 128}, "llama": {"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}}.get(kind, {})
    config = AutoConfig.for_model(kind, **OF_ALL, tie_word_embeddings=tied, **own)
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(config).eval()
    for weights in model.parameters():
        torch.nn.init.normal_(weights, std=0.3)  # biases and norms too, which begin as zeros and ones
    exported(tmp_path / "a.gguf", model)
    back = loading.load(gguf.converted(tmp_path / "a.gguf", tmp_path / "a"))
    ids = torch.arange(24)[None]
    with torch.inference_mode():
        assert torch.equal(back(input_ids=ids).logits, model(input_ids=ids).logits)


@pytest.mark.parametrize(("kind", "own"), [("qwen2", {}), ("qwen3", {"head_dim": 128})])
def test_heads_that_are_turned_in_part_are_refused_where_transformers_would_turn_them_whole(tmp_path, kind, own):
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **OF_ALL, **own))
    head = own.get("head_dim", HEAD)
    for width in (head, head // 2):
        exported(tmp_path / f"{width}.gguf", model, lambda writer, width=width: writer.add_rope_dimension_count(width))
    assert (gguf.converted(tmp_path / f"{head}.gguf", tmp_path / "whole") / "config.json").exists()
    with pytest.raises(UserError, match=rf"{head // 2}.gguf: rope.dimension_count {head // 2} would not be kept"):
        gguf.converted(tmp_path / f"{head // 2}.gguf", tmp_path / "part")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_file_that_was_cut_is_refused(file, tmp_path, share):
    data = file[0].read_bytes()
    (tmp_path / "cut.gguf").write_bytes(data[: int(share * len(data))])
    with pytest.raises(UserError, match="cut.gguf: (cannot be read to its end|transformers cannot read it)"):
        gguf.converted(tmp_path / "cut.gguf", tmp_path / "cut")


def test_what_is_no_such_file_is_refused(tmp_path):
    (tmp_path / "text.gguf").write_text("hello")
    (tmp_path / "m-00001-of-00002.gguf").write_bytes(b"GGUF")
    for name, said in (
        ("text.gguf", "is no GGUF file"),
        ("m-00001-of-00002.gguf", "one part of several"),
        ("no.gguf", "no such file"),
    ):
        with pytest.raises(UserError, match=said):
            gguf.converted(tmp_path / name, tmp_path / "out")


def test_a_folder_is_made_once_whoever_asks_and_anew_for_another_file(file, tmp_path, monkeypatch):
    calls, real = [], gguf._convert
    monkeypatch.setattr(gguf, "_convert", lambda *given: (calls.append(1), real(*given)))
    threads = [threading.Thread(target=gguf.converted, args=(file[0], tmp_path / "a")) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(calls) == 1
    written(tmp_path / "b.gguf", pre="gpt-2")
    gguf.converted(tmp_path / "b.gguf", tmp_path / "a")
    assert len(calls) == 2 and gguf.source(tmp_path / "a")["pre_tokenizer"] == "gpt-2"


def test_a_kill_half_way_leaves_no_folder(file, tmp_path, monkeypatch):
    def killed(*given):
        given[1].mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(gguf, "_convert", killed)
    with pytest.raises(KeyboardInterrupt):
        gguf.converted(file[0], tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_commands_take_the_file_in_the_place_of_a_folder(file, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PROXYLIB_CACHE", str(tmp_path / "cache"))
    first = folders.locate(file[0])
    assert "once" in capsys.readouterr().err and (first / "config.json").exists()
    assert folders.locate(str(file[0])) == first and capsys.readouterr().err == ""


def test_a_file_is_another_model_under_another_version_of_the_conversion(file, tmp_path, monkeypatch):
    monkeypatch.setattr(gguf, "_convert", lambda *given: pytest.fail("converted to be declared"))
    first = folders.identity(file[0])
    assert first == folders.identity(str(file[0])) and first.startswith(sha256(file[0]))
    written(tmp_path / "b.gguf", pre="gpt-2")
    monkeypatch.setattr(gguf, "VERSION", gguf.VERSION + 1)
    assert len({first, folders.identity(file[0]), folders.identity(tmp_path / "b.gguf")}) == 3


def test_a_folder_is_the_same_model_whatever_it_says_of_its_conversion(file, folder, tmp_path, monkeypatch):
    """The name of the file, the packages that converted it, what was said beside."""
    monkeypatch.setattr(gguf.metadata, "version", lambda name: "0.0")
    other = shutil.copy(file[0], tmp_path / "another-name.gguf")
    again = gguf.converted(other, tmp_path / "again", {"licence": "MIT"})
    assert gguf.source(again) != gguf.source(folder) and folders.fingerprint(again) == folders.fingerprint(folder)


def test_a_file_is_read_once_for_its_digest(file, tmp_path, monkeypatch):
    monkeypatch.setenv("PROXYLIB_CACHE", str(tmp_path / "cache"))
    read = []
    monkeypatch.setattr(gguf, "sha256", lambda given: (read.append(given), sha256(given))[1])
    gguf.cached(file[0])
    gguf.cached(file[0])
    assert read == [file[0]] * 2


def test_another_version_of_the_conversion_makes_the_folder_anew_and_leftovers_go(file, tmp_path, monkeypatch):
    gguf.converted(file[0], tmp_path / "a", {"licence": "MIT"})
    assert gguf.source(tmp_path / "a")["licence"] == "MIT"
    (tmp_path / ".a.killed").mkdir()
    monkeypatch.setattr(gguf, "VERSION", gguf.VERSION + 1)
    assert not gguf.holds(tmp_path / "a", sha256(file[0]))
    gguf.converted(file[0], tmp_path / "a")
    assert gguf.holds(tmp_path / "a", sha256(file[0])) and not (tmp_path / ".a.killed").exists()
