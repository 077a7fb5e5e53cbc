"""What judging may cost: an estimate before the first call, and a limit that no call can exceed."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from proxylib.judging import criteria, messages
from proxylib.judging.questions import Ask
from proxylib.judging.settings import LLMJudge

CHARACTERS_PER_TOKEN = 3.0  # of English under today's tokenizers 4 to 5: the estimate is meant to be too high
PLAIN = f"{string.ascii_letters} ".encode()  # all else is counted as a token a byte, which no byte-level tokenizer exceeds


class Estimate(NamedTuple):
    """What a set of questions may take at most, said before the first call."""

    calls: int
    tokens_in: int
    tokens_out: int
    cost: float

    def __str__(self) -> str:
        cost = f", {self.cost:.2f} US dollars" if self.cost else ""
        return f"{self.calls} calls, about {self.tokens_in} tokens in and at most {self.tokens_out} out{cost}"


def estimate(asks: Sequence[Ask], settings: LLMJudge) -> Estimate:
    """Every question asked once; retries and second attempts come on top, what the cache holds comes off."""
    tokens_in = sum(_tokens(_frame(ask.criterion, ask.clauses), _held(ask.dialogue), _held(ask.note)) for ask in asks)
    tokens_out = len(asks) * settings.max_new_tokens
    return Estimate(len(asks), tokens_in, tokens_out, settings.cost(tokens_in, tokens_out))


def tokens(prompt: str) -> int:
    """A number of tokens that a prompt should not exceed under any judge's tokenizer (see `Budget`)."""
    return _tokens(_counts(prompt))


def _tokens(*parts: tuple[int, int]) -> int:
    """Of parts that stand one after the other."""
    plain, other = map(sum, zip(*parts, strict=True))
    return int(plain / CHARACTERS_PER_TOKEN) + other + 1


def _counts(text: str) -> tuple[int, int]:
    """Plain letters and spaces, and bytes of all else."""
    data = text.encode("utf-8", "replace")
    other = len(data.translate(None, PLAIN))
    return len(data) - other, other


@lru_cache
def _frame(criterion: str, clauses: tuple[str, ...] | None) -> tuple[int, int]:
    return _counts(criteria.prompt(criterion, "", "", clauses))


@lru_cache(maxsize=16)  # the criteria of one note come one after the other
def _held(text: str) -> tuple[int, int]:
    return _counts(criteria.held(text))


class Budget:
    """Tokens and dollars; a call is made only if its worst case still fits.

    A limit is so never exceeded, as long as three plain letters or spaces on average, and every byte of all else, are a token
    or less under the judge's tokenizer. A call that broke off may have been billed and keeps what was set aside for it; one
    that was refused, or never arrived, took nothing.
    """

    def __init__(self, settings: LLMJudge):
        self.settings, self.tokens_in, self.tokens_out = settings, 0, 0

    def take(self, tokens_in: int, tokens_out: int) -> bool:
        """Set aside the worst case of a call; False if it does not fit."""
        settings, a, b = self.settings, self.tokens_in + tokens_in, self.tokens_out + tokens_out
        if settings.limit_tokens is not None and a + b > settings.limit_tokens:
            return False
        if settings.limit_cost is not None and settings.cost(a, b) > settings.limit_cost:
            return False
        self.tokens_in, self.tokens_out = a, b
        return True

    def settle(self, taken: tuple[int, int], used: tuple[int, int]) -> None:
        """Put what a call really took in the place of what was set aside."""
        self.tokens_in += used[0] - taken[0]
        self.tokens_out += used[1] - taken[1]


class OverLimit(Exception):
    """A call that is not made, because its worst case could exceed a limit."""


@dataclass
class Call:
    """One question on its way, and what it took; `worst` is the most that one request for it can take, in and out."""

    budget: Budget
    worst: tuple[int, int]
    used: tuple[int, int] = (0, 0)

    def leave(self) -> None:
        """Set the worst case aside, once for every request that leaves: retries of the same call come here again.

        Raises
        ------
        OverLimit
            If it does not fit.
        """
        if not self.budget.take(*self.worst):
            raise OverLimit("limit")

    def answered(self, usage: Any) -> None:
        """Book what the server counted, or the worst case where it counts nothing."""
        used = self.worst
        if usage is not None:
            cached = (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)
            used = (usage.input_tokens + cached, usage.output_tokens)
        self.budget.settle(self.worst, used)
        self.used = (self.used[0] + used[0], self.used[1] + used[1])

    @property
    def spent(self) -> dict[str, int]:
        """What its answer and the retries before it took."""
        return {"tokens_in": self.used[0], "tokens_out": self.used[1]}

    def failed(self, error: Exception) -> None:
        """Give back what was set aside, if the server did not begin to answer."""
        if isinstance(error, messages.ServerError) or messages.status(error) is not None or messages.unreached(error):
            self.budget.settle(self.worst, (0, 0))
