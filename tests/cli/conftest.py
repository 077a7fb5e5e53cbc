"""What tests of commands share."""

import pytest

from proxylib.cli import main


@pytest.fixture
def refusal(capsys):
    """`refusal(*words)`: the one line with which a command refuses them, exit code 2 checked."""

    def line(*words):
        code = main(list(words))
        (said,) = capsys.readouterr().err.splitlines()
        assert code == 2 and said.startswith("proxylib: error: ")
        return said.removeprefix("proxylib: error: ")

    return line
