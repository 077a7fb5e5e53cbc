"""LLM judges by name, through Inspect AI: every question answered, kept or accounted for, and a limit on what it may cost."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pandas as pd
from tqdm import tqdm

from proxylib.errors import UserError
from proxylib.judging import answers, criteria, messages, spending
from proxylib.judging.cache import CUT, FILTERED, FULL, Answer, Cache
from proxylib.judging.questions import COLUMNS, UNSCORED, Ask
from proxylib.judging.settings import LLMJudge
from proxylib.models import folders
from proxylib.text import without_keys

CERTAIN = (401, 403, 404)  # key, rights, model: the next call would meet the same
HANDFUL = 5  # refusals before any answer, after which no further call is made
DIFFERENT = 3  # notes that these are about, unless the status alone tells: one note may be too long, or offend a filter


class Asked(NamedTuple):
    """What came of a set of questions.

    verdicts : a row per question, see `judge`
    tokens_in, tokens_out : spent now; what broke off and may have been billed is counted at its worst
    """

    verdicts: pd.DataFrame
    tokens_in: int
    tokens_out: int


def judge(asks: Sequence[Ask], settings: LLMJudge, cache: Path) -> pd.DataFrame:
    """Ask a judge, or read what it answered before.

    Parameters
    ----------
    asks : questions; their ids, criteria and repeats are unique together
    settings : who is asked, and within what limits
    cache : folder in which every answer is kept for good; the same question costs nothing again

    Returns
    -------
    a row per question, in their order, with columns as in `COLUMNS`: status is "pass", "fail" or "unscored", and then `reason`
    says why: "limit", "cut at ...", "malformed: ...", or what the server said. The tokens are those of the question's answers,
    kept ones included, so that a run that was cut short and goes on ends with the same table

    Raises
    ------
    UserError
        Before the first call: a missing key or package, by name; a cache that cannot be written; two questions that are the
        same. After a handful of calls: a server that refuses them all, in its words, with the option to change.
    """
    return asked(asks, settings, cache).verdicts


def asked(asks: Sequence[Ask], settings: LLMJudge, cache: Path) -> Asked:
    """`judge`, and what it spent."""
    keys = [(ask.id, ask.criterion, ask.repeat) for ask in asks]
    if len(set(keys)) < len(keys):
        raise UserError("parameter asks: two questions have the same id, criterion and repeat")
    kept = Cache(cache, _sampling(settings))
    try:
        from proxylib.judging import providers
    except ImportError:
        raise UserError("judge: the package inspect-ai is missing; pip install 'proxylib[judge]'") from None
    session = _Session(providers.Judge(settings), settings, kept)
    rows = _finished(session.rows(asks))
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"repeat": "int64", "tokens_in": "int64", "tokens_out": "int64"})
    return Asked(frame, session.budget.tokens_in, session.budget.tokens_out)


def address(settings: LLMJudge) -> str:
    """The judge's server as the environment names it, without credentials; "" for a provider's own address or none."""
    provider, _, rest = settings.model.partition("/")
    service = rest.partition("/")[0] if provider == "openai-api" else provider
    try:
        parts = urlsplit(without_keys(os.environ.get(f"{service.upper().replace('-', '_')}_BASE_URL", "")))
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise UserError(f"judge {settings.model}: the base URL in the environment is none; mend it") from None
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}" if parts.hostname else ""


def described(settings: LLMJudge) -> dict[str, Any]:
    """What enters a judged run's identity: the settings that decide verdicts, and the prompts' hash."""
    decisive = settings.model_dump(include={"attempts", "max_new_tokens", "temperature"}) | _model(settings)
    return decisive | {"schema": not settings.no_schema, "criteria": criteria.fingerprint()}


def _sampling(settings: LLMJudge) -> dict[str, Any]:
    """What makes a kept answer this judge's; a larger limit of tokens writes a whole answer no differently."""
    exactly = _model(settings, lambda name: folders.fingerprint(folders.locate(name)))  # of a hub's model, what is there now
    return exactly | {"server": address(settings), "temperature": settings.temperature, "schema": not settings.no_schema}


def _model(settings: LLMJudge, identify: Callable[[str], str] = folders.identity) -> dict[str, str]:
    """The judge's name; for a model in a folder its weights, too: another one may come to lie there.

    So is their precision, if they are rounded; float32 goes without saying, as it did before there was a choice.
    """
    provider, _, name = settings.model.partition("/")
    if provider == "openai-api":  # a server of this machine may be called by the folder that it serves
        name = name.partition("/")[2]
    if not settings.local and not (name and Path(name).is_dir()):
        return {"model": settings.model}
    try:
        weights = identify(name)
    except UserError as error:
        raise UserError(f"judge {settings.model}: {error}") from None
    dtype = settings.placed()[1] if settings.local else "float32"
    return {"model": settings.model, "weights": weights} | ({} if dtype == "float32" else {"dtype": dtype})


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


