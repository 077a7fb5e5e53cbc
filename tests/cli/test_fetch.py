"""`proxylib fetch`."""

from proxylib.cli import main


def test_without_a_name_it_lists_sets_with_licences(capsys):
    assert main(["fetch"]) == 0
    shown = capsys.readouterr().out
    assert "datadecide" in shown and "gsm8k" in shown and "MIT" in shown


def test_an_unknown_name_is_refused(refusal):
    assert "'everything' is unknown; choose one of " in refusal("fetch", "everything")
