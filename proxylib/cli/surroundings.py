"""What a machine refuses, in a line: space, rights, memory, open files, threads, depth."""

from __future__ import annotations

import errno
import re
import resource
import sys
import traceback
from collections.abc import Iterator

from proxylib.errors import UserError
from proxylib.text import without_keys

FULL, SHUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), (errno.EACCES, errno.EPERM, errno.EROFS)
#: what errors say, of Python and of libraries with errors of their own -> what it means and the mend
WORDS = {
    r"no space left|os error 28|quota exceeded|file too large|os error 27|failed writing|not enough space": "no space left "
    "to write; free some, or give another folder: what is finished stays",
    r"allocate memory|enough memory|out of memory|bad_alloc|malloc of size|failed to map segment": "not enough memory; give "
    "fewer --batch-tokens where the command has them, a smaller model, or a larger machine",
    r"too many open files": "too many open files; raise the limit (ulimit -n)",
    r"start new thread|resource temporarily unavailable|thread creation failed": "no more threads or processes are allowed; "
    "raise the limit (ulimit -u), or give fewer --threads",
    r"maximum recursion depth": "something in it is nested too deeply",
}
LEAST_MEMORY = 3 << 29  # bytes of addresses: with fewer, torch aborts or hangs while it is loaded, and no error is raised
LEAST_FOR_CLIENT = 1 << 29  # likewise: with fewer, Inspect is loaded by halves


def refuse_little_memory(least: int = LEAST_MEMORY, work: str = "what runs a model") -> None:
    """Before torch, or another library, is loaded: `UserError` where a limit of the shell (ulimit -v) leaves it no room."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < least:
        raise UserError(
            f"not enough memory: {limit >> 20} MiB are allowed (ulimit -v), and {work} takes "
            f"{least >> 20} MiB beside it; raise the limit"
        )


def line(error: BaseException) -> str | None:
    """What the machine refused, and the mend; None where the error says nothing of the kind."""
    for cause in _chain(error):
        place = f"{cause.filename}: " if isinstance(cause, OSError) and cause.filename is not None else ""
        number = cause.errno if isinstance(cause, OSError) else None
        said = "out of memory" if isinstance(cause, MemoryError) else "no space left" if number in FULL else str(cause)
        if meant := next((mend for words, mend in WORDS.items() if re.search(words, said, re.IGNORECASE)), None):
            return f"{place}{meant}"
        if number in SHUT:
            return f"{place}{cause.strerror.lower()}; give a folder that can be written, or files that can be read"
        if place and number is not None:
            return f"{place}{cause.strerror.lower()}"
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it was raised from or while handling."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def show(kind: type[BaseException], error: BaseException, trace: object) -> None:
    """A failure of ours on stderr, without keys: in place of `sys.excepthook`."""
    sys.stderr.write(without_keys("".join(traceback.format_exception(kind, error, trace))))
