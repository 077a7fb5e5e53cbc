"""LLM judges by name, through Inspect AI: verdicts, each call accounted for, and a limit on what it may cost.

A judge that fails to answer leaves a note *unscored*; that is never a fail, and its rate stands beside every pass rate.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd
from pydantic import BaseModel, Field, ValidationError
from tqdm import tqdm

from proxylib.errors import UserError
from proxylib.judging import criteria
from proxylib.judging.settings import LLMJudge as Settings

CHARACTERS_PER_TOKEN = 3.0  # of English under today's tokenizers 4 to 5: the estimate is meant to be too high
PLAIN = re.compile(r"[A-Za-z ]+")  # all else is counted as a token a byte, which no byte-level tokenizer exceeds
COLUMNS = ("id", "criterion", "repeat", "status", "reason", "rationale", "text", "tokens_in", "tokens_out")
PASS, FAIL, UNSCORED = "pass", "fail", "unscored"
REASON = 300  # characters of a reason that are kept
KEY = re.compile(r"(KEY|TOKEN|SECRET)$")
REFUSALS = (401, 403, 404)  # key, rights, model: the next call would meet the same
HANDFUL = 5  # refusals before any answer, after which no further call is made
PATIENT = (408, 409, 429)  # of the statuses from 400 to 499, those that asking again can mend
LOCAL = ("hf", "vllm", "vllm-completions", "sglang")  # load a model in the first call: no call of theirs is cut off


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
    tokens_out = len(asks) * settings.max_new_tokens
    return Estimate(len(asks), tokens_in, tokens_out, settings.cost(tokens_in, tokens_out))


def _tokens(ask: Ask) -> int:
    prompt = ask.prompt
    plain = sum(map(len, PLAIN.findall(prompt)))
    return int(plain / CHARACTERS_PER_TOKEN) + len(prompt.encode("utf-8", "replace")) - plain + 1


class Budget:
    """Tokens and dollars; a call is made only if its worst case still fits.

    A limit is so never exceeded, as long as three plain letters or spaces on average, and every byte of all else, are a token
    or less under the judge's tokenizer. A call that broke off may have been billed and keeps what was set aside for it; one
    that was refused, or never arrived, took nothing.
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
        found = Verdict.model_validate(values, strict=True)
        return found.model_copy(update={"rationale": encodable(found.rationale)})
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'answer'}: {first['msg']}") from None


def encodable(text: str) -> str:
    """The text with `?` for every half of a surrogate pair that stands alone: JSON can hold it, UTF-8 and Parquet cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


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
        Before the first call: a missing key or package, by name; two questions that are the same. After a handful of calls: a
        server that refuses them all, in its words.
    """
    keys = [(ask.id, ask.criterion, ask.repeat) for ask in asks]
    if len(set(keys)) < len(keys):
        raise UserError("parameter asks: two questions have the same id, criterion and repeat")
    os.environ["INSPECT_CACHE_DIR"] = str(cache.absolute())
    model = _model(settings)
    rows = _finished(_all(model, asks, settings))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"repeat": "int64", "tokens_in": "int64", "tokens_out": "int64"})


def _finished(work: Coroutine) -> Any:
    """What the coroutine returns; an interrupt cancels it, calls in flight included, before it goes on."""
    begun: Future = Future()

    async def stoppable() -> Any:
        begun.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await work

    with ThreadPoolExecutor(1) as pool:  # a notebook's own event loop is running already
        running = pool.submit(asyncio.run, stoppable())
        try:
            return running.result()
        except KeyboardInterrupt:
            loop, task = begun.result()
            loop.call_soon_threadsafe(task.cancel)
            raise


