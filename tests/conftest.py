"""Fixtures that several test modules share."""

import os

import pytest

from proxylib.data.published import registry
from proxylib.errors import UserError

# before torch is imported: at these sizes a second thread waits for the first, and slows the tests down tenfold
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def published_set():
    """`published_set(name)`: folder of a published set, or a skipped test that says what is missing."""

    def folder(name):
        try:
            found = registry.locate(name)
        except UserError as error:
            pytest.fail(str(error))  # a damaged mirror is no reason to skip
        if found is None:
            pytest.skip(f"published set {name} is neither in PROXYLIB_MIRROR nor in the cache; see proxylib fetch {name}")
        return found

    return folder


def pytest_collection_modifyitems(items):
    """The longest file first, so that the others fill the second worker meanwhile."""
    items.sort(key=lambda item: item.path.name != "test_kill.py")


def pytest_terminal_summary(terminalreporter):
    """How many tests on real published data ran and how many were skipped, so that a green run cannot hide them."""
    counts = {
        outcome: sum("published" in report.keywords for report in terminalreporter.stats.get(outcome, []))
        for outcome in ("passed", "failed", "skipped")
    }
    ran = counts["passed"] + counts["failed"]
    terminalreporter.write_line(f"tests on published data: {ran} ran ({counts['failed']} failed), {counts['skipped']} skipped")
