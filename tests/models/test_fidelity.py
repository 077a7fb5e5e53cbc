"""What tokenizers make of texts: byte tokenizers keep all; word tokenizers, folding and silent ones are found out."""

import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from proxylib.models import fidelity, tokenizers

BYTES = tokenizers.train("byte", [], 300)
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def fast(backend, **names):
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **names)


def words(unk_token="<unk>"):
    backend = Tokenizer(models.WordLevel({"<unk>": 0, "two": 1, "words": 2, ".": 3, "<s>": 4}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return fast(backend, unk_token=unk_token)


def letters(normalizer=None, alphabet="abcdefghijklmnopqrstuvwxyz é", unk_token=None):
    """A tokenizer of letters that says nothing of the others."""
    vocabulary = {letter: n for n, letter in enumerate(alphabet)}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=unk_token))
    backend.decoder = decoders.Fuse()
    backend.normalizer = normalizer
    return fast(backend)


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(text=any_text)
def test_bytes_lose_nothing(text):
    item = fidelity.heard(BYTES, text)
    assert (item.unknown, item.unknown_bytes, item.lost_bytes, item.control) == (0, 0, 0, ())
    assert item.n_bytes == len(text.encode()) == item.tokens and not item.unread


@pytest.mark.parametrize("unk_token", ["<unk>", None])
def test_unknown_words_are_counted_whether_or_not_the_tokenizer_owns_to_them(unk_token):
    item = fidelity.heard(words(unk_token), "two яблок words . 🙂")
    assert (item.unknown, item.unknown_bytes) == (2, len("яблок🙂".encode())) and item.unread
    assert fidelity.heard(words(unk_token), "two words .").unknown == 0


def test_a_run_of_unknown_letters_under_one_token_counts_whole():
    backend = Tokenizer(models.BPE(vocab={"<unk>": 0, "a": 1, " ": 2}, merges=[], unk_token="<unk>", fuse_unk=True))
    item = fidelity.heard(fast(backend, unk_token="<unk>"), "a яблок a")
    assert (item.unknown, item.unknown_bytes) == (1, 10)


def test_a_unigram_model_that_names_no_unknown_token():
    backend = Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0), ("b", -1.0)], unk_id=0))
    assert fidelity.heard(fast(backend), "abя").unknown_bytes == 2


def test_what_is_dropped_without_a_token_is_counted():
    item = fidelity.heard(letters(), "two яблок words")
    assert (item.unknown, item.lost_bytes) == (0, 10) and item.unread


@pytest.mark.parametrize(
    ("normalizer", "text", "lost"),
    [
        (normalizers.Lowercase(), "Two Words", 2),
        (normalizers.StripAccents(), "e\u0301 caf", 2),
        (normalizers.Replace("q", ""), "a q b q", 2),
        (normalizers.Replace(Regex(" +"), " "), "a   b", 2),
        (normalizers.NFC(), "e\u0301", 0),
        (normalizers.NFKC(), "ﬁ", 3),
        (normalizers.Strip(), "  a ", 0),
    ],
)
def test_folding_loses_and_composing_does_not(normalizer, text, lost):
    assert fidelity.heard(letters(normalizer), text).lost_bytes == lost


def test_line_breaks_that_a_word_tokenizer_does_not_say_are_lost():
    assert fidelity.heard(words(), "two\nwords\n\ntwo .").lost_bytes == 3
    assert fidelity.heard(words(), "two words two .").lost_bytes == 0


def test_the_usual_marks_of_words_lose_nothing():
    backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    backend.pre_tokenizer, backend.decoder = (
        pre_tokenizers.Metaspace(),
        decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]),
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    backend.train_from_iterator(["two words and two more"] * 9, trainer)
    for text in (" two  words", "яблок 🙂\n\n", "two words"):  # bytes, though the trainer calls them special, are text
        item = fidelity.heard(fast(backend, unk_token="<unk>", bos_token="<s>"), text)
        assert (item.unknown, item.lost_bytes, item.control) == (0, 0, ()), text


def test_spelt_control_words_are_text_and_those_that_cannot_be_are_named():
    item = fidelity.heard(BYTES, "a <s> b </s><s>")
    assert (item.words, item.control) == (3, ())
    tokenizer = words()
    tokenizer.add_special_tokens({"bos_token": "<s>"})
    item = fidelity.heard(tokenizer, "two <s> words")
    assert item.words == 1 and item.control == (4,)
    own = tokenizers.train("byte", [], 300)
    own.add_tokens([AddedToken("<think>", special=False, normalized=False)])
    assert fidelity.heard(own, "<think>").words == 0  # no control word: solutions think aloud
