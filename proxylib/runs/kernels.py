"""Kernels that speak over files instead of ports, and that die with the process that started them."""

from __future__ import annotations

import ctypes
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from traitlets import default

SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>


def die_with_parent() -> None:
    """Ask Linux to kill this process when the one that started it ends, however that happens.

    A kernel leads a session of its own, so killing its starter's process group does not reach it; without this it would
    go on writing into a run that nobody waits for. Elsewhere ipykernel's own watch over its parent has to do (a second).
    """
    if sys.platform == "linux":
        _LIBC.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


class IPCKernelManager(AsyncKernelManager):
    """Kernels over IPC: no port can be taken twice when several start at once, and nothing listens on the network."""

    @default("transport")
    def _ipc(self) -> str:
        return "ipc"

    @default("connection_file")
    def _short_path(self) -> str:
        # socket paths may have 107 bytes, and a user's runtime folder can be long
        return str(Path(tempfile.mkdtemp(prefix="proxylib-")) / "kernel.json")

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        await super()._async_launch_kernel(kernel_cmd, preexec_fn=die_with_parent, **kw)

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart)
        if not restart:
            folder = Path(self.connection_file).parent
            for file in folder.glob("*"):
                file.unlink(missing_ok=True)
            if folder.name.startswith("proxylib-"):
                folder.rmdir()
