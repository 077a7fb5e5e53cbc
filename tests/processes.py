"""Processes that tests start: each in a group of its own, open to interrupts, and ended with its test."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

MARK = "PROXYLIB_TEST_RUN"  # names the test run in the environment of all that it starts
#: what Python and torch keep for a process of theirs, and end with it
KEPT = (b"resource_tracker", b"compile_worker")


@contextlib.contextmanager
def started(command, **options):
    """A running command; its whole group is killed at the end of the block, however the block ends.

    A background job, or one under nohup, ignores interrupts, and so would all that it starts: here they are let through.
    """
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)  # a handler of ours is the default in a child
    try:
        process = subprocess.Popen(command, start_new_session=True, **options)
    finally:
        signal.signal(signal.SIGINT, ours)
    with process:  # closes its pipes and waits for it
        try:
            yield process
        finally:
            kill_group(process)


def kill_group(process):
    """Kill a started process and all of its group."""
    with contextlib.suppress(ProcessLookupError):  # all of it has ended
        os.killpg(process.pid, signal.SIGKILL)


def survivors(mark, name=MARK):
    """Ids of running processes whose environment has this mark; none where there is no /proc."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            marked = f"{name}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0")
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
            kept = any(word in (folder / "cmdline").read_bytes() for word in KEPT)
            if marked and state != "Z" and not kept and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


def left_over(mark, patience=10.0):
    """Command lines of what lives on after so many seconds of grace; it is killed."""
    deadline = time.monotonic() + patience
    while (found := survivors(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    lines = []
    for pid in found:
        with contextlib.suppress(OSError):
            lines.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200])
            os.kill(pid, signal.SIGKILL)
    return lines