class _Refusals:
    """What was refused before any answer came: a server that refuses everything need not be asked everything."""

    def __init__(self, asks: Sequence[Ask]):
        self.answers, self.notes = 0, defaultdict(list)
        self.calls, self.different = len(asks), min(DIFFERENT, len({ask.id for ask in asks}))

    def hopeless(self, ask: Ask, code: int | None, reason: str) -> bool:
        """Whether this refusal is one too many: a handful alike, about several notes, and no answer before."""
        if code in CERTAIN:
            self.notes[code].append(ask.id)
            return not self.answers and len(self.notes[code]) >= min(HANDFUL, self.calls)
        alike = messages.alike(reason)
        self.notes[alike].append(ask.id)
        return not self.answers and len(self.notes[alike]) >= HANDFUL and len(set(self.notes[alike])) >= self.different


class _Session:
    """One judge, asked a set of questions."""

    def __init__(self, judge: Any, settings: LLMJudge, cache: Cache):
        self.judge, self.settings, self.cache = judge, settings, cache
        self.budget, self.gate = spending.Budget(settings), asyncio.Semaphore(settings.connections)
        self.alike: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # two notes of the same text are one question

    async def rows(self, asks: Sequence[Ask]) -> list[tuple]:
        """A row per question."""
        self.refusals = _Refusals(asks)
        bar = tqdm(total=len(asks), unit="verdict", disable=None, file=sys.stderr)

        async def one(ask: Ask) -> tuple:
            async with self.gate:
                row = await self._row(ask)
            bar.update()
            return row

        order = _several_notes_first(asks)
        try:
            rows = await asyncio.gather(*(one(asks[place]) for place in order))
        finally:
            bar.close()
        return [row for _, row in sorted(zip(order, rows, strict=True), key=lambda pair: pair[0])]

    async def _row(self, ask: Ask) -> tuple:
        """The first verdict that a kept answer gives, or else a new one."""
        digest = self.cache.digest(ask._asdict() | {"id": "", "prompt": ask.prompt})  # whatever the note is called
        async with self.alike[digest]:
            return await self._answered(ask, digest)

    async def _answered(self, ask: Ask, digest: str) -> tuple:
        came = self.cache.answers(digest)
        verdict, reason, text, failure = None, "", "", None
        for answer in came:
            verdict, reason, text = _read(answer, ask)
            if verdict:
                return _row(ask, verdict, "", text, came)
        for _ in range(self._attempts(came)):
            try:
                answer = await self.judge.answer(ask, len(came), self.budget)
            except spending.OverLimit as error:
                reason = reason or str(error)
                break
            except Exception as error:  # whatever a provider raises after its retries: the note stays unscored
                if type(error) is UserError:  # nothing that another note could mend
                    raise
                reason, text, failure = messages.shown(messages.said(error)), "", error
                if messages.lasting(error):
                    break
                continue
            self.refusals.answers += 1
            came, failure = [*came, answer], None
            if kept := [answer for answer in came if answer.stop != FILTERED]:
                self.cache.keep(digest, kept)
            verdict, reason, text = _read(answer, ask)
            if verdict or answer.stop == CUT:
                break
        if failure:
            self._stop_if_hopeless(ask, failure, reason)
        return _row(ask, verdict, reason, text, came)

    def _attempts(self, kept: Sequence[Answer]) -> int:
        """How often a question may still be asked; where an answer was cut, only under a larger limit."""
        if self.settings.again:
            return self.settings.attempts
        final = [answer for answer in kept if answer.stop != CUT or answer.max_new_tokens >= self.settings.max_new_tokens]
        return 0 if any(answer.stop == CUT for answer in final) else self.settings.attempts - len(final)

    def _stop_if_hopeless(self, ask: Ask, error: Exception, reason: str) -> None:
        """`UserError` if the server refuses every question alike."""
        refused = messages.lasting(error) or isinstance(error, messages.ServerError)
        if refused and self.refusals.hopeless(ask, messages.status(error), reason):
            mend = messages.remedy(reason)
            raise UserError(f"judge {self.settings.model}: no call was answered: {reason}{'; ' + mend if mend else ''}")


def _several_notes_first(asks: Sequence[Ask]) -> list[int]:
    """Places of the questions, one about each of a handful of notes before all others, so that refusals soon tell."""
    first: dict[str, int] = {}
    for place, ask in enumerate(asks):
        first.setdefault(ask.id, place)
    few = list(first.values())[:HANDFUL]
    return [*few, *(place for place in range(len(asks)) if place not in few)]


def _read(answer: Answer, ask: Ask) -> tuple[answers.Verdict | None, str, str]:
    """The verdict in an answer, or else why there is none; and the answer's text."""
    if answer.error:
        return None, answer.error, answer.text
    if answer.stop == CUT:
        return None, f"cut at {answer.max_new_tokens} tokens, raise --max-new-tokens", answer.text
    if answer.stop == FILTERED:
        return None, "withheld by the server's filter", answer.text
    if answer.stop == FULL:
        return None, "cut where the judge's context ends; give a judge with a longer one", answer.text
    try:
        return answers.read(answer.text, f"{ask.dialogue}\n{ask.note}\n{ask.prompt}"), "", answer.text
    except ValueError as error:
        return None, messages.shown(f"malformed: {error}"), answer.text


def _row(ask: Ask, verdict: answers.Verdict | None, reason: str, text: str, came: Sequence[Answer]) -> tuple:
    status, rationale = (verdict.verdict, verdict.rationale) if verdict else (UNSCORED, "")
    used = (sum(answer.tokens_in for answer in came), sum(answer.tokens_out for answer in came))
    return (ask.id, ask.criterion, ask.repeat, status, reason, messages.kept(rationale), text, *used)