def _model(settings: Settings) -> Any:
    try:
        from inspect_ai.model import GenerateConfig, ResponseSchema, get_model
        from inspect_ai.util import json_schema
    except ImportError:
        raise UserError("judge: the package inspect-ai is missing; pip install 'proxylib[judge]'") from None
    provider, _, name = settings.model.partition("/")
    if provider.startswith("vllm") and not os.environ.get("VLLM_BASE_URL") and not importlib.util.find_spec("vllm"):
        raise UserError(  # Inspect would say so call by call
            f"judge {settings.model}: the package vllm is missing; pip install vllm, or set VLLM_BASE_URL to a running server"
        )
    local: dict[str, Any] = {"model_path": name, "tokenizer_path": name} if provider == "hf" and Path(name).is_dir() else {}
    greedy = provider == "hf" and settings.temperature == 0  # transformers takes no temperature of 0
    config = GenerateConfig(
        max_connections=settings.connections,
        adaptive_connections=False,
        max_retries=settings.retries,
        timeout=settings.timeout,
        attempt_timeout=None if provider in LOCAL else settings.timeout,  # `timeout` is looked at between attempts only
        max_tokens=settings.max_new_tokens,
        temperature=None if greedy else settings.temperature,
        response_schema=ResponseSchema(name="verdict", json_schema=json_schema(Verdict)) if not settings.no_schema else None,
    )
    given = local | ({"do_sample": False} if greedy else {})
    try:
        model = get_model("hf/local" if local else settings.model, config=config, memoize=False, **given)
    except Exception as error:  # Inspect raises its own kinds for keys, packages and names, some with markup
        said = re.sub(r"\[/?[a-z ]+\]", "", str(error))
        raise UserError(f"judge {settings.model}: {_shown(said)}") from None
    _watch(model.api)
    return model


class _Unsent(Exception):
    """A call that is not made; the message says why, if that is a reason of its own."""


@dataclass
class _Call:
    """One question on its way: whether it may leave, and what it took. Inspect looks into its cache before."""

    budget: Budget
    worst: tuple[int, int]
    may_leave: bool
    left: bool = False
    used: tuple[int, int] = (0, 0)

    def leave(self) -> None:
        """Set the worst case aside, once for every request that leaves: Inspect's own retries come here again."""
        if not self.may_leave:
            raise _Unsent("")
        if not self.budget.take(*self.worst):
            raise _Unsent("limit")
        self.left = True

    def answered(self, usage: Any) -> None:
        """Book what the server counted, or the worst case where it counts nothing."""
        used = self.worst
        if usage is not None:
            cached = (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)
            used = (usage.input_tokens + cached, usage.output_tokens)
        self.budget.settle(self.worst, used)
        self.used = (self.used[0] + used[0], self.used[1] + used[1])

    def failed(self, error: Exception) -> None:
        """Give back what was set aside, if the server did not begin to answer."""
        if _status(error) is not None or _unreached(error):
            self.budget.settle(self.worst, (0, 0))


_CALL: ContextVar[_Call] = ContextVar("call")  # of the question at hand


def _watch(api: Any) -> None:
    """Let every request that leaves Inspect pass by its `_Call`, and make what comes back fit to be kept."""
    send = api.generate

    async def watched(*args: Any, **kwargs: Any) -> Any:
        call = _CALL.get()
        call.leave()
        try:
            came = await send(*args, **kwargs)
        except Exception as error:
            call.failed(error)
            raise
        output, rest = (came[0], came[1:]) if isinstance(came, tuple) else (came, ())
        if isinstance(output, Exception):
            call.failed(output)
            return came
        call.answered(output.usage)
        return (_fit(output), *rest) if rest else _fit(output)

    api.generate = watched


def _fit(output: Any) -> Any:
    """Inspect's output without secrets and halves of surrogate pairs: it is kept for good."""
    values = output.model_dump()
    fit = _mapped(values, lambda text: _without_keys(encodable(text)))
    return output if fit == values else type(output).model_validate(fit)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return [_mapped(item, change) for item in value] if isinstance(value, list) else value


@dataclass
class _Server:
    """What came of the calls so far: a server that refuses everything need not be asked everything."""

    answers: int = 0
    refusals: Counter = field(default_factory=Counter)

    def hopeless(self, status: int | None, calls: int) -> bool:
        """Whether this refusal is one too many, with no answer before it."""
        if status not in REFUSALS:
            return False
        self.refusals[status] += 1
        return not self.answers and self.refusals[status] >= min(HANDFUL, calls)


async def _all(model: Any, asks: Sequence[Ask], settings: Settings) -> list[tuple]:
    budget, server, gate = Budget(settings), _Server(), asyncio.Semaphore(settings.connections)
    bar = tqdm(total=len(asks), unit="verdict", disable=None, file=sys.stderr)

    async def one(ask: Ask) -> tuple:
        async with gate:
            row, status = await _ask(model, ask, settings, budget, server)
        if server.hopeless(status, len(asks)):
            raise UserError(f"judge {settings.model}: no call was answered: {row[COLUMNS.index('reason')]}")
        bar.update()
        return row

    try:
        return await asyncio.gather(*(one(ask) for ask in asks))
    finally:
        bar.close()


