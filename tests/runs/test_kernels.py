"""Kernels that need not import again: a fork becomes the kernel, and ends with its starter."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import filelock
import pytest
from processes import started

from proxylib.runs import closure

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone")

NOTEBOOK = """
import os, sys
from nbclient import NotebookClient
import nbformat
sys.loaded_before = "yes"
from proxylib.runs.kernels import IPCKernelManager, WaitingKernel
IPCKernelManager.waiting = WaitingKernel()
cells = [nbformat.v4.new_code_cell(text) for text in (
    "import os, sys; print(sys.loaded_before, os.getppid(), os.getcwd())",
    "import time; time.sleep(SLEEP)",
)]
notebook = nbformat.v4.new_notebook(cells=cells)
NotebookClient(notebook, km=IPCKernelManager(), cwd=CWD).execute()
print(cells[0].outputs[0]["text"].split()[0], cells[0].outputs[0]["text"].split()[1] == str(os.getpid()))
print(IPCKernelManager.waiting)
"""


def script(tmp_path, sleep):
    return NOTEBOOK.replace("SLEEP", str(sleep)).replace("CWD", repr(str(tmp_path)))


def test_a_kernel_that_is_forked_has_what_its_starter_imported_and_is_used_once(tmp_path):
    done = subprocess.run([sys.executable, "-c", script(tmp_path, 0)], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["yes", "True", "None"], done.stderr


def test_what_a_killed_kernel_left_is_removed_by_the_next(tmp_path):
    with tempfile.TemporaryDirectory(prefix="k") as place:  # a short path, for sockets
        environment = os.environ | {"TMPDIR": place}
        code = "import os; os.kill(os.getppid(), 9)"  # as the machine would
        killed = script(tmp_path, 0).replace("import time; time.sleep(0)", code)
        run = lambda text: subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, timeout=60)
        assert run(killed).returncode < 0
        (folder,) = Path(place).glob("proxylib-kernel-*")
        os.utime(folder / "held", (0, 0))
        (Path(place) / "proxylib-kernel-theirs").mkdir()
        with filelock.FileLock(Path(place) / "proxylib-kernel-theirs" / "held") as lock:
            os.utime(lock.lock_file, (0, 0))
            assert run(script(tmp_path, 0)).returncode == 0
        assert [path.name for path in Path(place).glob("proxylib-*")] == ["proxylib-kernel-theirs"]


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_forked_kernel_dies_with_its_starter(tmp_path):
    command = [sys.executable, "-c", script(tmp_path, 60)]
    with started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as starter:
        deadline = time.monotonic() + 30
        while not children(starter.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        (kernel,) = children(starter.pid)
        starter.send_signal(signal.SIGKILL)
    while Path(f"/proc/{kernel}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{kernel}").exists()


def test_a_kernel_that_is_never_started_ends_when_its_starter_lets_go():
    code = (
        "from proxylib.runs.kernels import WaitingKernel; import os; k = WaitingKernel(); os.close(k._writer); print(k.wait())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout == "0\n", done.stderr


def test_what_steps_need_is_imported_ahead_even_from_within_functions(tmp_path, monkeypatch):
    root = tmp_path / "proxylib"
    root.mkdir()
    (root / "made.py").write_text(
        '"""M."""\n\n\ndef build():\n    from wave import Wave_read\n    import chunk_that_is_missing\n'
    )
    monkeypatch.setattr(closure, "PACKAGE", root)
    closure.forget()
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    closure.preload(["proxylib.made:build"])
    closure.forget()
    assert "wave" in sys.modules
