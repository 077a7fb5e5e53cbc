"""Runs one program that a model wrote, in a process that can compute and say whether it got to its end, and nothing else.

Started by `code.py` as a script of its own with an empty environment, in an empty folder; it imports nothing of this package.
What a program may want is imported first. Then the kernel is told to refuse every call but those that compute, read and
write what is open already, and end (seccomp): from there on no file can be opened, not even to read, no socket made, no
process begun, no signal sent. Nothing that the program does lifts that again.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import platform
import resource
import struct
import sys

#: modules of the standard library that solutions of programming problems use; what is not here cannot be imported later
MODULES = (
    *("abc", "array", "ast", "base64", "binascii", "bisect", "calendar", "cmath", "collections", "collections.abc", "copy"),
    *("contextlib", "dataclasses", "datetime", "_strptime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib"),
    *("heapq", "inspect", "io", "itertools", "json", "keyword", "locale", "math", "numbers", "operator", "os", "pprint"),
    *("queue", "random", "re", "secrets", "statistics", "string", "struct", "sys", "textwrap", "time", "traceback", "types"),
    *("typing", "unicodedata", "uuid", "warnings", "zlib", "encodings.ascii", "encodings.latin_1", "encodings.utf_8"),
)
#: calls to the kernel that are let through, with their numbers on x86_64 and aarch64: read, write, close, seek; memory; signals
#: of one's own; clocks; one's own numbers; random bytes; the end
CALLS = """
read 0 63              write 1 64             close 3 57             lseek 8 62            fstat 5 80
mmap 9 222             mprotect 10 226        munmap 11 215          mremap 25 216         madvise 28 233
brk 12 214             rt_sigaction 13 134    rt_sigprocmask 14 135  rt_sigreturn 15 139   sigaltstack 131 132
futex 202 98           clock_gettime 228 113  clock_getres 229 114   clock_nanosleep 230 115
nanosleep 35 101       gettimeofday 96 169    time 201 -             sched_yield 24 124    restart_syscall 219 128
getpid 39 172          gettid 186 178         getrusage 98 165       getrandom 318 278     exit 60 93   exit_group 231 94
"""
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # as the kernel writes them
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050001, 0x80000000  # REFUSE: EPERM
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # of the kernel's little language: load a word, jump if equal, return
NUMBER, MACHINE = 0, 4  # where a call's number and the machine stand
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2


def program(machine: str) -> bytes:
    """The filter, as the kernel reads it; `KeyError` for a machine whose calls are not known here."""
    audit, column = MACHINES[machine], 1 + list(MACHINES).index(machine)
    words = CALLS.split()
    calls = [int(number) for number in words[column::3] if number != "-"]
    step = lambda code, yes, no, value: struct.pack("HBBI", code, yes, no, value)
    steps = [step(LOAD, 0, 0, MACHINE), step(EQUAL, 1, 0, audit), step(RETURN, 0, 0, KILL), step(LOAD, 0, 0, NUMBER)]
    for call in calls:
        steps += [step(EQUAL, 0, 1, call), step(RETURN, 0, 0, ALLOW)]
    return b"".join([*steps, step(RETURN, 0, 0, REFUSE)])


def shut() -> None:
    """From here on this process can compute and end.

    Raises
    ------
    OSError
        Where the kernel has no such filter.
    """
    steps = program(platform.machine())
    held = ctypes.create_string_buffer(steps, len(steps))
    prog = struct.pack("HxxxxxxP", len(steps) // 8, ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(SECCOMP, FILTER, ctypes.create_string_buffer(prog), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def limit(seconds: int, memory: int) -> None:
    """Processor seconds, bytes of memory; no file grows and none is left behind by a crash."""
    pairs = {"CPU": seconds, "AS": memory, "FSIZE": 0, "CORE": 0}
    for name, most in pairs.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))


def main() -> None:
    """Arguments: seconds, bytes, pipe for the verdict; on standard input the word for "passed", then the program."""
    seconds, memory, verdict = map(int, sys.argv[1:])
    word, _, source = sys.stdin.buffer.read().partition(b"\n")
    for name in MODULES:
        importlib.import_module(name)
    sys.argv[:] = [""]
    limit(seconds, memory)
    shut()
    os.write(verdict, b"begun\n")
    exec(compile(source, "<answer>", "exec"), {"__name__": "answer"})  # noqa: S102  (this is what it is for)
    os.write(verdict, word)
    os._exit(0)  # what the program left to be done at the end is not done


if __name__ == "__main__":
    main()
