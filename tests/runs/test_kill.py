"""Kill -9 of the whole process group, again and again at random moments of a grid: nothing is lost, nothing lives on."""

import hashlib
import os
import random
import resource
import shutil
import subprocess
import sys
import time

import pytest
import yaml
from processes import started, survivors

from proxylib import studies
from proxylib.runs import config
from proxylib.runs.store import MANIFEST
from proxylib.settings import overlay

KILLS, MARK = 2, "PROXYLIB_TEST_MARK"
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
        "training": {"tokens": 40_000, "context": 128, "batch_tokens": 512},
        "evaluation": {"max_new_tokens": 8},
        "models": 1,
        "replications": {name: {"models": 1} for name in ("expert", "other", "seeds")},
        "pages": ["the_lab"],
    }
    path = folder / "configs" / "smoke.yaml"
    path.write_text(yaml.safe_dump(overlay(yaml.safe_load(path.read_text()), changes)))
    return folder, os.environ | {"PROXYLIB_CONFIGS": str(folder / "configs"), MARK: str(folder)}


def start(environment, runs):
    command = [sys.executable, "-m", "proxylib", "grid", "--profile", "smoke", "--jobs", "2", *ONLY]
    env = environment | {"PROXYLIB_RUNS": str(runs)}
    return started(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(environment, runs):
    with start(environment, runs) as process:
        out, _ = process.communicate(timeout=240)
    assert process.returncode == 0, out
    return out


def tables(runs):
    """Hash of every Parquet file of a complete set of runs."""
    assert len(list(runs.rglob(MANIFEST))) == STEPS
    return {
        str(path.relative_to(runs)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(runs.rglob("*.parquet"))
    }


def spent():
    """Seconds of processors that ended children took, which do not depend on what else runs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def snapshot(folder):
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(environment):
    folder, env = environment
    began = time.perf_counter()
    finish(env, folder / "undisturbed")
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
        with start(env, runs):  # killed where the block ends
            time.sleep(moments[-1])
        where = f"seed {seed}, killed after {moments} of {seconds:.1f} s"
        time.sleep(0.2)  # the operating system's own bookkeeping
        before = snapshot(runs)
        time.sleep(0.8)
        assert snapshot(runs) == before, where
        assert not survivors(folder, MARK), where
    finish(env, runs)
    assert tables(runs) == wanted, where


@pytest.mark.slow
def test_a_second_run_is_cached_quickly_and_starts_no_kernel(environment, undisturbed):
    folder, env = environment
    before = spent()
    out = finish(env, folder / "undisturbed")
    assert spent() - before < 10
    assert [line.split()[0] for line in out.splitlines()] == ["cached"] * STEPS


@pytest.mark.slow
def test_a_corrupt_file_is_named_and_only_its_run_is_made_again(environment, undisturbed):
    folder, env = environment
    wanted, _ = undisturbed
    runs = folder / "corrupt"
    shutil.copytree(folder / "undisturbed", runs)
    victim = next((runs / "smoke" / "measure").rglob("tokens_wrong.parquet"))
    victim.write_bytes(victim.read_bytes()[:200])
    out = finish(env, runs)
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
