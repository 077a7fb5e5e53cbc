"""`proxylib scoreboard`."""

from proxylib.cli import main


def test_the_committed_scoreboard_is_what_the_recorded_runs_say():
    assert main(["scoreboard", "--check"]) == 0
