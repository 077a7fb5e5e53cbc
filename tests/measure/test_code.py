"""Generated code: what is right passes, what is wrong fails, and what would do harm is stopped and has failed."""

import os
import sys
import time
from pathlib import Path

import pytest

from proxylib.errors import UserError
from proxylib.measure import code

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's filter is Linux's")
QUICK = code.Limits(seconds=1)


def stopped(program, clock=30.0):
    verdict = code.run(program, QUICK.model_copy(update={"clock": clock}))
    assert not verdict.passed
    return verdict.why


def test_a_right_program_passes_with_what_solutions_use():
    program = """
        import math, re, heapq, hashlib, collections, random
        from datetime import datetime
        from typing import List

        def solve(n: int) -> List[int]:
            print("on the way")
            return [math.factorial(k) for k in range(n)]

        assert solve(4) == [1, 1, 2, 6]
        assert datetime.strptime("2020-01-02", "%Y-%m-%d").day == 2
    """
    assert code.run("\n".join(line[8:] for line in program.splitlines()), QUICK) == code.Verdict(True, "")


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("assert 1 == 2", "AssertionError"),
        ("def f(:", "SyntaxError"),
        ("import sys\nsys.exit(0)\nassert False", "ended early"),
        ("import os\nos._exit(0)\nassert False", "ended early"),
        ("def f(n): return f(n + 1)\nf(0)", "RecursionError"),
        ("'\ud800'", "SyntaxError"),
    ],
)
def test_a_wrong_program_fails_and_says_why(program, why):
    assert why in stopped(program)


def test_an_endless_loop_is_stopped():
    assert stopped("while True: pass") == "too long"  # by its processor time
    began = time.monotonic()
    assert stopped("import time\ntime.sleep(60)", clock=1.0) == "too long"
    assert stopped("import os, time\nos.close(1)\nos.close(2)\ntime.sleep(60)", clock=1.0) == "too long"
    assert time.monotonic() - began < 30


def test_a_fork_bomb_begins_no_process():
    # the first fork is refused; few are tried, should that ever fail
    assert "PermissionError" in stopped("import os\nfor _ in range(4): os.fork()")
    assert "ModuleNotFoundError" in stopped("import subprocess\nsubprocess.run(['true'])")
    assert "can't start new thread" in stopped("import _thread\nfor _ in range(4): _thread.start_new_thread(print, ())")


def test_a_memory_hog_is_stopped():
    assert stopped("rows = []\nwhile True: rows.append(b'a' * 10**8)") == "MemoryError"


def test_no_file_is_written_or_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t")
    assert "PermissionError" in stopped(f"open({str(tmp_path / 'new')!r}, 'w').write('x')")
    assert "PermissionError" in stopped(f"import os\nos.remove({str(secret)!r})")
    assert "PermissionError" in stopped("open('here', 'w')")  # its own folder neither
    why = stopped(f"print(open({str(secret)!r}).read())")
    assert "PermissionError" in why and "s3cr3t" not in why
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_no_secret_of_the_environment_is_seen(monkeypatch):
    monkeypatch.setenv("MINE_API_KEY", "s3cr3t")
    look = "import os\nassert 'MINE_API_KEY' not in os.environ and 's3cr3t' not in str(os.environ)"
    assert code.run(look, QUICK).passed
    for place in ("self", os.getpid()):  # nor by way of the kernel's files
        assert "PermissionError" in stopped(f"print(open('/proc/{place}/environ').read())")


def test_there_is_no_network_and_no_way_round_python():
    assert "ModuleNotFoundError" in stopped("import socket")
    assert "AssertionError" in stopped("import ctypes\nassert ctypes.CDLL(None).socket(2, 1, 0) >= 0")
    assert "AssertionError" in stopped("import ctypes\nassert ctypes.CDLL(None).system(b'true') == 0")
    assert "AssertionError" in stopped(f"import ctypes\nassert ctypes.CDLL(None).kill({os.getpid()}, 0) == 0")


def test_a_flood_of_output_is_stopped():
    assert stopped("while True: print('x' * 1000)") == "too much output"


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_is_left_behind(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = open_files()
    code.run("assert True", QUICK)
    stopped("while True: print('x' * 1000)")
    assert not list(tmp_path.iterdir()) and open_files() == before


def test_where_nothing_can_be_shut_in_nothing_runs(monkeypatch, tmp_path):
    jail = tmp_path / "jail.py"
    text = code.JAIL.read_text().replace("platform.machine()", "'vax'")
    jail.write_text(text)
    monkeypatch.setattr(code, "JAIL", jail)
    with pytest.raises(UserError, match="cannot be shut in"):
        code.run("raise SystemExit", QUICK)
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UserError, match="only on Linux"):
        code.run("assert True", QUICK)
