"""Groups around a process in both versions of the kernel's, those of one controller alone; see also test_cores, test_memory."""

from proxylib.models import control_groups


def test_the_groups_of_a_controller_and_all_around_them_up_to_the_mount(tmp_path):
    (tmp_path / "cgroup").write_text("4:cpu,cpuacct:/a/b\n3:memory:/m\n0::/u\n")
    mount = "29 23 0:26 / {0} rw - {1} cgroup rw,{2}\n"
    trees = (("cpu", "cgroup", "cpu,cpuacct"), ("mem", "cgroup", "memory"), ("new", "cgroup2", "nsdelegate"))
    (tmp_path / "mountinfo").write_text("".join(mount.format(tmp_path / name, *rest) for name, *rest in trees))
    folders = lambda controller: [str(p.relative_to(tmp_path)) for p in control_groups.around(tmp_path, controller)]
    assert folders("cpu") == ["cpu/a/b", "cpu/a", "cpu", "new/u", "new"]
    assert folders("memory") == ["mem/m", "mem", "new/u", "new"]


def test_a_file_that_is_not_there_has_no_words(tmp_path):
    assert control_groups.words(tmp_path / "cpu.max") == [] == control_groups.lines(tmp_path)
