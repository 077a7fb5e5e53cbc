"""Judges as Inspect AI reaches them: its own providers with every request accounted for, and one of ours for folders.

Both are registered with Inspect's `modelapi`; nothing of Inspect is changed. This module needs the package inspect-ai.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Model,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    ResponseSchema,
    RetryDecision,
    get_model,
    modelapi,
)
from inspect_ai.model._providers.openai_compatible import OpenAICompatibleAPI  # not exported, unlike the others
from inspect_ai.util import json_schema
from pydantic import ValidationError

from proxylib.errors import UserError
from proxylib.judging import messages
from proxylib.judging.answers import Verdict
from proxylib.judging.cache import Answer
from proxylib.judging.questions import Ask
from proxylib.judging.settings import BATCH, LLMJudge
from proxylib.judging.spending import Budget, Call, tokens
from proxylib.runs.files import canonical, sha256

CALL: ContextVar[Call] = ContextVar("call")  # of the question at hand
OURS = {"hf": "proxylib-folder", "openai-api": "proxylib-compatible"}  # what stands in for Inspect's provider
LOCAL = ("hf", "vllm", "vllm-completions", "sglang")  # load a model in the first call: no call of theirs is cut off
NO_JSON = (json.JSONDecodeError, UnicodeDecodeError)
UNREADABLE = (TypeError, AttributeError, LookupError, ValidationError, *NO_JSON)  # what clients raise for odd answers
MOST_TOKENS = 1 << 40  # of an answer; a server that says more has miscounted


class Judge:
    """A judge by name, ready to be asked.

    Raises
    ------
    UserError
        A missing key, package, folder or provider, by name.
    """

    def __init__(self, settings: LLMJudge):
        self.settings, self.model = settings, _model(settings)

    async def answer(self, ask: Ask, place: int, budget: Budget) -> Answer:
        """One answer to a question, retries of a call that fails included.

        Parameters
        ----------
        ask : the question
        place : number of answers to it that came before; a model in a folder samples another one
        budget : pays

        Raises
        ------
        OverLimit
            If the limit forbids to send the question.
        Exception
            Whatever a provider raises after the retries.
        """
        most = self.settings.max_new_tokens
        call = Call(budget, (tokens(ask.prompt), most))
        CALL.set(call)
        seed = None
        if self.settings.local:
            seed = int(sha256(canonical([*ask, place]).encode())[:8], 16)
        output = await self.model.generate(ask.prompt, config=GenerateConfig(seed=seed))
        error = messages.shown(output.error or "")
        text = messages.kept(output.completion)
        return Answer(text=text, stop=output.stop_reason, error=error, max_new_tokens=most, **call.spent)


def _model(settings: LLMJudge) -> Model:
    provider, _, name = settings.model.partition("/")
    if provider.startswith("vllm") and not os.environ.get("VLLM_BASE_URL") and not importlib.util.find_spec("vllm"):
        raise UserError(  # Inspect would say so call by call
            f"judge {settings.model}: the package vllm is missing; pip install vllm, or set VLLM_BASE_URL to a running server"
        )
    config = GenerateConfig(
        max_connections=settings.connections,
        adaptive_connections=False,
        max_retries=settings.retries,
        timeout=settings.timeout,
        attempt_timeout=None if provider in LOCAL else settings.timeout,  # `timeout` is looked at between attempts only
        max_tokens=settings.max_new_tokens,
        temperature=settings.temperature,
        response_schema=None if settings.no_schema else ResponseSchema(name="verdict", json_schema=json_schema(Verdict)),
    )
    place = dict(zip(("device", "dtype"), settings.placed(), strict=True)) if settings.local else {}
    inner = f"{OURS[provider]}/{name}" if provider in OURS else settings.model
    try:
        return get_model(f"proxylib-accounted/{inner}", config=config, memoize=False, **place)
    except Exception as error:  # Inspect raises its own kinds for keys, packages and names, some with markup
        said = re.sub(r"\[/?[a-z ]+\]", "", str(error))
        raise UserError(f"judge {settings.model}: {messages.shown(said)}") from None


def _unreadable(error: Exception) -> str:
    """What is wrong with an answer that the client could not read; "" for errors of another kind."""
    if isinstance(error, NO_JSON):
        return "is no JSON"
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"has a shape that no chat completion has ({'.'.join(map(str, first['loc']))}: {first['msg']})"
    if isinstance(error, UNREADABLE) and not isinstance(error, UserError):
        return f"has a shape that no chat completion has ({error})"
    return "is no JSON object" if "non-ChatCompletion" in str(error) else ""


@modelapi(name="proxylib-accounted")
class Accounted(ModelAPI):
    """Another provider, of which every request passes by the `Call` at hand; the model's name begins with its name."""

    def __init__(self, model_name: str, base_url: str | None = None, api_key: str | None = None, config=None, **more: Any):
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        self.provider = get_model(model_name, config=config, base_url=base_url, api_key=api_key, memoize=False, **more).api

    async def generate(self, input, tools, tool_choice, config) -> Any:
        """The other provider's output; see `ModelAPI.generate`."""
        call = CALL.get()
        call.leave()
        try:
            came = await self.provider.generate(input, tools, tool_choice, config)
            output = came[0] if isinstance(came, tuple) else came
            if isinstance(output, Exception):
                raise output
            if not output.choices:
                raise messages.ServerError(None)
        except Exception as error:
            call.failed(error)
            if reason := _unreadable(error):
                raise messages.ServerError(f"what the server answered {reason}") from None
            raise
        call.answered(output.usage)
        return came

    def should_retry(self, ex: Exception) -> bool | RetryDecision:
        """As the other provider decides; an error that came with status 200 by the status that it names."""
        if not isinstance(ex, messages.ServerError):
            return self.provider.should_retry(ex)
        return messages.status(ex) is not None and not messages.lasting(ex)

    def retry_wait(self) -> Any:
        """As the other provider waits."""
        return self.provider.retry_wait()

    def connection_key(self) -> str:
        """One pool of connections per model and account."""
        return f"{type(self.provider).__name__}:{self.provider.connection_key()}"

    async def aclose(self) -> None:
        """Close the other provider."""
        await self.provider.aclose()


