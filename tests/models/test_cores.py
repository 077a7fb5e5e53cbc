"""Threads are no more than the process is allotted, however its quota is written and wherever it stands."""

import os
import subprocess
import sys

import pytest

from proxylib.models import cores

WITHOUT = {name: value for name, value in os.environ.items() if name not in cores.ASKED}


@pytest.fixture
def process(tmp_path, monkeypatch):
    """`process(groups, mounts, files)`: a folder of /proc whose control groups are files of ours; 64 cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    for name in cores.ASKED:
        monkeypatch.delenv(name, raising=False)

    def write(groups, mounts, files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        escaped = str(tmp_path).replace(" ", "\\040")
        (tmp_path / "cgroup").write_text("".join(f"{line}\n" for line in groups))
        line = "29 23 0:26 {root} {place}/{mount} rw,nosuid - {kind} cgroup rw,{options}\n"
        text = "".join(
            line.format(root=root, place=escaped, mount=mount.replace(" ", "\\040"), kind=kind, options=options)
            for root, mount, kind, options in mounts
        )
        (tmp_path / "mountinfo").write_text("22 1 8:1 / / rw - ext4 /dev/root rw\n" + text)
        monkeypatch.setattr(cores, "PROCESS", tmp_path)

    return write


NEW = ("/", "fs", "cgroup2", "nsdelegate")
OLD = ("/", "cpu,cpuacct", "cgroup", "cpu,cpuacct")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max 100000\n", 64),
        ("200000 100000\n", 2),
        ("250000 100000", 2),  # at most, so not three
        ("50000 100000\n", 1),
        ("1000 1000000\n", 1),
        ("300000\n", 3),
        ("150000.5 50000\n", 3),
        ("100000000 100000\n", 64),
        ("max\n", 64),
        ("-1 100000\n", 64),
        ("0 100000\n", 64),
        ("200000 0\n", 64),
        ("nan 100000\n", 64),
        ("inf 100000\n", 64),
        ("", 64),
        ("\x00\xff garbage\n", 64),
    ],
)
def test_the_second_version_in_every_spelling(process, text, expected):
    process(["0::/"], [NEW], {"fs/cpu.max": text})
    assert cores.allotted_cores() == expected


@pytest.mark.parametrize(
    ("quota", "period", "expected"),
    [
        ("-1", "100000", 64),
        ("200000", "100000", 2),
        ("350000", "100000", 3),
        ("20000", "100000", 1),
        ("4000", "", 1),
        ("x", "y", 64),
        ("", "100000", 64),
    ],
)
def test_the_first_version_under_any_name_of_its_mount(process, quota, period, expected):
    files = {"cpu,cpuacct/cpu.cfs_quota_us": f"{quota}\n", "cpu,cpuacct/cpu.cfs_period_us": f"{period}\n"}
    process(["4:memory:/", "3:cpu,cpuacct:/", "1:name=systemd:/"], [("/", "memory", "cgroup", "memory"), OLD], files)
    assert cores.allotted_cores() == expected


@pytest.mark.parametrize("narrow", ["fs/user.slice/job.scope", "fs/user.slice", "fs"])
def test_the_narrowest_of_nested_groups_counts(process, narrow):
    files = {f"{place}/cpu.max": "800000 100000\n" for place in ("fs", "fs/user.slice", "fs/user.slice/job.scope")}
    files |= {f"{narrow}/cpu.max": "300000 100000\n", "fs/user.slice/other.scope/cpu.max": "100000 100000\n"}
    process(["0::/user.slice/job.scope"], [NEW], files)
    assert cores.allotted_cores() == 3


@pytest.mark.parametrize("path", ["/docker/abc", "/", "/../other", "/docker/abc/deeper/that/is/not/there"])
def test_a_container_whose_mount_is_its_own_group(process, path):
    files = {"cpu/cpu.cfs_quota_us": "500000", "cpu/cpu.cfs_period_us": "100000"}
    process([f"3:cpu:{path}"], [("/docker/abc", "cpu", "cgroup", "cpu")], files)
    assert cores.allotted_cores() == 5


def test_both_versions_at_once_and_a_mount_with_a_space(process):
    files = {"my cpu/cpu.cfs_quota_us": "400000", "my cpu/cpu.cfs_period_us": "100000", "fs/job/cpu.max": "max 100000"}
    process(["3:cpu:/", "0::/job"], [("/", "my cpu", "cgroup", "cpu"), NEW], files)
    assert cores.allotted_cores() == 4


@pytest.mark.parametrize(
    ("value", "expected"), [("3", 3), ("3,2", 3), ("0", 64), ("", 64), ("many", 64), ("-2", 64), ("900", 64)]
)
def test_what_the_user_asked_openmp_for_counts(process, monkeypatch, value, expected):
    process([], [], {})
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert cores.allotted_cores() == expected


def test_a_system_without_any_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "PROCESS", tmp_path / "nowhere")
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert 1 <= cores.allotted_cores() <= os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores.allotted_cores() == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity masks on this system")
def test_threads_are_no_more_than_the_affinity_mask_allows():
    code = "import os, pathlib, sys; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
    code += "from proxylib.measure.settings import Extract\nprint(Extract(model='m', traces='t', out=pathlib.Path()).threads)\n"
    code += "assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=WITHOUT)
    assert done.stdout == "1\n", done.stderr
