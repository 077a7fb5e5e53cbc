"""Where a chat template runs: what transformers gives it, but for the date, chance, much time and much memory."""

from __future__ import annotations

import contextlib
import json
import random
import resource
import signal
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import jinja2
import jinja2.ext
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

DATE = datetime(2026, 1, 1)  # what a template that writes today's date is given: rows do not differ from day to day
SECONDS = 5.0  # that a template may take over one prompt
MEMORY = 1 << 30  # bytes that it may add to the process
BITS = 10**6  # of a power: working it out cannot be interrupted


def compiled(source: str) -> jinja2.Template:
    """A template, ready for `render`; raises as `render` does: jinja2 works out constants beforehand."""
    with _little_memory(), _little_time(SECONDS):
        return _Environment().from_string(source)


def render(template: jinja2.Template, context: Mapping[str, Any], prompt: str) -> str:
    """The prompt as a user's turn, up to where the answer begins; the same text on every day and in every call.

    Raises
    ------
    Exception
        Any: a template is a program. `TimeoutError` and `MemoryError` where it takes too much.
    """
    turn = [{"role": "user", "content": prompt}]
    with _steady(), _little_memory(), _little_time(SECONDS):
        return template.render(messages=turn, tools=None, documents=None, add_generation_prompt=True, **context)


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    # jinja's own escapes what HTML would read
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


class _Generation(jinja2.ext.Extension):
    """`{% generation %}` marks what an assistant says, for training; a prompt has none of it."""

    tags = {"generation"}  # noqa: RUF012  the name and kind that jinja2 asks for

    def parse(self, parser: Any) -> nodes.Node:
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True)).set_lineno(line)


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("**",))

    def __init__(self):
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols])
        self.filters["tojson"] = _to_json
        self.globals |= {"raise_exception": _refuse, "strftime_now": DATE.strftime}

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > BITS:
            raise OverflowError("a power that is too large")
        return super().call_binop(context, operator, left, right)


@contextlib.contextmanager
def _steady() -> Iterator[None]:
    """What is chosen at random is the same each time."""
    state = random.getstate()
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(state)


@contextlib.contextmanager
def _little_memory() -> Iterator[None]:
    """`MemoryError` for what would take much, where the system says how much there is already."""
    size = Path("/proc/self/statm")
    if not size.exists():
        yield
        return
    limits = resource.getrlimit(resource.RLIMIT_AS)
    most = int(size.read_text().split()[0]) * resource.getpagesize() + MEMORY
    if any(0 <= limit < most for limit in limits):  # stricter already
        yield
        return
    resource.setrlimit(resource.RLIMIT_AS, (most, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@contextlib.contextmanager
def _little_time(seconds: float) -> Iterator[None]:
    """`TimeoutError` after so long; in the main thread, where alone Python can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> NoReturn:
        raise TimeoutError(f"no end after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
