"""Whether code that a model wrote passes the tests of its problem: run apart, with little time, memory and no way out."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydantic import Field

from proxylib.errors import UserError
from proxylib.settings import Frozen

JAIL = Path(__file__).with_name("code_jail.py")
PART = 1 << 14  # bytes read at a time


class Limits(Frozen):
    """What one program may take."""

    seconds: int = Field(default=5, ge=1, description="processor seconds")
    clock: float = Field(default=30.0, gt=0, description="seconds by the clock: longer, as machines are shared")
    memory: int = Field(default=1 << 29, ge=1 << 27, description="bytes, the interpreter included")
    output: int = Field(default=1 << 16, ge=1, description="bytes that are written before it is stopped")


class Verdict(NamedTuple):
    """Whether a program got to its end without an error, and in a word what stopped it otherwise."""

    passed: bool
    why: str


def run(program: str, limits: Limits = Limits()) -> Verdict:  # noqa: B008  (frozen)
    """Run a program with its tests; it passes if nothing raises, nothing ends it and no limit is met.

    Parameters
    ----------
    program : Python source, tests included
    limits : see `Limits`

    Raises
    ------
    UserError
        Where the system cannot shut a process in: nothing is run then.

    Notes
    -----
    The machine is safe from the program, the score is not: a program that means to cheat sits in the same process as its tests
    and can change what they see. One that ends early (`exit()`) has failed. What needs a package, a file, a thread or another
    process fails here even if it is right.
    """
    if sys.platform != "linux":
        raise UserError("generated code runs only on Linux, where the kernel can shut it in (seccomp); use a container")
    word = secrets.token_hex(16).encode()
    with tempfile.TemporaryDirectory(prefix="proxylib-") as folder, _begun(folder, limits) as (process, verdict):
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(word + b"\n" + program.encode("utf-8", "surrogatepass"))
        shut_in = verdict.readline() == b"begun\n"  # ends where the process does
        stopped, written = _watch(process, limits)
        _end(process)
        if not shut_in:
            raise UserError(f"generated code cannot be shut in on this machine ({_last(written)}); nothing of it was run")
        if not stopped and verdict.read() == word:
            return Verdict(True, "")
        return Verdict(False, stopped or _reason(process.returncode, written))


@contextlib.contextmanager
def _begun(folder: str, limits: Limits) -> Iterator[tuple[subprocess.Popen, BinaryIO]]:
    """The process, and what it says by a pipe of its own; it is over when the block is."""
    read, write = os.pipe()
    command = [sys.executable, "-I", "-S", "-B", str(JAIL), str(limits.seconds), str(limits.memory), str(write)]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with os.fdopen(read, "rb") as verdict:
        try:
            process = subprocess.Popen(command, **streams, pass_fds=(write,), cwd=folder, env={}, start_new_session=True)
        finally:
            os.close(write)
        with process.stdout:
            try:
                yield process, verdict
            finally:
                _end(process)


def _end(process: subprocess.Popen) -> None:
    """It and all that it began."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _watch(process: subprocess.Popen, limits: Limits) -> tuple[str, bytes]:
    """Read what it writes until it ends; what stopped it, if we did, and what it wrote."""
    until, written = time.monotonic() + limits.clock, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            if not selector.select(left):
                continue
            part = os.read(process.stdout.fileno(), PART)
            if not part:
                with contextlib.suppress(subprocess.TimeoutExpired):  # closed its output and goes on
                    process.wait(max(0.0, until - time.monotonic()))
                    return "", written
                break
            written += part
            if len(written) > limits.output:
                return "too much output", written[: limits.output]
    return "too long", written


def _reason(code: int, written: bytes) -> str:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "too long"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return _last(written) if code else "ended early"


def _last(written: bytes) -> str:
    """The last line that says something: of an error its name and words."""
    lines = [line for line in written.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no word"