async def _ask(model: Any, ask: Ask, settings: Settings, budget: Budget, server: _Server) -> tuple[tuple, int | None]:
    """A row, and the status with which the server turned the question down, if it did.

    Answers are kept under their place: only one that came takes a place, so that no rerun asks before it reads them all.
    """
    from inspect_ai.model import CachePolicy

    reason, text, total, place, tried = "", "", (0, 0), 0, 0
    while True:
        call = _Call(budget, (_tokens(ask), settings.max_new_tokens), tried < settings.attempts)
        _CALL.set(call)
        policy = CachePolicy(expiry=None, scopes={"repeat": str(ask.repeat), "attempt": str(place)})
        try:
            output = await model.generate(ask.prompt, cache=policy)
        except _Unsent as error:
            return _row(ask, UNSCORED, reason or str(error), "", text, total), None
        except Exception as error:  # whatever a provider raises after its retries: the note stays unscored
            text, reason = "", _said(error)
            tried += 1
            status = _status(error)
            if status is not None and 400 <= status < 500 and status not in PATIENT:
                return _row(ask, UNSCORED, reason, "", text, total), status
            continue
        total = (total[0] + call.used[0], total[1] + call.used[1])
        server.answers += call.left
        tried += call.left or not settings.again
        place += all(choice.stop_reason != "content_filter" for choice in output.choices)  # Inspect does not keep these
        text, reason = output.completion, output.error or ""
        if reason:
            continue
        try:
            found = parse(text)
        except ValueError as error:
            reason = f"malformed: {error}"
            continue
        return _row(ask, found.verdict, "", found.rationale, text, total), None


def _row(ask: Ask, status: str, reason: str, rationale: str, text: str, used: tuple[int, int]) -> tuple:
    told = (_shown(reason), *(_without_keys(encodable(part)) for part in (rationale, text)))
    return (ask.id, ask.criterion, ask.repeat, status, *told, *used)


def _cause(error: BaseException) -> BaseException:
    """The provider's own error under what the retries and Inspect wrap around it."""
    attempt = getattr(error, "last_attempt", None)
    if attempt is not None and attempt.exception() is not None:
        return _cause(attempt.exception())
    return error.__cause__ if getattr(error, "provider_message", None) and error.__cause__ else error


def _status(error: BaseException) -> int | None:
    status = getattr(_cause(error), "status_code", None)
    return status if isinstance(status, int) else None


def _unreached(error: BaseException | None) -> bool:
    """Whether no connection came about: the clients wrap that in errors of their own."""
    while error is not None:
        if isinstance(error, ConnectionRefusedError) or type(error).__name__ in ("ConnectError", "ConnectTimeout"):
            return True
        error = error.__cause__ or error.__context__
    return False


def _said(error: Exception) -> str:
    """An error's kind, and the server's own words where it has any."""
    cause = _cause(error)
    body = getattr(cause, "body", None)
    body = body.get("error", body) if isinstance(body, dict) else body
    words = body.get("message") if isinstance(body, dict) else None
    status = _status(error)
    return f"{type(cause).__name__}{f' ({status})' if status else ''}: {words or cause}"


def _shown(text: str) -> str:
    """One line, without secrets, and only then cut: a cut secret is not found any more."""
    return " ".join(_without_keys(encodable(text)).split())[:REASON]


def _without_keys(text: str) -> str:
    """The text without any secret of the environment: servers quote keys in their errors."""
    secrets = [(name, value) for name, value in os.environ.items() if KEY.search(name.upper()) and len(value) >= 8]
    for name, value in sorted(secrets, key=lambda secret: -len(secret[1])):  # one may be the beginning of another
        text = text.replace(value, f"<{name}>")
    return text


def unscored_rate(verdicts: pd.DataFrame) -> float:
    """Share of the questions that no verdict came of."""
    return float((verdicts["status"] == UNSCORED).mean())


def described(settings: Settings) -> dict[str, Any]:
    """What enters a judged run's identity: the settings that decide verdicts, and the prompts' hash."""
    decisive = settings.model_dump(include={"model", "attempts", "max_new_tokens", "temperature"})
    return decisive | {"schema": not settings.no_schema, "criteria": criteria.fingerprint()}
