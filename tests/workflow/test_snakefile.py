"""The Snakefile runs the steps that proxylib declares, and none that the store already has."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proxylib import studies
from proxylib.runs.store import MANIFEST

pytest.importorskip("snakemake", reason="the extra `flow` is not installed")
ROOT = Path(__file__).resolve().parents[2]


def snakemake(runs, *arguments):
    command = [sys.executable, "-m", "snakemake", "-s", "workflow/Snakefile", "--config", "profile=smoke", "--cores", "2"]
    # its own state stays out of the checkout, and two of them never share a lock
    command += ["--directory", str(runs), "--nocolor", *arguments]
    command[command.index("-s") + 1] = str(ROOT / "workflow" / "Snakefile")
    return subprocess.run(command, env=os.environ | {"PROXYLIB_RUNS": str(runs)}, capture_output=True, text=True, timeout=300)


def jobs(output):
    """Rule names in a dry run's table of jobs."""
    return set(re.findall(r"^(\w+)\s+1$", output, re.M)) - {"all", "total"}


@pytest.mark.slow
def test_snakemake_runs_the_declared_steps_and_the_store_decides_what_is_done(tmp_path, monkeypatch):
    monkeypatch.setenv("PROXYLIB_RUNS", str(tmp_path))
    declared = {re.sub(r"\W", "_", step.name) for step in studies.steps("smoke") if not step.store.find(step.key)}
    dry = snakemake(tmp_path, "-n")
    assert dry.returncode == 0, dry.stderr
    assert jobs(dry.stdout + dry.stderr) == declared
    done = snakemake(tmp_path, "material")
    assert done.returncode == 0, done.stderr
    step = studies.declare("material", "smoke")
    assert (step.store.folder(step.key) / MANIFEST).exists()
    again = snakemake(tmp_path, "-n")
    assert jobs(again.stdout + again.stderr) == declared - {"material"}
