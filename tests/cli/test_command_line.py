"""All commands together, as a person meets them."""

import os
import subprocess
import sys

import pytest

from proxylib import cli


def call(*words):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True)


def test_help_names_every_command():
    shown = call("-m", "proxylib", "--help").stdout
    for name in (
        "rank",
        "forecast",
        "monitor",
        "plan",
        "preferences",
        "extract",
        "judge",
        "finetune",
        "run",
        "grid",
        "fetch",
        "book",
        "ship",
        "scoreboard",
    ):
        assert f"    {name} " in shown or f"    {name}\n" in shown


def test_help_starts_neither_torch_nor_a_validator_of_notebooks():
    code = "import sys; from proxylib.cli import parser; parser(); print({'torch', 'nbformat'} & set(sys.modules))"
    assert call("-c", code).stdout == "set()\n"


def test_no_command_and_one_that_there_is_not(refusal):
    assert refusal() == "the following arguments are required: COMMAND; see proxylib --help"
    assert "invalid choice: 'tune'" in refusal("tune")


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (BrokenPipeError, 0)])
def test_an_interrupt_has_its_exit_code_and_a_closed_pipe_is_no_error(error, code):
    script = f"""
import sys
from proxylib import cli
from proxylib.data.published import registry
def names():
    raise {error.__name__}
registry.names = names
sys.exit(cli.main(["fetch"]))
"""
    done = call("-c", script)
    assert done.returncode == code and "Traceback" not in done.stderr
    assert done.stderr == ("proxylib: stopped; the next call goes on from here\n" if code else "")


def test_a_failure_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr("proxylib.data.published.registry.names", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["fetch"])


def test_threads_wait_passively_unless_the_user_says_otherwise():
    code = "import os; from proxylib.cli import main; main(['fetch']); print(os.environ['OMP_WAIT_POLICY'])"
    for given, expected in (({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")):
        env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | given
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
        assert done.stdout.split()[-1] == expected
