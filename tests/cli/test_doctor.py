"""`proxylib doctor`."""

import pytest
from packaging.requirements import Requirement

from proxylib import cli
from proxylib.cli import doctor
from proxylib.runs import config

CARD = {"name": "Old card", "bytes": 16e9, "free": 15e9, "bfloat16": "no"}


def test_it_prints_what_is_here_and_ends_well(capsys):
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    for name in ("Python", "threads", "BLAS", "memory", "GPU", "published sets", "mirror", "disk", "32B"):
        assert name in said


def test_a_package_that_is_missing_or_too_old_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr(
        doctor.metadata, "requires", lambda _: ["numpy>=2", "peft>=99; extra == 'finetune'", "nix>=1; extra == 'judge'"]
    )
    said = list(doctor.missing())
    assert any(line.startswith("finetune: peft ") and "is not >=99; pip install 'proxylib[finetune]'" in line for line in said)
    assert "judge: nix is not installed; pip install 'proxylib[judge]'" in said
    assert not any(line.startswith("everything") for line in said)


@pytest.mark.parametrize(("line", "extra", "belongs"), [
    ("a>=1", "", True),
    ("a>=1", "judge", False),
    ("a>=1; extra == 'judge'", "judge", True),
    ("a>=1; extra == 'judge'", "", False),
    ("a>=1; python_version >= '3'", "", True),
    ("a>=1; python_version >= '3'", "judge", False),
])  # fmt: skip
def test_a_requirement_stands_under_its_own_extra_alone(line, extra, belongs):
    assert doctor._of(Requirement(line), extra) is belongs


def test_cards_and_compilers_that_are_missing_are_said():
    assert any("no GPU" in line for line in doctor.slow("/usr/bin/c++", []))
    assert any("bfloat16 on Old card: imitated" in line for line in doctor.slow("/usr/bin/c++", [CARD]))
    assert any("no C++ compiler" in line for line in doctor.slow(None, [CARD | {"bfloat16": "yes"}]))
    assert list(doctor.slow("/usr/bin/c++", [CARD | {"bfloat16": "yes"}])) == []


def test_an_installed_copy_says_which_commands_want_the_repository(monkeypatch, tmp_path):
    monkeypatch.setattr(config, "ROOT", tmp_path)
    assert any("grid" in line and "clone the repository" in line for line in doctor.missing())
