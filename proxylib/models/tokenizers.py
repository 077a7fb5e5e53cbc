"""The lab's tokenizers: raw bytes, and two kinds of byte-pair encoding trained on the lab's own text.

All are lossless over bytes. `<s>` opens a document, `</s>` closes it, `<pad>` fills rows and is always masked.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from proxylib.errors import UserError
from proxylib.models import folders

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SPECIAL = ["<pad>", "<s>", "</s>"]


def train(kind: str, texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer of one of three kinds.

    Parameters
    ----------
    kind : "byte" (one token a byte, 259 entries), "bpe" (merges learnt from `texts`, digits and the space before them
        apart), "spaced" (the same, but a space belongs to the digit or word after it) or "capitals" (that, and a
        capital with its small letter stays apart: syllables of trade names, which merges would cut at random)
    texts : what merges are learnt from
    vocabulary : entries of a tokenizer with merges, special tokens included

    Notes
    -----
    Digits stay apart because a merged number hides from a tiny model what its digits are; words of the tasks do merge.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    apart = pre_tokenizers.Digits(individual_digits=True)
    if kind in ("spaced", "capitals"):
        syllable = r" ?[A-Z][a-z]|" if kind == "capitals" else ""
        apart = pre_tokenizers.Split(Regex(syllable + r" ?\d| ?[A-Za-z]+| ?[^\sA-Za-z\d]+|\s"), "isolated")
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([apart, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    size = len(SPECIAL) + len(alphabet) if kind == "byte" else vocabulary
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False, min_frequency=2
    )
    tokenizer.train_from_iterator([] if kind == "byte" else texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", clean_up_tokenization_spaces=False
    )


def saved_in(folder: Path) -> bool:
    """Whether a tokenizer lies in the folder."""
    return any((folder / name).exists() for name in ("tokenizer.json", "tokenizer_config.json", "tokenizer.model"))


def load(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer saved in a folder.

    Raises
    ------
    UserError
        If there is none, or one that cannot say which characters a token covers.
    """
    from transformers import AutoTokenizer

    if not folder.exists():
        raise UserError(f"{folder}: no such folder; a tokenizer is saved beside its model")
    if not saved_in(folder):
        raise UserError(f"{folder}: no tokenizer; save it beside its model with save_pretrained")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a damaged file raises whatever its parser raises
        raise folders.refusal(folder, "its tokenizer cannot be loaded", error) from None
    if not tokenizer.is_fast:
        raise UserError(f"{folder}: {type(tokenizer).__name__} does not say which characters a token covers; save a fast one")
    return tokenizer


def encode(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> list[list[int]]:
    """Token ids without special tokens; text that spells one stays text."""
    return tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]


def prompt_ids(tokenizer: PreTrainedTokenizerFast, prompt: str, chat: bool = False) -> list[int]:
    """Token ids before an answer: bos and prompt, or the prompt as a user's turn in the tokenizer's chat template.

    Raises
    ------
    UserError
        If a chat is asked for and the tokenizer has no template, or one that does not keep prompts whole (see `chat.Template`).
    """
    if not chat:
        first = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        return first + encode(tokenizer, [prompt])[0]
    from proxylib.models import chat as templates

    return templates.of(tokenizer).turn(prompt).ids


def encode_with_spans(tokenizer: PreTrainedTokenizerFast, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Token ids as from `encode`, and the characters [start, end) that each covers.

    Notes
    -----
    Some tokenizers leave the space before a word out of its span; tokens inside one character share its span.
    """
    encoded = tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
    return encoded["input_ids"], encoded["offset_mapping"]
