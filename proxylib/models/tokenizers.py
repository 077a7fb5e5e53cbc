"""The lab's tokenizers: raw bytes, and two kinds of byte-pair encoding trained on the lab's own text.

All are lossless over bytes. `<s>` opens a document, `</s>` closes it, `<pad>` fills rows and is always masked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from proxylib.errors import UserError
from proxylib.models import folders, hf_olmo

if TYPE_CHECKING:
    from tokenizers import Tokenizer
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
    whole = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", clean_up_tokenization_spaces=False
    )
    return _opened(whole, "always")  # as its models are trained


def saved_in(folder: Path) -> bool:
    """Whether a tokenizer lies in the folder."""
    return any((folder / name).exists() for name in ("tokenizer.json", "tokenizer_config.json", "tokenizer.model"))


def load(folder: Path, bos: str = "own") -> PreTrainedTokenizerFast:
    """The tokenizer saved in a folder.

    Parameters
    ----------
    folder : of a model
    bos : what opens a text: "own", what `tokenizer(text)` puts in front; "always", the bos token; "never", nothing. The
        tokenizer does so from now on, also where it is saved again

    Raises
    ------
    UserError
        If there is none, one that cannot say which characters a token covers, or one without the bos that is asked for.
    """
    from transformers import AutoTokenizer

    if not folder.exists():
        raise UserError(f"{folder}: no such folder; a tokenizer is saved beside its model")
    if not saved_in(folder):
        raise UserError(f"{folder}: no tokenizer; save it beside its model with save_pretrained")
    try:
        if hf_olmo.saved_in(folder):
            loaded = hf_olmo.tokenizer(folder)
        else:
            loaded = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        tokenizer = _as_saved(loaded, folder) if loaded.is_fast else loaded
    except Exception as error:  # a damaged file raises whatever its parser raises
        raise folders.refusal(folder, "its tokenizer cannot be loaded", error) from None
    if not tokenizer.is_fast:
        raise UserError(f"{folder}: {type(tokenizer).__name__} does not say which characters a token covers; save a fast one")
    if bos == "always" and tokenizer.bos_token_id is None:
        raise UserError(f"parameter bos: the tokenizer in {folder} has no bos token; take own or never")
    if getattr(tokenizer.backend_tokenizer.model, "dropout", None):  # merges left out at random, for training
        tokenizer.backend_tokenizer.model.dropout = None
    return _opened(tokenizer, bos)


def _as_saved(tokenizer: PreTrainedTokenizerFast, folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer cutting texts as its `tokenizer.json` says.

    Some classes of transformers (those of Llama, Qwen 2, Gemma) take the vocabulary from that file and split texts in their
    own way, whatever else it says; a model was trained on what the file says.
    """
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.exists():
        return tokenizer
    saved, given = Tokenizer.from_file(str(path)), tokenizer.backend_tokenizer
    if _cuts(saved) == _cuts(given):
        return tokenizer
    saved.post_processor = given.post_processor  # the habit of opening a text is the class's and its config's
    saved.no_truncation()
    saved.no_padding()
    known = [token for _, token in sorted(tokenizer.added_tokens_decoder.items())]
    saved.add_special_tokens([token for token in known if token.special])
    saved.add_tokens([token for token in known if not token.special])
    tokenizer._tokenizer = saved
    return tokenizer


def _cuts(backend: Tokenizer) -> list[bytes | None]:
    """What decides how a text is cut, as bytes."""
    return [part and part.__getstate__() for part in (backend.normalizer, backend.pre_tokenizer, backend.model)]


def _opened(tokenizer: PreTrainedTokenizerFast, bos: str) -> PreTrainedTokenizerFast:
    """The tokenizer with another habit; see `load`. What else it does after it has cut a text, it still does."""
    from tokenizers import processors

    backend = tokenizer.backend_tokenizer
    if bos == "never" and opening(tokenizer):
        last = json.loads(backend.post_processor.__getstate__())
        trims = [part["trim_offsets"] for part in last.get("processors", [last]) if "trim_offsets" in part]
        kept = [processors.ByteLevel(trim_offsets=trim) for trim in trims]  # what a token covers stays the same
        backend.post_processor = processors.Sequence([*kept, processors.TemplateProcessing(single="$A", pair="$A $B")])
    if bos == "always" and tokenizer.bos_token_id not in opening(tokenizer):
        first = tokenizer.bos_token
        template = processors.TemplateProcessing(
            single=[first, "$A"], pair=[first, "$A", "$B"], special_tokens=[(first, tokenizer.bos_token_id)]
        )
        backend.post_processor = processors.Sequence([*filter(None, [backend.post_processor]), template])
    return tokenizer


def opening(tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """Token ids that `tokenizer(text)` itself puts in front of a text: its bos, several tokens, or none."""
    bare, whole = encode(tokenizer, ["a"])[0], tokenizer("a", split_special_tokens=True)["input_ids"]
    starts = (start for start in range(len(whole)) if whole[start : start + len(bare)] == bare)
    return whole[: next(starts, 0)]


def opening_text(tokenizer: PreTrainedTokenizerFast, chat: bool = False) -> str:
    """What stands in front of every prompt, for a manifest: tokens, "none", or "chat template" where that opens it."""
    return "chat template" if chat else " ".join(tokenizer.convert_ids_to_tokens(opening(tokenizer))) or "none"


def encode(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> list[list[int]]:
    """Token ids without special tokens; text that spells one stays text."""
    return tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]


def prompt_ids(tokenizer: PreTrainedTokenizerFast, prompt: str, chat: bool = False) -> list[int]:
    """Token ids before an answer: `opening` and prompt, or the prompt as a user's turn in the tokenizer's chat template.

    Raises
    ------
    UserError
        If a chat is asked for and the tokenizer has no template, or one that does not keep prompts whole (see `chat.Template`).
    """
    if not chat:
        return opening(tokenizer) + encode(tokenizer, [prompt])[0]
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
