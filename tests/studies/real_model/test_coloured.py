"""Texts in colours: every character once, ours by default."""

import pandas as pd

from proxylib.data.trace import Trace
from proxylib.studies.real_model import coloured, report
from proxylib.studies.real_model.settings import ColouredSettings


def test_what_is_shown_by_default_is_ours_and_else_the_first_of_a_file(tmp_path):
    ours = coloured.shown_traces(ColouredSettings(traces="ours", shown=2, threads=1))
    assert {trace.source for trace in ours} <= {coloured.OURS, "lab expert"} and len(ours) == 5
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(f'{{"prompt": "p{n}", "solution": "s {n}"}}\n' for n in range(4)))
    mine = coloured.shown_traces(ColouredSettings(traces=str(path), shown=2, threads=1))
    assert [trace.solution for trace in mine] == ["s 0", "s 1"]


def test_pieces_are_the_whole_solution_and_a_tint_has_a_mean_of_one():
    trace = Trace("t", "1", "p", "one two", "", "")
    tokens = pd.DataFrame(
        {"task": "t", "id": "1", "position": [0, 1], "offset": [0, 3], "nll": [1.0, 3.0], "entropy": 1.0, "p_max": 0.5,
         "n_greater": [0, 2], "n_equal": 1}
    )  # fmt: skip
    pieces = coloured.pieces(tokens, [trace], 10)
    assert "".join(pieces["text"]) == trace.solution and list(pieces["top1"]) == [1, 0]
    prompts = pd.DataFrame([("t", "1", "<b>p</b>")], columns=["task", "id", "prompt"])
    ((title, part),) = report.coloured(pieces, prompts)
    assert title == "t\n<b>p</b>" and list(part[report.TINT]) == [0.5, 1.5]  # escaped where it is shown