@modelapi(name="proxylib-compatible")
class Compatible(OpenAICompatibleAPI):
    """Any server that is compatible with OpenAI's; some send errors with status 200."""

    def on_response(self, response: dict[str, Any]) -> None:
        """Called by the provider with a body before it looks for the answer there.

        Raises
        ------
        ServerError
            With what the server says instead of an answer.
        """
        choices = response.get("choices")
        if not choices:
            raise messages.ServerError(response)
        for choice in choices if isinstance(choices, list) else [choices]:
            message = choice.get("message") if isinstance(choice, dict) else None
            if not isinstance(message, dict):
                raise messages.ServerError("the server answered with a choice without a message")
            if not isinstance(message.get("content"), str | None):
                raise messages.ServerError("the server answered with a message that is no text")

    def chat_choices_from_completion(self, completion: Any, tools: Any) -> Any:
        """The provider's choices. Whoever serves many models may leave out the name of this one, or count tokens by halves:
        the answer counts all the same, and its tokens at their worst.
        """
        if not isinstance(completion.model, str):
            completion.model = self.service_model_name()
        counts = [getattr(completion.usage, name, None) for name in ("prompt_tokens", "completion_tokens")]
        if not all(type(count) is int and 0 <= count <= MOST_TOKENS for count in counts):
            completion.usage = None
        elif type(completion.usage.total_tokens) is not int:
            completion.usage.total_tokens = sum(counts)
        return super().chat_choices_from_completion(completion, tools)


@modelapi(name="proxylib-folder")
class Folder(ModelAPI):
    """A model in a folder, or by its hub id, asked in this process; questions that wait are answered together.

    Parameters
    ----------
    model_name, base_url, api_key, config : as Inspect gives them to every provider
    device, dtype : see `LLMJudge.placed`

    Notes
    -----
    Sampled answers are written one by one, each under its own seed, so that they do not depend on which question came first.
    The last bits of the likeliest answer's logits may (see `generate.completions`).
    """

    def __init__(self, model_name: str, base_url=None, api_key=None, config=None, *, device: str, dtype: str, **more: Any):
        from proxylib.judging.lm_judge import CHAT_TEMPLATE
        from proxylib.models import chat, folders, loading, tokenizers

        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        folder = folders.locate(model_name)
        self.model = loading.load(folder, device, loading.DTYPES[dtype])
        self.tokenizer = tokenizers.load(folder if tokenizers.saved_in(folder) else folders.base_of(folder))
        self.ours = self.tokenizer.chat_template == CHAT_TEMPLATE  # takes the material out of the prompt, as no other may
        self.chat = bool(self.tokenizer.chat_template) and not self.ours
        if self.chat:
            chat.of(self.tokenizer)  # refuses a template that changes prompts
        self.waiting: list[tuple[str, GenerateConfig, asyncio.Future]] = []
        self.turn = asyncio.Lock()

    async def generate(self, input: list[ChatMessage], tools, tool_choice, config: GenerateConfig) -> ModelOutput:
        """The answer to one question; see `ModelAPI.generate`."""
        answer = asyncio.get_running_loop().create_future()
        self.waiting.append((input[-1].text, config, answer))
        async with self.turn:  # whose turn it is answers for all that wait
            while not answer.done():
                await self._answer_waiting()
        return await answer

    async def _answer_waiting(self) -> None:
        count = 1 if self.waiting[0][1].temperature else BATCH
        batch, self.waiting = self.waiting[:count], self.waiting[count:]
        await self._answer(batch)

    async def _answer(self, batch: list[tuple[str, GenerateConfig, asyncio.Future]]) -> None:
        prompts, configs, answers = zip(*batch, strict=True)
        try:
            outputs = await asyncio.to_thread(self._outputs, prompts, configs[0])
        except Exception as error:
            if len(batch) == 1:
                answers[0].set_exception(error)
            else:  # one prompt's fault is no other's
                for one in batch:
                    await self._answer([one])
            return
        for answer, output in zip(answers, outputs, strict=True):
            answer.set_result(output)

    def _outputs(self, prompts: Sequence[str], config: GenerateConfig) -> list[ModelOutput]:
        from proxylib.models import generate, tokenizers

        if self.ours:
            prompts = [self._question(prompt) for prompt in prompts]
        seed = (config.seed or 0) if config.temperature else None
        completions = generate.completions(
            self.model, self.tokenizer, list(prompts), config.max_tokens, BATCH, seed, self.chat, config.temperature or 1.0
        )
        outputs = []
        for prompt, completion in zip(prompts, completions, strict=True):
            used = (
                len(tokenizers.prompt_ids(self.tokenizer, prompt, self.chat)),
                len(tokenizers.encode(self.tokenizer, [completion.text])[0]) + 1,
            )
            output = ModelOutput.from_content(self.model_name, completion.text, "stop" if completion.finished else "max_tokens")
            output.usage = ModelUsage(input_tokens=used[0], output_tokens=used[1], total_tokens=sum(used))
            outputs.append(output)
        return outputs

    def _question(self, prompt: str) -> str:
        """What our own judge reads of the common prompt; its begin token is put there where it is encoded."""
        turn = [{"role": "user", "content": prompt}]
        return self.tokenizer.apply_chat_template(turn, tokenize=False).removeprefix(self.tokenizer.bos_token or "")
