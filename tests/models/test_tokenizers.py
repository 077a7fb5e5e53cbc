"""The lab's tokenizers: lossless, reproducible, digits apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxylib.errors import UserError
from proxylib.models import tokenizers

TEXTS = ["from 3 1 2 take 1 then answer 1 2 3\n", "the answer to the question is in the answer\n", "add 120+120\n"] * 30
VOCABULARY = 300
KINDS = {kind: tokenizers.train(kind, TEXTS, VOCABULARY) for kind in ("byte", "bpe")}
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
    assert BYTES < len(KINDS["bpe"]) <= VOCABULARY
    long = ["".join(chr(97 + (n * k) % 26) for k in range(n % 9 + 2)) + " " for n in range(2000)] * 2
    assert len(tokenizers.train("bpe", long, 400)) == 400


def test_encoding_adds_no_special_tokens():
    for tokenizer in KINDS.values():
        assert min(tokenizers.encode(tokenizer, ["answer 3\n"])[0]) >= len(tokenizers.SPECIAL)


def test_the_same_text_gives_the_same_merges():
    first, second = (tokenizers.train("bpe", TEXTS, VOCABULARY).backend_tokenizer.to_str() for _ in range(2))
    assert first == second
    other = tokenizers.train("bpe", ["quite another text, text, text\n"] * 30, VOCABULARY).backend_tokenizer.to_str()
    assert other != first


def test_words_merge_and_digits_never_do():
    tokenizer = KINDS["bpe"]
    assert len(tokenizers.encode(tokenizer, [" answer"])[0]) < len(" answer")
    merged = [entry for entry in tokenizer.get_vocab() if len(entry) > 1 and any(letter.isdigit() for letter in entry)]
    assert merged == []
    assert len(tokenizers.encode(tokenizer, ["120120"])[0]) == 6


@pytest.mark.parametrize("name", tokenizers.SPECIAL)
def test_text_that_spells_a_special_token_stays_text(name):
    ids = tokenizers.encode(KINDS["byte"], [f"a{name}b"])[0]
    assert len(ids) == len(f"a{name}b")


def test_a_saved_tokenizer_loads_to_the_same_ids(tmp_path):
    for kind, tokenizer in KINDS.items():
        tokenizer.save_pretrained(tmp_path / kind)
        loaded = tokenizers.load(tmp_path / kind)
        texts = ["from 3 take 1\n", "ünïcödé 🙂\n"]
        assert tokenizers.encode(loaded, texts) == tokenizers.encode(tokenizer, texts)
        assert len(loaded) == len(tokenizer) and loaded.eos_token_id == 2


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="gone: no such folder"):
        tokenizers.load(tmp_path / "gone")
