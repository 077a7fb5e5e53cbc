"""The filter that a program is shut in with, read as the kernel reads it."""

import struct

import pytest

from proxylib.measure import code_jail

X86 = {"read": 0, "write": 1, "open": 2, "socket": 41, "clone": 56, "fork": 57, "execve": 59, "kill": 62, "exit_group": 231}
X86 |= {"openat": 257, "clone3": 435, "io_uring_setup": 425, "ptrace": 101, "unlink": 87}
ARM = {"read": 63, "write": 64, "openat": 56, "socket": 198, "clone": 220, "execve": 221, "kill": 129, "exit_group": 94}
ARM |= {"clone3": 435, "io_uring_setup": 425, "ptrace": 117, "unlinkat": 35}


def decided(machine, audit, number):
    """What the filter answers to a call: the little language, interpreted."""
    text = code_jail.program(machine)
    steps, place, held = list(struct.iter_unpack("HBBI", text)), 0, 0
    while True:
        kind, yes, no, value = steps[place]
        if kind == code_jail.RETURN:
            return value
        if kind == code_jail.LOAD:
            held = {code_jail.NUMBER: number, code_jail.MACHINE: audit}[value]
        place += 1 + ((yes if held == value else no) if kind == code_jail.EQUAL else 0)


@pytest.mark.parametrize(("machine", "calls"), [("x86_64", X86), ("aarch64", ARM)])
def test_only_computing_and_ending_are_let_through(machine, calls):
    audit = code_jail.MACHINES[machine]
    for name, number in calls.items():
        expected = code_jail.ALLOW if name in ("read", "write", "exit_group") else code_jail.REFUSE
        assert decided(machine, audit, number) == expected, name
    assert decided(machine, audit, 0x40000000) == code_jail.REFUSE  # another table of calls on the same machine


def test_calls_of_another_machine_end_the_process():
    assert decided("x86_64", code_jail.MACHINES["aarch64"], 0) == code_jail.KILL


def test_the_table_is_in_threes_and_names_no_call_twice():
    words = code_jail.CALLS.split()
    names = words[::3]
    assert len(words) == 3 * len(names) == 3 * len(set(names)) and not any(name.isdigit() for name in names)


def test_an_unknown_machine_has_no_filter():
    with pytest.raises(KeyError):
        code_jail.program("vax")
