"""LLM judges by name, through Inspect AI: verdicts, each call accounted for, and a limit on what it may cost.

A judge that fails to answer leaves a note *unscored*; that is never a fail, and its rate stands beside every pass rate.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd
from pydantic import BaseModel, Field, ValidationError
from tqdm import tqdm

from ..errors import UserError
from . import criteria

CHARACTERS_PER_TOKEN = 3.0  # of English under today's tokenizers 4 to 5: the estimate is meant to be too high
COLUMNS = ("id", "criterion", "repeat", "status", "reason", "rationale", "text", "tokens_in", "tokens_out")
PASS, FAIL, UNSCORED = "pass", "fail", "unscored"
_SENT: ContextVar[list] = ContextVar("sent")  # of the question at hand: a note per request that left, none if cached
KEY = re.compile(r"(KEY|TOKEN|SECRET)$")


class Verdict(BaseModel):
    """What a judge answers: the schema that it is given where its server knows schemas."""

    rationale: str = Field(description="at most two sentences that quote what decides")
    verdict: Literal["pass", "fail"]


class Ask(NamedTuple):
    """One question to a judge; `repeat` tells apart the same question asked again, `clauses` are all where None."""

    id: str
    criterion: str
    dialogue: str
    note: str
    repeat: int = 0
    clauses: tuple[str, ...] | None = None

    @property
    def prompt(self) -> str:
        return criteria.prompt(self.criterion, self.dialogue, self.note, self.clauses)


def remembering(judge: Callable[[Sequence[Ask]], pd.DataFrame]) -> Callable[[Sequence[Ask]], pd.DataFrame]:
    """The judge, but a question that was put before is not put again."""
    known: dict[Ask, tuple] = {}

    def ask(questions: Sequence[Ask]) -> pd.DataFrame:
        new = [question for question in dict.fromkeys(questions) if question not in known]
        known.update(zip(new, judge(new).itertuples(index=False, name=None), strict=True))
        return pd.DataFrame([known[question] for question in questions], columns=list(COLUMNS))

    return ask


@dataclass(frozen=True)
class Settings:
    """Who judges, and within what limits.

    Parameters
    ----------
    model : as Inspect AI names it: `openai-api/NAME/MODEL` (any compatible server; reads NAME_API_KEY and NAME_BASE_URL),
        `openai/...`, `vllm/...`, or `hf/FOLDER` for a model in a folder
    connections : calls at a time
    attempts : answers that are asked for before a malformed one leaves the note unscored
    retries : of one call after a time-out, 429 or 5xx
    timeout : seconds of one call, retries included
    new_tokens : most tokens of one answer
    temperature : of sampling
    limit_tokens : in and out together; calls that could exceed it are not made
    price_in, price_out : US dollars per million tokens, for the estimate and `limit_cost`
    """

    model: str
    connections: int = 8
    attempts: int = 2
    retries: int = 5
    timeout: int = 120
    new_tokens: int = 300
    temperature: float = 0.0
    limit_tokens: int | None = None
    limit_cost: float | None = None
    price_in: float = 0.0
    price_out: float = 0.0

    def __post_init__(self) -> None:
        for name in ("connections", "attempts", "timeout", "new_tokens"):
            if getattr(self, name) < 1:
                raise UserError(f"parameter {name}: {getattr(self, name)}, expected 1 or more")
        if self.limit_cost is not None and not (self.price_in or self.price_out):
            raise UserError("parameter limit_cost: needs price_in and price_out, in US dollars per million tokens")

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """US dollars."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


class Estimate(NamedTuple):
    """What a set of questions may take at most, said before the first call."""

    calls: int
    tokens_in: int
    tokens_out: int
    cost: float

    def __str__(self) -> str:
        cost = f", {self.cost:.2f} US dollars" if self.cost else ""
        return f"{self.calls} calls, about {self.tokens_in} tokens in and at most {self.tokens_out} out{cost}"


def estimate(asks: Sequence[Ask], settings: Settings) -> Estimate:
    """Every question asked once; retries and second attempts come on top, what the cache holds comes off."""
    tokens_in = sum(_tokens(ask) for ask in asks)
    tokens_out = len(asks) * settings.new_tokens
    return Estimate(len(asks), tokens_in, tokens_out, settings.cost(tokens_in, tokens_out))


def _tokens(ask: Ask) -> int:
    return int(len(ask.prompt) / CHARACTERS_PER_TOKEN) + 1


class Budget:
    """Tokens and dollars; a call is made only if its worst case still fits.

    A limit is so never exceeded, as long as prompts have `CHARACTERS_PER_TOKEN` or more under the judge's tokenizer.
    """

    def __init__(self, settings: Settings):
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


def parse(text: str) -> Verdict:
    """The verdict in an answer: one JSON object as asked for, alone or in a fence.

    Raises
    ------
    ValueError
        Anything else. A verdict is never guessed from loose text: a note can ask to be passed.
    """
    stripped = text.strip()
    if stripped.startswith("```"):
        stripped = re.sub(r"^```\w*\n|\n?```$", "", stripped)
    try:
        values = json.loads(stripped)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("not JSON") from None
    try:
        return Verdict.model_validate(values, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'answer'}: {first['msg']}") from None


