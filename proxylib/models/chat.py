"""A tokenizer's chat template: rendered on a fixed day, looked at before it is trusted, apart from what a prompt says."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from proxylib.errors import UserError
from proxylib.models import sandbox

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

#: what a template must leave as it is: case, inner white space, marks, its own syntax, other scripts; and much of it
PROBE = "Prompt 7: Ab  cD, é🙂 e\u0301 \"q\" 'r' <&> {{ x }} [y]\n\n\tLast\u00a0line."
NAME = "prompt 7"  # of the probe, folded
BYTE = re.compile("<0x[0-9A-F]{2}>")
AWAY = "leave chat away (finetune: -p chat false)"
PROBES = (PROBE, f" \n{PROBE} \n", " ".join([PROBE] * 100))


class PromptError(UserError):
    """A prompt that this template cannot be given; `reason` says why, without naming the prompt."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class Turn(NamedTuple):
    """A prompt as a user's turn."""

    ids: list[int]
    typed: int  # control words that the prompt holds, tokenised as text
    stripped: int  # characters of white space that the template took off its ends


class Rendered(NamedTuple):
    """What a template made of a prompt, and where the prompt stands in it."""

    text: str
    begin: int
    end: int
    stripped: int


class Template:
    """A chat template that keeps prompts whole.

    Parameters
    ----------
    tokenizer : with a chat template

    Raises
    ------
    UserError
        If there is no template, it fails or takes too long, or a prompt does not stand in its rendering whole and once.

    Notes
    -----
    White space at a prompt's ends may go: many templates trim, and it is counted. Nothing that differs from one call to the
    next is let in: the date is `sandbox.DATE`, random choices are always the same, and addresses of memory are refused.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast):
        self._tokenizer = tokenizer
        name = tokenizer.name_or_path
        self.name = f"the template of {name}" if name else "the tokenizer's template"
        if not tokenizer.chat_template:
            whose = f" of {name}" if name else ""
            raise UserError(f"chat: the tokenizer{whose} has no chat template; {AWAY}, or give an instruction-tuned model")
        self._context = {
            name: str(token) for name, token in tokenizer.special_tokens_map.items() if not isinstance(token, list)
        }
        with self._named():
            self._compiled = sandbox.compiled(tokenizer.get_chat_template())
        text = self._render(PROBE)
        if text.count(PROBE) != 1:
            self._refuse(text, PROBE)
        self.before, self.after = text.split(PROBE)
        if NAME in (self.before + self.after).casefold():  # once more, but quoted or folded
            self._refuse(text + PROBE, PROBE)
        if re.search(r"\bat 0x[0-9a-fA-F]{6,}", text):
            raise UserError(f"chat: {self.name} writes an address of memory, which differs from run to run; mend it")
        for probe in PROBES:
            if self._placed(text := self._render(probe), probe) is None:
                self._refuse(text, probe)
        self._control = control_ids(tokenizer)
        whole = _tokens(tokenizer, self.before + PROBE + self.after)
        inside = (len(self.before), len(self.before) + len(PROBE))
        written = {token for token, span in whole if not _overlaps(span, inside)} & set(tokenizer.added_tokens_decoder)
        self._control |= written  # some families do not call the words of their own template special
        self._splits = all(self._is_split_alike(probe) for probe in PROBES[:2])

    def turn(self, prompt: str) -> Turn:
        """The prompt as a user's turn, up to where the answer begins.

        Raises
        ------
        PromptError
            If the template changes this prompt, or the prompt holds what would end its turn.
        """
        rendered, tokenizer = self.rendered(prompt), self._tokenizer
        tokens = _tokens(tokenizer, rendered.text)
        typed = self._typed(tokens, rendered)
        if not typed:
            return Turn([token for token, _ in tokens], 0, rendered.stripped)
        ids = self._apart(tokens, rendered)
        if ids is None:
            word = tokenizer.convert_ids_to_tokens(typed[0])
            raise PromptError(f"its prompt holds the control word {word!a}, which this tokenizer cannot read as text")
        return Turn(ids, len(typed), rendered.stripped)

    def rendered(self, prompt: str) -> Rendered:
        """What the template makes of a prompt; `PromptError` where the prompt does not stand in it whole and once."""
        text = self._render(prompt)
        place = self._placed(text, prompt)
        if place is None:
            raise PromptError("the chat template does not leave its prompt whole")
        ending = self._ending()
        if ending and ending in prompt:
            raise PromptError(f"its prompt holds {ending!a}, with which the chat template ends a turn")
        return place

    def _ending(self) -> str:
        """Plain text, no control word, that ends a turn; there is no telling it from the same text in a prompt."""
        tokens = _tokens(self._tokenizer, self.after)
        first = min((span[0] for token, span in tokens if token in self._control), default=len(self.after))
        return self.after[:first].strip()

    def _render(self, prompt: str) -> str:
        with self._named():
            text = sandbox.render(self._compiled, self._context, prompt)
            text.encode()  # half a character is none
            return text

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except UserError:
            raise
        except Exception as error:  # a template is a program, and fails as programs do
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise UserError(f"chat: {self.name} refuses a user's turn ({reason}); mend it, or {AWAY}") from None

    def _refuse(self, text: str, probe: str) -> NoReturn:
        what = "changes a prompt's text"
        if text.count(probe.strip()) > 1:
            what = "repeats the prompt"
        elif not any(word in text for word in probe.split() if len(word) > 3):
            what = "leaves the prompt's text out"
        raise UserError(f"chat: {self.name} {what}; a prompt must stand in it whole and once; mend it, or {AWAY}")

    def _placed(self, text: str, prompt: str) -> Rendered | None:
        """Where the prompt stands, with or without the white space at its ends; None where it does not, or more than once."""
        for part in dict.fromkeys((prompt, prompt.rstrip(), prompt.lstrip(), prompt.strip())):
            begin = len(self.before) if text == self.before + part + self.after else None
            if begin is None and part and text.count(part) == 1:  # the template says something else around this prompt
                begin = text.index(part)
            if begin is not None:
                return Rendered(text, begin, begin + len(part), len(prompt) - len(part))
        return None

    def _typed(self, tokens: list[tuple[int, tuple[int, int]]], rendered: Rendered) -> list[int]:
        """Control tokens that came of what the prompt says; one beside it that swallows its white space is not among them."""
        return [
            token
            for token, span in tokens
            if token in self._control and _overlaps(_word(rendered.text, span), (rendered.begin, rendered.end))
        ]

    def _apart(self, tokens: list[tuple[int, tuple[int, int]]], rendered: Rendered) -> list[int] | None:
        """Ids in which only the template's own control words are tokens; None where that cannot be had."""
        words = [_word(rendered.text, span) if token in self._control else None for token, span in tokens]
        last = max((number for number, word in enumerate(words) if word and word[1] <= rendered.begin), default=-1)
        first = min((number for number, word in enumerate(words) if word and word[0] >= rendered.end), default=len(tokens))
        begin = tokens[last][1][1] if last >= 0 else 0
        end = tokens[first][1][0] if first < len(tokens) else len(rendered.text)
        between = _tokens(self._tokenizer, rendered.text[begin:end], split=True)
        if not self._splits or any(token in self._control for token, _ in between):
            return None
        return [token for token, _ in [*tokens[: last + 1], *between, *tokens[first:]]]

    def _is_split_alike(self, probe: str) -> bool:
        """Whether a prompt without control words is tokenised apart as it is whole."""
        tokenizer, place = self._tokenizer, self._placed(self._render(probe), probe)
        tokens = _tokens(tokenizer, place.text)
        self._splits = True
        return self._apart(tokens, place) == [token for token, _ in tokens]


