"""Steps handed to a real SLURM: what each asks for arrives, a node and Snakemake are killed, and the bytes are a local run's.

Needs a running SLURM on this host: as root, `tests/workflow/one_node_slurm.sh start`, and `stop` afterwards.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from processes import MARK, started

from proxylib import studies
from proxylib.data.domains import scribe
from proxylib.runs import config
from proxylib.runs.store import MANIFEST
from proxylib.settings import overlay

pytest.importorskip("snakemake_executor_plugin_slurm", reason="the extra `flow` is not installed")
NODE = Path(__file__).with_name("one_node_slurm.sh")
PID = Path("/var/tmp/one-node-slurm/slurmd.pid")
#: what a cell leaves; beside it lie the time that a step took, and modules that peft names in any order
RESULTS = (".parquet", ".safetensors", ".jsonl")
WAIT = 1200  # seconds, also for a busy machine
#: what the profile of a real cluster is changed to for one without a database, and to be quick
HERE = ("--slurm-status-command", "squeue", "--slurm-no-account", "--default-resources", "slurm_partition=one-node")
HERE += ("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "2", "--latency-wait", "10")


def node(command):
    """Daemons outlive the tests, so they do not carry the mark of what must not."""
    unmarked = {name: value for name, value in os.environ.items() if name != MARK}
    done = subprocess.run([NODE, command], env=unmarked, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stderr.strip()


def _missing():
    if not shutil.which("slurmctld"):
        return f"slurmctld is not installed; as root: {NODE.relative_to(config.ROOT)} start"
    return node("status")[1] or ("" if os.geteuid() == 0 else "only root can kill a node")


MISSING = _missing()
pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.skipif(bool(MISSING), reason=MISSING)]


def asked(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def grid(tmp_path):
    """`grid(name, profile, target)`: a grid in a folder; nothing of it stays in the queue, and the node is as it was."""
    grids = []

    def placed(name, *arguments, **options):
        grids.append(Grid(tmp_path / name, *arguments, **options))
        return grids[-1]

    yield placed
    node("start")
    for one in grids:
        one.cancel()


class Grid:
    """Steps of a profile under a folder, by SLURM or here."""

    def __init__(self, folder, profile, *targets, configs=config.ROOT / "configs"):
        self.profile, self.folder, self.targets = profile, folder, targets
        self.env = os.environ | {"PROXYLIB_RUNS": str(folder), "PROXYLIB_CONFIGS": str(configs)}
        folder.mkdir()

    def jobs(self):
        """rule -> what `scontrol` says of its job that is not over; others of the cluster are none of ours."""
        ids = asked("squeue", "--noheader", "--format=%A").split()
        shown = [dict(re.findall(r"(\S+?)=(\S+)", asked("scontrol", "--oneliner", "show", "job", job))) for job in ids]
        return {job["Comment"].removeprefix("rule_"): job for job in shown if job["WorkDir"] == str(self.folder)}

    def cancel(self):
        """Take its jobs out of the queue, and wait until they are."""
        for job in self.jobs().values():
            subprocess.run(["scancel", job["JobId"]])
        self.until(lambda: not self.jobs())

    def until(self, happened, process=None):
        """Once that is so, while the process runs."""
        deadline = time.monotonic() + WAIT
        while not happened():
            assert process is None or process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, f"not within {WAIT} s; jobs: {self.jobs()}"
            time.sleep(0.2)

    def command(self, *arguments):
        command = [sys.executable, "-m", "snakemake", "-s", str(config.ROOT / "workflow" / "Snakefile"), *self.targets]
        return [*command, "--config", f"profile={self.profile}", "--directory", str(self.folder), "--nocolor", *arguments]

    def submitted(self, *arguments):
        """A running Snakemake that submits."""
        there = self.command("--workflow-profile", str(config.ROOT / "workflow" / "slurm"), *HERE, *arguments)
        return started(there, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish(self, *arguments):
        with self.submitted(*arguments) as process:
            out, _ = process.communicate(timeout=WAIT)
        assert process.returncode == 0, out
        return out

    def here(self, *arguments):
        done = subprocess.run(
            self.command("--cores", "2", *arguments), env=self.env, capture_output=True, text=True, timeout=WAIT
        )
        assert done.returncode == 0, done.stderr

    def folder_of(self, stage):
        return self.folder / self.profile / stage

    def bytes(self):
        """Digest of every file that a manifest seals, by stage, run and name."""
        manifests = sorted(self.folder.rglob(MANIFEST))
        files = [path.parent / name for path in manifests for name in json.loads(path.read_text())["files"]]
        return {str(file.relative_to(self.folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def stranger(folder, name):
    """A process of that name which is none of the cluster's."""
    program = folder / name
    shutil.copy(shutil.which("sleep"), program)
    return started([str(program), "600"], cwd=folder)


def test_a_killed_node_takes_no_step_of_another_cluster_with_it(grid, tmp_path):
    with stranger(tmp_path, "slurmstepd") as step:
        assert node("kill") == (0, "")
        assert step.poll() is None


