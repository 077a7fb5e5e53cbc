"""One table of what became of the text: labels in order, reasons grouped, nothing that did not happen."""

from proxylib.data import became


def test_every_command_says_the_same_rows_and_of_the_rest_what_happened():
    accounts = {
        "a": dict.fromkeys(became.ROWS, 0) | {"traces": 9, "scored": 6, "lost_bytes": 3, "dropped": {"no room": 2, "far": 1}},
        "b": {"traces": 9, "scored": 0, "dropped": {"far": 9}},
        "c": {"traces": 4},
    }
    frame = became.table(accounts)
    assert frame.columns.tolist() == ["what became of the text", "a", "b", "c"]
    always = {"copies", "bos", "template", "words", "unknown", "boundary_moves", "cut_bytes"}
    assert frame.to_numpy().tolist() == [
        ["traces read", "9", "9", "4"],
        ["copies of others", "0", "–", "–"],
        ["traces scored", "6", "0", "–"],
        *([became.ROWS[name], "0", "–", "–"] for name in ("bos", "template", "words", "unknown")),
        [became.ROWS["lost_bytes"], "3", "", ""],
        *([became.ROWS[name], "0", "–", "–"] for name in ("boundary_moves", "cut_bytes")),
        ["dropped: no room", "2", "0", "–"],
        ["dropped: far", "1", "9", "–"],
    ]
    assert always | {"traces", "scored"} == set(became.ALWAYS)
    lines = became.printed(accounts).splitlines()
    assert len(lines) == 13 and lines[1].split() == ["traces", "read", "9", "9", "4"]


def test_that_nothing_was_dropped_is_said_too():
    assert became.table({"a": {"dropped": {}}, "b": {}}).to_numpy().tolist()[-1] == ["dropped", "0", "–"]


def test_solutions_that_stand_under_other_prompts_are_repeated_but_copies_are_not():
    pairs = [("a", "None."), ("b", "none. "), ("c", "None."), ("c", "None."), ("d", "else")]
    assert became.of_texts(pairs) == {"copies": 1, "short": 5, "repeated": 2}
