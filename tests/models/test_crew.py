"""Processes of one launch: what each makes of a job comes back in order, and a refusal ends the job in all of them."""

import datetime
import os
import socket
import subprocess
import sys
import textwrap

import pytest

from proxylib.errors import UserError
from proxylib.models import crew

SCRIPT = """
    import sys
    from proxylib.errors import UserError
    from proxylib.models import crew

    def work(job):
        if job == crew.number():
            raise UserError(f"{job} cannot")
        return crew.number(), job

    with crew.gathered(work) as leads:
        if leads:
            for job in (7, 1, 0, 8):
                try:
                    print(crew.share(job, work), crew.size(), flush=True)
                except UserError as error:
                    print(error, flush=True)
            if "bug" in sys.argv:
                raise KeyError("ours")
    print("left", crew.size(), flush=True)
"""


def launch(tmp_path, *words):
    """Three processes as a launcher starts them; what each said, and its exit code."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "3"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    start = lambda rank: subprocess.Popen([sys.executable, script, *words], env=given | {"RANK": str(rank)}, **pipes)
    running = [start(rank) for rank in range(3)]
    return [(process.communicate(timeout=60)[0].splitlines(), process.returncode) for process in running]


@pytest.mark.slow
def test_jobs_are_shared_in_order_and_a_refusal_of_any_process_is_the_leaders(tmp_path):
    whole = lambda job: f"{[(rank, job) for rank in range(3)]} 3"
    leader, *helpers = launch(tmp_path)
    assert leader == ([whole(7), "1 cannot", "0 cannot", whole(8), "left 1"], 0)
    assert helpers == [(["left 1"], 0)] * 2


@pytest.mark.slow
def test_helpers_do_not_wait_for_a_leader_that_failed(tmp_path):
    leader, *helpers = launch(tmp_path, "bug")
    assert leader[1] == 1 and [code for _, code in helpers] == [0, 0]


def test_one_process_does_the_job_itself_also_after_others_were_trained_with(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")  # of a launch that this block does not gather
    assert crew.share("job", lambda job: (job, crew.number())) == [("job", 0)] and crew.size() == 1

    def refuses(job):
        raise UserError(job)

    with pytest.raises(UserError, match="job"):
        crew.share("job", refuses)
    monkeypatch.setenv("WORLD_SIZE", "1")
    with crew.gathered(refuses) as leads:
        assert leads


def test_a_stray_number_of_processes_is_named(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    said = "WORLD_SIZE is 2, but the other processes were not met .*; start with torchrun"
    with pytest.raises(UserError, match=said), crew.gathered(print):
        pass
    assert crew.size() == 1


def test_others_that_never_come_are_not_waited_for(monkeypatch):
    monkeypatch.setattr(crew, "MEETING", datetime.timedelta(seconds=1))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {"WORLD_SIZE": 2, "RANK": 0, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(UserError, match="were not met"), crew.gathered(print):
        pass
