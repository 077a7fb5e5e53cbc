"""One table of what became of the text: labels in order, reasons grouped, nothing that did not happen."""

from proxylib.data import became


def test_counts_of_nothing_are_left_away_and_reasons_are_grouped():
    accounts = {
        "a": {"traces": 9, "scored": 6, "unknown": 0, "copies": 2, "dropped": {"no room": 2, "unknown": 1}},
        "b": {"traces": 9, "scored": 0, "dropped": {"unknown": 9}},
    }
    frame = became.table(accounts)
    assert frame.columns.tolist() == ["what became of the text", "a", "b"]
    assert frame.to_numpy().tolist() == [
        ["traces read", "9", "9"],
        ["copies of others", "2", ""],
        ["traces scored", "6", "0"],
        ["dropped: no room", "2", "0"],
        ["dropped: unknown", "1", "9"],
    ]
    lines = became.printed(accounts).splitlines()
    assert (
        len(lines) == 6 and lines[0].startswith("what became of the text") and lines[1].split() == ["traces", "read", "9", "9"]
    )


def test_solutions_that_stand_under_other_prompts_are_repeated_but_copies_are_not():
    pairs = [("a", "None."), ("b", "none. "), ("c", "None."), ("c", "None."), ("d", "else")]
    assert became.of_texts(pairs) == {"copies": 1, "short": 5, "repeated": 2}