def judge(asks: Sequence[Ask], settings: Settings, cache: Path) -> pd.DataFrame:
    """A row per question, in their order.

    Parameters
    ----------
    asks : questions; their ids, criteria and repeats are unique together
    settings : see `Settings`
    cache : folder in which Inspect keeps every answer for good; the same question costs nothing again

    Returns
    -------
    columns as in `COLUMNS`; status is "pass", "fail" or "unscored", and then `reason` says why: "limit", "malformed: ...", or
    what the server said

    Raises
    ------
    UserError
        Before the first call: a missing key or package, by name; two questions that are the same.
    """
    keys = [(ask.id, ask.criterion, ask.repeat) for ask in asks]
    if len(set(keys)) < len(keys):
        raise UserError("parameter asks: two questions have the same id, criterion and repeat")
    os.environ["INSPECT_CACHE_DIR"] = str(cache.absolute())
    model = _model(settings)
    with ThreadPoolExecutor(1) as pool:  # a notebook's own event loop is running already
        rows = pool.submit(asyncio.run, _all(model, asks, settings)).result()
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"repeat": "int64", "tokens_in": "int64", "tokens_out": "int64"})


def _model(settings: Settings) -> Any:
    try:
        from inspect_ai.model import GenerateConfig, ResponseSchema, get_model
        from inspect_ai.util import json_schema
    except ImportError:
        raise UserError("judge: the package inspect-ai is missing; pip install 'proxylib[judge]'") from None
    config = GenerateConfig(
        max_connections=settings.connections,
        adaptive_connections=False,
        max_retries=settings.retries,
        timeout=settings.timeout,
        max_tokens=settings.new_tokens,
        temperature=settings.temperature,
        response_schema=ResponseSchema(name="verdict", json_schema=json_schema(Verdict)),
    )
    provider, _, name = settings.model.partition("/")
    local = {"model_path": name, "tokenizer_path": name} if provider == "hf" and Path(name).is_dir() else {}
    try:
        model = get_model("hf/local" if local else settings.model, config=config, memoize=False, **local)
    except Exception as error:  # Inspect raises its own kinds for keys, packages and names, some with markup
        said = re.sub(r"\[/?[a-z ]+\]", "", " ".join(str(error).split()))
        raise UserError(f"judge {settings.model}: {_without_keys(said)[:300]}") from None
    send = model.api.generate

    async def counted(*args: Any, **kwargs: Any) -> Any:
        _SENT.get().append(None)
        return await send(*args, **kwargs)

    model.api.generate = counted  # Inspect does not say whether an answer came from its cache
    return model


async def _all(model: Any, asks: Sequence[Ask], settings: Settings) -> list[tuple]:
    budget, gate = Budget(settings), asyncio.Semaphore(settings.connections)
    bar = tqdm(total=len(asks), unit="verdict", disable=None, file=sys.stderr)

    async def one(ask: Ask) -> tuple:
        async with gate:
            row = await _ask(model, ask, settings, budget)
        bar.update()
        return row

    try:
        return await asyncio.gather(*(one(ask) for ask in asks))
    finally:
        bar.close()


async def _ask(model: Any, ask: Ask, settings: Settings, budget: Budget) -> tuple:
    from inspect_ai.model import CachePolicy

    reason, text, total = "", "", (0, 0)
    for attempt in range(settings.attempts):
        taken = (_tokens(ask), settings.new_tokens)
        if not budget.take(*taken):
            reason = reason or "limit"
            break
        policy = CachePolicy(expiry=None, scopes={"repeat": str(ask.repeat), "attempt": str(attempt)})
        used, sent = taken, []
        _SENT.set(sent)
        try:
            output = await model.generate(ask.prompt, cache=policy)
            if output.usage is not None:
                used = (output.usage.input_tokens, output.usage.output_tokens)
            used = used if sent else (0, 0)
            text, reason = output.completion, output.error or ""
        except Exception as error:  # whatever a provider raises after its retries: the note stays unscored
            text, reason = "", f"{type(error).__name__}: {' '.join(str(error).split())}"
        budget.settle(taken, used)
        total = (total[0] + used[0], total[1] + used[1])
        if reason:
            continue
        try:
            found = parse(text)
        except ValueError as error:
            reason = f"malformed: {error}"
            continue
        return _row(ask, found.verdict, "", found.rationale, text, total)
    return _row(ask, UNSCORED, reason, "", text, total)


def _row(ask: Ask, status: str, reason: str, rationale: str, text: str, used: tuple[int, int]) -> tuple:
    told = [_without_keys(part) for part in (reason[:300], rationale, text)]
    return (ask.id, ask.criterion, ask.repeat, status, *told, *used)


def _without_keys(text: str) -> str:
    """The text without any secret of the environment: servers quote keys in their errors."""
    for name, value in os.environ.items():
        if KEY.search(name.upper()) and len(value) >= 8:
            text = text.replace(value, f"<{name}>")
    return text


def unscored_rate(verdicts: pd.DataFrame) -> float:
    """Share of the questions that no verdict came of."""
    return float((verdicts["status"] == UNSCORED).mean())


def described(settings: Settings) -> dict[str, Any]:
    """What enters a judged run's identity: the settings that decide verdicts, and the prompts' hash."""
    keys = ("model", "attempts", "new_tokens", "temperature")
    return {key: asdict(settings)[key] for key in keys} | {"criteria": criteria.fingerprint()}