def of(tokenizer: PreTrainedTokenizerFast) -> Template:
    """The tokenizer's template, looked at once."""
    return _checked(tokenizer, str(tokenizer.chat_template))


@lru_cache(maxsize=8)
def _checked(tokenizer: PreTrainedTokenizerFast, source: str) -> Template:
    return Template(tokenizer)


def control_ids(tokenizer: PreTrainedTokenizerFast) -> set[int]:
    """Ids that are no text: every special token but the one for unknown text, and single bytes that somebody called special."""
    added = tokenizer.added_tokens_decoder
    special = {number for number, token in added.items() if token.special and not BYTE.fullmatch(token.content)}
    ends = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
    unknown = {tokenizer.unk_token_id} - ends
    named = {number for number in tokenizer.all_special_ids if number not in added or not BYTE.fullmatch(added[number].content)}
    return (special | named | ends) - unknown - {None}


def _tokens(tokenizer: PreTrainedTokenizerFast, text: str, split: bool = False) -> list[tuple[int, tuple[int, int]]]:
    """(id, characters) of each token; with `split`, text that spells a special token stays text."""
    encoded = tokenizer(text, add_special_tokens=False, split_special_tokens=split, return_offsets_mapping=True)
    return list(zip(encoded["input_ids"], encoded["offset_mapping"], strict=True))


def _word(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """A span without white space at its ends, which some control words swallow."""
    part = text[slice(*span)]
    begin = span[0] + len(part) - len(part.lstrip())
    return begin, max(begin, span[0] + len(part.rstrip()))


def _overlaps(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]
