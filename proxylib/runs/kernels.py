"""Kernels that speak over files instead of ports, die with the process that started them, and need not import again.

A kernel spends five to six seconds on importing torch and its kin before it computes anything. Where a grid walks many
steps, the walker imports once and each step's process is a fork of it; `WaitingKernel` forks once more, before any event
loop runs, into a process that becomes the step's kernel.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import filelock
from jupyter_client.manager import AsyncKernelManager
from traitlets import default

JUST_MADE = 10.0  # seconds in which a folder may not have been locked yet
PREFIX, HELD = "proxylib-kernel-", "held"  # of a kernel's folder of sockets, and the lock in it
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>


def die_with_parent() -> None:
    """Ask Linux to kill this process when the one that started it ends, however that happens.

    A kernel leads a session of its own, so killing its starter's process group does not reach it; without this it would
    go on writing into a run that nobody waits for. Elsewhere ipykernel's own watch over its parent has to do (a second).
    """
    if sys.platform == "linux":
        _LIBC.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


class WaitingKernel:
    """A fork of this process that waits to be told which kernel it is; later it answers as `subprocess.Popen` does.

    To be made while the process has a single thread and no running event loop. One that is never started ends with the
    process that made it.
    """

    stdin = stdout = stderr = None  # what jupyter_client closes when a kernel has ended

    def __init__(self):
        reader, self._writer = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if not self.pid:
            os.close(self._writer)
            _become_kernel(reader)
        os.close(reader)

    def start(self, command: Sequence[str], cwd: str, env: dict[str, str]) -> None:
        """Let it become the kernel of a command line, which holds the option `-f` and the connection file."""
        with os.fdopen(self._writer, "w") as pipe:
            json.dump({"command": list(command), "cwd": cwd, "env": env}, pipe)

    def poll(self) -> int | None:
        """Exit code, or None while it runs."""
        if self.returncode is None:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> int:
        """Exit code, once it has ended."""
        while self.poll() is None:
            time.sleep(0.02)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def _become_kernel(reader: int) -> NoReturn:
    """In the fork: wait for the command line, then be that kernel until it is shut down."""
    code = 1
    try:
        die_with_parent()
        os.setsid()  # as a kernel that is started on its own: its process group is its own
        with os.fdopen(reader) as pipe:
            text = pipe.read()
        if text:
            request = json.loads(text)
            os.environ.update(request["env"])
            os.chdir(request["cwd"])
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            from ipykernel.kernelapp import IPKernelApp

            app = IPKernelApp.instance(parent_handle=os.getppid())  # watches over it, and prints no advice for terminals
            app.initialize(["-f", request["command"][request["command"].index("-f") + 1]])
            app.start()
        code = 0
    finally:
        os._exit(code)  # what its ancestors registered for their own end is not for it


def _sweep() -> None:
    """Remove the folders of kernels whose processes were killed: their locks are free."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, filelock.Timeout):  # in use, or of another user
            if time.time() - (folder / HELD).stat().st_mtime > JUST_MADE:
                with filelock.FileLock(folder / HELD, timeout=0):
                    shutil.rmtree(folder)


class IPCKernelManager(AsyncKernelManager):
    """Kernels over IPC: no port can be taken twice when several start at once, and nothing listens on the network.

    `waiting` holds a fork that becomes the next kernel.
    """

    waiting: WaitingKernel | None = None

    @default("transport")
    def _ipc(self) -> str:
        return "ipc"

    @default("connection_file")
    def _short_path(self) -> str:
        # socket paths may have 107 bytes, and a user's runtime folder can be long
        _sweep()
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.held = filelock.FileLock(folder / HELD)  # falls with this process, however it ends
        self.held.acquire(timeout=0)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)  # where nobody shuts the kernel down
        return str(folder / "kernel.json")

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        if self.waiting is None:
            await super()._async_launch_kernel(kernel_cmd, preexec_fn=die_with_parent, **kw)
            return
        process, type(self).waiting = self.waiting, None  # a restart would be a kernel of its own
        process.start(kernel_cmd, str(kw.get("cwd") or Path.cwd()), kw.get("env") or {})
        self.provisioner.process, self.provisioner.pid, self.provisioner.pgid = process, process.pid, process.pid
        self._reconcile_connection_info(self.provisioner.connection_info)

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart)
        if not restart:
            folder = Path(self.connection_file).parent
            if folder.name.startswith(PREFIX):
                self.held.release()
                shutil.rmtree(folder, ignore_errors=True)
