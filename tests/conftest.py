"""Fixtures that several test modules share."""

import os
import uuid

import pytest
from processes import MARK, left_over

from proxylib.data.published import registry
from proxylib.errors import UserError

# before torch is imported: at these sizes a second thread waits for the first, and slows the tests down tenfold
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")  # as the first canvas would choose
#: files that take longest; a worker takes a file whole (`--dist loadfile`), so that fixtures are made once
LONGEST = (
    *("test_hub_cell.py", "test_kill.py", "test_lora.py", "test_rank.py", "test_contributing.py", "test_gpu_benchmark.py"),
    *("test_shards.py", "test_faults.py", "test_client.py", "test_verdict_folder.py", "test_served.py", "test_snakefile.py"),
)


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


def pytest_configure(config):
    """What this run starts, directly or not, carries its mark."""
    if not hasattr(config, "workerinput"):  # a worker of xdist belongs to the run that started it
        os.environ[MARK] = uuid.uuid4().hex


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """No process that the run started lives on: what does is named and killed, and the run has failed."""
    if not hasattr(session.config, "workerinput"):
        session.config.left_over = left_over(os.environ[MARK])
        if session.config.left_over:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_collection_modifyitems(items):
    """The longest files first, so that short ones fill up what is left of the workers."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


def pytest_terminal_summary(terminalreporter, config):
    """What lived on; how many tests on real published data ran and were skipped, so that a green run cannot hide them."""
    for line in getattr(config, "left_over", []):
        terminalreporter.write_line(f"ERROR lived on after the tests: {line}", red=True)
    counts = {
        outcome: sum("published" in report.keywords for report in terminalreporter.stats.get(outcome, []))
        for outcome in ("passed", "failed", "skipped")
    }
    ran = counts["passed"] + counts["failed"]
    terminalreporter.write_line(f"tests on published data: {ran} ran ({counts['failed']} failed), {counts['skipped']} skipped")
