"""Kill -9 of the whole process group, five times in a row at random moments of a grid: nothing is lost, nothing lives on."""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from proxylib import studies
from proxylib.runs import config
from proxylib.runs.store import MANIFEST
from proxylib.settings import overlay

# all on one worker: they share the undisturbed run, and two at a time would take each other's processors
pytestmark = pytest.mark.xdist_group("kill")
KILLS = 5
MEASURE = "measure/llama-byte-16-seed1"
ONLY = ("--only", MEASURE)
STEPS = 3  # material, train, measure


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A profile of one model, small enough to run a dozen times, long enough in training to be hit there."""
    folder = tmp_path_factory.mktemp("kill")
    shutil.copytree(config.ROOT / "configs", folder / "configs")
    model = {"architecture": "llama", "tokenizer": "byte", "width": 16, "depth": 1}
    model |= {"mix": "expert", "post": "rejection", "share": 1.0}
    changes = {
        "population": [model | {"architecture": "gpt2"}],
        "expert": model,  # its measurement needs no other
        "material": {"tasks": ["sorting", "walk"], "items": 6, "prose_items": 2},
        "ranked": ["sorting", "walk"],
        "crucial_steps": {"model": "gpt2-byte-16"},
        "training": {"tokens": 40_000, "context": 128, "batch_tokens": 512},
        "evaluation": {"max_new_tokens": 8},
        "styles": [],
        "pages": ["the_lab"],
    }
    path = folder / "configs" / "smoke.yaml"
    path.write_text(yaml.safe_dump(overlay(yaml.safe_load(path.read_text()), changes)))
    return folder, os.environ | {"PROXYLIB_CONFIGS": str(folder / "configs"), "PROXYLIB_TEST_MARK": str(folder)}


def start(environment, runs):
    command = [sys.executable, "-m", "proxylib", "grid", "--profile", "smoke", "--jobs", "2", *ONLY]
    env = environment | {"PROXYLIB_RUNS": str(runs)}
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def finish(process):
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0, out
    return out


def tables(runs):
    """Hash of every Parquet file of a complete set of runs."""
    assert len(list(runs.rglob(MANIFEST))) == STEPS
    return {
        str(path.relative_to(runs)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(runs.rglob("*.parquet"))
    }


def survivors(mark):
    """Processes that carry the test's mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"PROXYLIB_TEST_MARK={mark}".encode() in (folder / "environ").read_bytes():
                state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
                if state != "Z":
                    found.append(int(folder.name))
    return found


def snapshot(folder):
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(environment):
    folder, env = environment
    began = time.perf_counter()
    finish(start(env, folder / "undisturbed"))
    return tables(folder / "undisturbed"), time.perf_counter() - began


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="process groups are looked up in /proc")
def test_killed_again_and_again_the_last_rerun_ends_with_the_same_bytes_and_no_child_writes_on(environment, undisturbed):
    folder, env = environment
    wanted, seconds = undisturbed
    runs, seed = folder / "killed", int.from_bytes(os.urandom(4), "big")
    rng, moments = random.Random(seed), []
    for _ in range(KILLS):  # each goes on from what the one before left, so that all stages are hit
        moments.append(rng.uniform(0.05, 0.7) * seconds)
        process = start(env, runs)
        time.sleep(moments[-1])
        with contextlib.suppress(ProcessLookupError):  # it was done already
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        where = f"seed {seed}, killed after {moments} of {seconds:.1f} s"
        time.sleep(0.2)  # the operating system's own bookkeeping
        before = snapshot(runs)
        time.sleep(1.5)
        assert snapshot(runs) == before, where
        assert not survivors(folder), where
    finish(start(env, runs))
    assert tables(runs) == wanted, where


@pytest.mark.slow
def test_a_second_run_is_cached_quickly_and_starts_no_kernel(environment, undisturbed):
    folder, env = environment
    began = time.perf_counter()
    out = finish(start(env, folder / "undisturbed"))
    assert time.perf_counter() - began < 10
    assert [line.split()[0] for line in out.splitlines()] == ["cached"] * STEPS


@pytest.mark.slow
def test_a_corrupt_file_is_named_and_only_its_run_is_made_again(environment, undisturbed):
    folder, env = environment
    wanted, _ = undisturbed
    runs = folder / "corrupt"
    shutil.copytree(folder / "undisturbed", runs)
    victim = next((runs / "smoke" / "measure").rglob("tokens_wrong.parquet"))
    victim.write_bytes(victim.read_bytes()[:200])
    out = finish(start(env, runs))
    assert f"{victim} does not match its checksum" in out
    assert [line.split()[1] for line in out.splitlines() if line.startswith("run ")] == [MEASURE]
    assert tables(runs) == wanted


def test_the_killed_grid_is_the_declared_one(environment, monkeypatch):
    """The steps above are the profile's own, so that a renamed step cannot make this file test nothing."""
    folder, env = environment
    monkeypatch.setenv("PROXYLIB_CONFIGS", env["PROXYLIB_CONFIGS"])
    steps = {step.name: step for step in studies.steps("smoke")}
    trained = steps[MEASURE].parents["train"]
    assert trained.settings.model.post == "rejection" and {*steps[MEASURE].parents} == {"train", "material"}