def test_a_later_process_with_the_id_of_a_daemon_is_not_taken_for_it(grid, tmp_path):
    assert node("kill") == (0, "")
    with stranger(tmp_path, "another") as later:
        PID.write_text(f"{later.pid}\n")
        assert "no node is running" in node("kill")[1]
        assert node("start") == (0, "") and PID.read_text() != f"{later.pid}\n"
        assert later.poll() is None


def test_a_killed_node_and_a_killed_snakemake_leave_the_bytes_of_a_local_run(grid):
    target = "train_qwen3_bpe_64_seed1"
    there, local = grid("slurm", "smoke", target), grid("local", "smoke", target)
    with there.submitted() as process:
        there.until(lambda: any(there.folder_of("train").glob("*/request.json")), process)
        assert node("kill") == (0, "")
        process.send_signal(signal.SIGKILL)
    lost = set(there.bytes())
    assert lost and all(name.startswith("smoke/material") for name in lost), "the node was killed too late"
    # SLURM puts the jobs of a lost node back into its queue: they are cancelled, for the next Snakemake submits anew
    assert node("start") == (0, "")
    assert list(there.jobs()) == [target]
    there.cancel()
    there.here("--unlock")
    out = there.finish()
    assert f"rule {target}" in out and "rule material" not in out  # what was finished is no job
    local.here()
    assert there.bytes() == local.bytes() and lost < set(local.bytes())


@pytest.fixture
def hub(tmp_path):
    """`hub(device)`: configs whose hub is a base of one block, on the lab's scribe."""
    return lambda device: _hub(tmp_path, device)


def _hub(tmp_path, device):
    from studies.loss.test_hub_cell import SMALL, stand_in  # here, for it imports torch

    stand_in(tmp_path / "base", "byte", [], 300)
    for name, count, unseen in (("train", 10, False), ("test", 4, True)):
        rows = [{"prompt": e.prompt, "solution": e.note, "id": e.id} for e in scribe.examples(count, 1, unseen)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    named = {"prompt": "prompt", "solution": "solution"}
    sources = {
        "data": {"source": str(tmp_path / "train.jsonl"), "fields": named},
        "held_out": {"source": str(tmp_path / "test.jsonl")},
    }
    changes = SMALL | sources | {"bases": [str(tmp_path / "base")], "examples": [6, 10], "device": device, "threads": 2}
    folder = tmp_path / "configs"
    shutil.copytree(config.ROOT / "configs", folder)
    (folder / "hub.yaml").write_text(
        yaml.safe_dump(overlay(yaml.safe_load((folder / "hub.yaml").read_text()), {"hub": changes}))
    )
    return folder


def test_what_a_cell_asks_for_is_what_slurm_gives_it(grid, hub, monkeypatch):
    """Cells for a GPU are held in the queue, where `scontrol` tells cores, memory, GPUs and minutes of each."""
    configs = hub("cuda")
    there = grid("slurm", "hub", configs=configs)
    monkeypatch.setenv("PROXYLIB_CONFIGS", str(configs))
    needs = {re.sub(r"\W", "_", s.name): s.resources for s in studies.steps("hub") if s.key.stage == "hub_cell"}
    with there.submitted("--set-resources", *(f"{rule}:slurm_extra='--hold'" for rule in needs)) as process:
        there.until(lambda: len(there.jobs()) == len(needs), process)
        waiting = there.jobs()
        process.send_signal(signal.SIGINT)  # Snakemake takes its jobs back
        process.communicate(timeout=WAIT)
    assert not there.jobs()
    assert set(waiting) == set(needs) and all(need.gpus == 1 for need in needs.values())
    for rule, job in waiting.items():
        hours, minutes, _ = map(int, job["TimeLimit"].split(":"))
        assert 60 * hours + minutes == max(30, round(10 * needs[rule].minutes)) and job["NumCPUs"] == job["CPUs/Task"] == "2"
        size, unit = float(job["MinMemoryNode"][:-1]), job["MinMemoryNode"][-1]
        assert size * {"M": 1, "G": 1024}[unit] == round(1024 * needs[rule].memory) and job["TresPerJob"] == "gres:gpu:1"


def test_a_cell_whose_job_is_cancelled_is_submitted_again_and_has_the_losses_of_a_local_run(grid, hub):
    configs = hub("cpu")
    there, local = grid("slurm", "hub", configs=configs), grid("local", "hub", configs=configs)
    with there.submitted() as process:
        there.until(lambda: any(there.folder_of("hub_cell").glob("*/request.json")), process)
        running = {rule: job for rule, job in there.jobs().items() if rule.startswith("hub_cell")}
        cancelled = next(iter(running.values()))["JobId"]
        subprocess.run(["scancel", cancelled], check=True)
        out, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 0, out
    assert "Trying to restart job" in out and cancelled in out
    local.here()
    cells = {name: digest for name, digest in there.bytes().items() if name.endswith(RESULTS) and "/hub_cell/" in name}
    assert len(cells) > 2 and cells.items() <= local.bytes().items()
