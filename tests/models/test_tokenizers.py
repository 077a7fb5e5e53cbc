"""The lab's tokenizers: lossless, reproducible, digits apart."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, processors
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerFast

from proxylib.errors import UserError
from proxylib.models import tokenizers

TEXTS = ["from 3 1 2 take 1 then answer 1 2 3\n", "the answer to the question is in the answer\n", "add 120+120\n"] * 30
VOCABULARY = 300
KINDS = {kind: tokenizers.train(kind, TEXTS, VOCABULARY) for kind in ("byte", "bpe", "spaced")}
MERGED = ("bpe", "spaced")
BYTES = 256 + len(tokenizers.SPECIAL)

# any characters but lone surrogates, which are no text; what spells a special token is tested by itself
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).filter(
    lambda text: not any(name in text for name in tokenizers.SPECIAL)
)


@pytest.mark.parametrize("kind", list(KINDS))
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(text=any_text)
def test_any_text_comes_back(kind, text):
    tokenizer = KINDS[kind]
    assert tokenizer.decode(tokenizers.encode(tokenizer, [text])[0]) == text


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(text=any_text)
def test_the_byte_tokenizer_has_a_token_for_every_byte(text):
    ids = tokenizers.encode(KINDS["byte"], [text])[0]
    assert len(ids) == len(text.encode()) and all(3 <= token < BYTES for token in ids)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize(
    "text", ["  two  spaces ,and . stops !\n\n\t", "\r\n\x00\x0b", "e\u0301 \u00e9 \ufb01 \u200d \U0001f642", " n't 's"]
)
def test_nothing_is_normalised_or_cleaned_up(kind, text):
    tokenizer = KINDS[kind]
    assert tokenizer.decode(tokenizers.encode(tokenizer, [text])[0]) == text


def test_byte_ids_differ_for_all_bytes():
    text = "".join(map(chr, range(0x80))) + "".join(map(chr, range(0x80, 0x800))) + "\u2603\U0001f642\U0010ffff"
    # UTF-8 uses all byte values but C0, C1 and F5 to FF; F1 to F3 and a few leads need further planes
    text += "".join(chr(code) for code in range(0x800, 0x110000, 0x800) if not 0xD800 <= code < 0xE000)
    ids = tokenizers.encode(KINDS["byte"], [text])[0]
    assert len(dict(zip(text.encode(), ids, strict=True))) == len(set(ids)) == 243


def test_special_tokens_have_the_ids_that_models_are_built_with():
    for tokenizer in KINDS.values():
        assert (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id) == (0, 1, 2)


def test_vocabularies_are_of_the_size_asked_for():
    assert len(KINDS["byte"]) == BYTES
    assert all(BYTES < len(KINDS[kind]) <= VOCABULARY for kind in MERGED)
    long = ["".join(chr(97 + (n * k) % 26) for k in range(n % 9 + 2)) + " " for n in range(2000)] * 2
    assert all(len(tokenizers.train(kind, long, 400)) == 400 for kind in MERGED)


def test_encoding_adds_no_special_tokens():
    for tokenizer in KINDS.values():
        assert min(tokenizers.encode(tokenizer, ["answer 3\n"])[0]) >= len(tokenizers.SPECIAL)


@pytest.mark.parametrize("kind", MERGED)
def test_the_same_text_gives_the_same_merges(kind):
    first, second = (tokenizers.train(kind, TEXTS, VOCABULARY).backend_tokenizer.to_str() for _ in range(2))
    assert first == second
    other = tokenizers.train(kind, ["quite another text, text, text\n"] * 30, VOCABULARY).backend_tokenizer.to_str()
    assert other != first


@pytest.mark.parametrize("kind", MERGED)
def test_words_merge_and_digits_never_do(kind):
    tokenizer = KINDS[kind]
    assert len(tokenizers.encode(tokenizer, [" answer"])[0]) < len(" answer")
    digits = [[letter.isdigit() for letter in entry] for entry in tokenizer.get_vocab() if any(map(str.isdigit, entry))]
    assert max(map(sum, digits)) == 1
    assert len(tokenizers.encode(tokenizer, ["120120"])[0]) == 6


def test_the_space_before_a_digit_stands_apart_in_one_and_not_in_the_other():
    shown = {kind: KINDS[kind].convert_ids_to_tokens(tokenizers.encode(KINDS[kind], ["take 1 2"])[0]) for kind in MERGED}
    assert shown["bpe"][-4:] == ["Ġ", "1", "Ġ", "2"] and shown["spaced"][-2:] == ["Ġ1", "Ġ2"]
    merged = [entry for entry in KINDS["bpe"].get_vocab() if len(entry) > 1 and any(map(str.isdigit, entry))]
    assert merged == []


def test_no_token_of_spaced_spans_two_words_or_a_line_break():
    for entry in KINDS["spaced"].get_vocab():
        assert entry in tokenizers.SPECIAL or ("Ġ" not in entry[1:] and (len(entry) == 1 or "Ċ" not in entry)), entry


@pytest.mark.parametrize("name", tokenizers.SPECIAL)
def test_text_that_spells_a_special_token_stays_text(name):
    assert len(tokenizers.encode(KINDS["byte"], [f"a{name}b"])[0]) == len(f"a{name}b")
    for tokenizer in KINDS.values():
        ids = tokenizers.encode(tokenizer, [f"a{name}b"])[0]
        assert min(ids) >= len(tokenizers.SPECIAL) and tokenizer.decode(ids) == f"a{name}b"


def test_a_saved_tokenizer_loads_to_the_same_ids(tmp_path):
    for kind, tokenizer in KINDS.items():
        tokenizer.save_pretrained(tmp_path / kind)
        loaded = tokenizers.load(tmp_path / kind)
        texts = ["from 3 take 1\n", "ünïcödé 🙂\n"]
        assert tokenizers.encode(loaded, texts) == tokenizers.encode(tokenizer, texts)
        assert len(loaded) == len(tokenizer) and loaded.eos_token_id == 2


@pytest.mark.parametrize("more", [[], ["take", "3 1"]])
@pytest.mark.parametrize("kind, known_as", [("qwen2", None), ("qwen2", "PreTrainedTokenizerFast"), ("opt", "Qwen2Tokenizer")])
def test_texts_are_cut_as_the_file_says_and_not_as_a_class_would(kind, known_as, more, tmp_path):
    tokenizer = tokenizers.train("spaced", TEXTS, VOCABULARY)
    tokenizer.add_tokens(more)
    AutoConfig.for_model(kind).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    if known_as:
        path = tmp_path / "tokenizer_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"tokenizer_class": known_as}))
    text = "from 120 take 3 12</s>\n"
    saved = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    saved.encode_special_tokens = True
    wanted = saved.encode(text, add_special_tokens=False).ids
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizers.encode(theirs, [text])[0] != wanted  # or there would be nothing to mend
    loaded = tokenizers.load(tmp_path)
    assert tokenizers.encode(loaded, [text])[0] == wanted and loaded.decode(wanted) == text
    assert tokenizers.opening(loaded) == tokenizers.opening(theirs)
    loaded.save_pretrained(tmp_path)
    assert tokenizers.encode(tokenizers.load(tmp_path), [text])[0] == wanted


def test_a_text_is_cut_alike_in_every_call_whatever_was_left_out_in_training(tmp_path):
    tokenizer = tokenizers.train("spaced", TEXTS, VOCABULARY)
    wanted = tokenizers.encode(tokenizer, TEXTS[:3])
    tokenizer.backend_tokenizer.model.dropout = 0.5
    tokenizer.save_pretrained(tmp_path)
    assert tokenizers.encode(AutoTokenizer.from_pretrained(tmp_path), TEXTS[:3]) != wanted
    assert tokenizers.encode(tokenizers.load(tmp_path), TEXTS[:3]) == wanted


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="gone: no such folder"):
        tokenizers.load(tmp_path / "gone")


# ---- what opens a text -----------------------------------------------------------------------------------------------


def shaped(post, **named):
    """A tokenizer of bytes that ends as one of another family does."""
    inner = KINDS["byte"].backend_tokenizer.__class__.from_str(KINDS["byte"].backend_tokenizer.to_str())
    inner.post_processor = post
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>", **named)


def template(single, *names):
    return processors.TemplateProcessing(
        single=single, pair=f"{single} $B", special_tokens=[(name, SPECIAL[name]) for name in names]
    )


SPECIAL = {"<pad>": 0, "<s>": 1, "</s>": 2}
TRIMMED = processors.ByteLevel(trim_offsets=True)
#: family -> its tokenizer, and what it puts in front of a text itself
HABITS = {
    "ours": (lambda: KINDS["byte"], [1]),
    "SmolLM2: a bos, and never in front": (lambda: shaped(TRIMMED), []),
    "nothing said": (lambda: shaped(None), []),
    "Llama 3": (lambda: shaped(processors.Sequence([TRIMMED, template("<s> $A", "<s>")])), [1]),
    "ends, too": (lambda: shaped(template("<s> $A </s>", "<s>", "</s>")), [1]),
    "ends alone": (lambda: shaped(template("$A </s>", "</s>")), []),
    "two": (lambda: shaped(template("<pad> <s> $A", "<pad>", "<s>")), [0, 1]),
    "another token": (lambda: shaped(template("</s> $A", "</s>")), [2]),
    "RoBERTa": (lambda: shaped(processors.RobertaProcessing(("</s>", 2), ("<s>", 1))), [1]),
    "switched on": (lambda: shaped(None, add_bos_token=True), [1]),
    "switched off": (lambda: shaped(template("<s> $A", "<s>"), add_bos_token=False), []),
}


@pytest.mark.parametrize(("make", "front"), HABITS.values(), ids=HABITS)
def test_what_opens_a_prompt_is_what_the_tokenizer_puts_there_or_what_is_asked_for(make, front, tmp_path):
    make().save_pretrained(tmp_path / "own")
    for bos, expected in (("own", front), ("always", front if 1 in front else [1, *front]), ("never", [])):
        tokenizer = tokenizers.load(tmp_path / "own", bos)
        bare = tokenizer(" a b", add_special_tokens=False)["input_ids"]
        assert tokenizers.prompt_ids(tokenizer, " a b") == expected + bare
        assert tokenizer(" a b")["input_ids"][: len(expected) + len(bare)] == expected + bare
        tokenizer.save_pretrained(tmp_path / bos / "again")
        assert tokenizers.opening(tokenizers.load(tmp_path / bos / "again")) == expected  # as beside an adapter
        plain = tokenizers.load(tmp_path / "own")
        assert tokenizers.encode_with_spans(tokenizer, "x y") == tokenizers.encode_with_spans(plain, "x y")


def test_a_bos_that_there_is_not_cannot_be_asked_for(tmp_path):
    bare = shaped(TRIMMED)
    bare.bos_token = None
    bare.save_pretrained(tmp_path)
    assert tokenizers.opening_text(tokenizers.load(tmp_path)) == "none"
    with pytest.raises(UserError, match="parameter bos: the tokenizer in .* has no bos token"):
        tokenizers.load(tmp_path, "always")
