"""tools/licences.py: what is installed, and under which terms."""

import importlib.util
from email.message import Message

import pytest

from proxylib.runs.config import ROOT

spec = importlib.util.spec_from_file_location("licences", ROOT / "tools" / "licences.py")
licences = importlib.util.module_from_spec(spec)
spec.loader.exec_module(licences)


def fields(**said):
    message = Message()
    for name, value in said.items():
        message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"License_Expression": "MIT"}, "MIT"),
        ({"License": "UNKNOWN", "Classifier": "License :: OSI Approved :: BSD License"}, "BSD License"),
        ({"License": "x" * 500, "Classifier": "License :: OSI Approved :: BSD License"}, "BSD License"),
        ({"License_Expression": "MIT", "License": "GPL"}, "MIT"),
        ({}, "not stated"),
    ],
)
def test_a_licence_is_taken_where_it_is_said_and_never_guessed(said, shown):
    assert licences.licence(fields(**said)) == shown


def test_every_installed_package_of_the_locks_is_listed_once_and_the_bill_holds_all():
    listed = licences.rows()
    names = [row["name"] for row in listed]
    assert len(names) == len(set(names)) and {"torch", "transformers", "pytest", "seaborn"} <= set(names)
    bill = licences.sbom(listed)
    assert [part["purl"].split("@")[1] for part in bill["components"]] == [row["version"] for row in listed]
