"""What a tokenizer makes of a text that is not the text: unknown tokens, bytes that no token says, control words."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from proxylib.models.chat import control_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MOST = 0.01  # of a text's bytes may be unknown, lost or cut, and two models differ by; of more, they read another text


class Heard(NamedTuple):
    """What became of a text in a tokenizer.

    Parameters
    ----------
    tokens : in all
    unknown : tokens that stand for something the tokenizer has no entry for
    unknown_bytes : of the text, under these
    lost_bytes : of the text, that no token says: dropped, folded (case, accents, compatible forms) or white space that is gone
    words : control words that the text spells; as far as `control` is empty, they stay text
    control : entries that are no text, in the order of their occurrence
    n_bytes : of the text
    """

    tokens: int
    unknown: int
    unknown_bytes: int
    lost_bytes: int
    words: int
    control: tuple[int, ...]
    n_bytes: int

    @property
    def unread(self) -> bool:
        """Whether more than `MOST` of the text is unknown or lost."""
        return self.unknown_bytes + self.lost_bytes > MOST * self.n_bytes


def heard(tokenizer: PreTrainedTokenizerFast, text: str) -> Heard:
    """What a text becomes without a template and without special tokens.

    Notes
    -----
    What is lost is the characters of the text that what the tokens spell has fewer of, both composed (NFC): an order that
    changes is not noticed, nor is white space at the ends, which many decoders add or take.
    """
    encoded = tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
    ids, spans = encoded["input_ids"], encoded["offset_mapping"]
    unknown, (controls, spellings) = unknown_id(tokenizer), _controls(tokenizer, len(tokenizer))
    bad = [span for token, span in zip(ids, spans, strict=True) if token == unknown]
    spelt = any(word in text for word in spellings)
    plain = tokenizer(text, add_special_tokens=False, split_special_tokens=False)["input_ids"] if spelt else []
    return Heard(
        len(ids),
        len(bad),
        sum(len(text[begin:end].encode()) for begin, end in _apart(bad)),
        _lost(tokenizer, text, bad, ids),
        sum(token in controls for token in plain),
        tuple(token for token in ids if token in controls and token != unknown),
        len(text.encode()),
    )


@lru_cache(maxsize=8)
def _controls(tokenizer: PreTrainedTokenizerFast, entries: int) -> tuple[set[int], list[str]]:
    """Ids that are no text, and how they are spelt; `entries` tells a tokenizer from what it was before more were added."""
    ids = control_ids(tokenizer)
    return ids, [str(word) for word in tokenizer.convert_ids_to_tokens(sorted(ids))]


@lru_cache(maxsize=8)
def unknown_id(tokenizer: PreTrainedTokenizerFast) -> int | None:
    """The entry for unknown text: what the tokenizer calls so, or what its model uses without saying."""
    if tokenizer.unk_token_id is not None:
        return tokenizer.unk_token_id
    model = tokenizer.backend_tokenizer.model
    name = getattr(model, "unk_token", None)
    if name is not None:
        return tokenizer.backend_tokenizer.token_to_id(name)
    state = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    return state.get("unk_id")


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans without what one before them has covered."""
    parts, done = [], 0
    for begin, end in spans:
        if end > done:
            parts.append((max(begin, done), end))
            done = end
    return parts


def _lost(tokenizer: PreTrainedTokenizerFast, text: str, bad: list[tuple[int, int]], ids: list[int]) -> int:
    spelt = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    if spelt == text:
        return 0
    kept, done = [], 0
    for begin, end in _apart(bad):  # spelt as the unknown token is, for the white space around it to be spelt too
        kept += [text[done:begin], tokenizer.decode([unknown_id(tokenizer)])]
        done = end
    rest = "".join([*kept, text[done:]]).strip()
    count = lambda part: Counter(unicodedata.normalize("NFC", part))
    missing = count(rest) - count(spelt)
    return sum(number * len(character.encode()) for character, number in missing.items())
