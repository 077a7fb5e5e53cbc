"""The Snakefile runs the steps that proxylib declares, and none that the store already has."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from proxylib import studies
from proxylib.runs.store import MANIFEST

pytest.importorskip("snakemake", reason="the extra `flow` is not installed")
ROOT = Path(__file__).resolve().parents[2]


def snakemake(runs, *arguments, profile="smoke", **settings):
    settings = [f"{name}={value}" for name, value in {"profile": profile, **settings}.items()]
    command = [sys.executable, "-m", "snakemake", "-s", "workflow/Snakefile", "--config", *settings, "--cores", "8"]
    # its own state stays out of the checkout, and two of them never share a lock
    command += ["--directory", str(runs), "--nocolor", *arguments]
    command[command.index("-s") + 1] = str(ROOT / "workflow" / "Snakefile")
    return subprocess.run(command, env=os.environ | {"PROXYLIB_RUNS": str(runs)}, capture_output=True, text=True, timeout=300)


def jobs(output):
    """Rule names in a dry run's table of jobs."""
    return set(re.findall(r"^(\w+)\s+1$", output, re.M)) - {"all", "total"}


def test_cells_of_the_hub_ask_for_cores_memory_gpus_and_time_and_the_python_that_is_named(tmp_path):
    """Nothing is downloaded to say what is to be done."""
    dry = snakemake(tmp_path, "-n", "-p", profile="hub", python="apptainer exec --nv 'an image.sif' python")
    assert dry.returncode == 0, dry.stderr
    text = dry.stdout + dry.stderr
    assert jobs(text) == {re.sub(r"\W", "_", step.name) for step in studies.steps("hub")}
    needs = {step.name: step.resources for step in studies.steps("hub")}
    (large,) = re.findall(r"(?:^|\n)(?:local)?rule hub_cell_Qwen3_32B_4673:(.*?)\n\n", text, re.S)
    own = needs["hub_cell/Qwen3-32B-4673"]
    assert f"threads: {own.cores}" in large and "gpu=1" in large and f"mem_mb={round(1024 * own.memory)}" in large
    assert int(re.search(r"runtime=(\d+)", large)[1]) >= own.minutes > 20 * needs["hub_cell/Qwen3-1.7B-1293"].minutes
    assert "apptainer exec --nv 'an image.sif' python -m proxylib run " in text and sys.executable not in text
    assert own.memory > 64 and needs["hub_losses"].gpus == 0


def test_the_slurm_profile_is_what_snakemake_reads():
    settings = yaml.safe_load((ROOT / "workflow" / "slurm" / "config.yaml").read_text())
    assert settings["executor"] == "slurm"
    known = subprocess.run([sys.executable, "-m", "snakemake", "--help"], capture_output=True, text=True).stdout
    assert all(f"--{name}" in known for name in settings)


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
