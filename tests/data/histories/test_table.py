"""Tables: every cell with its place, numbers as numbers, words as words."""

import numpy as np
import pytest

from proxylib.data.histories import table
from proxylib.errors import UserError


def test_a_cell_that_is_no_number_is_named_by_line_and_an_empty_one_is_not_a_number(tmp_path):
    path = tmp_path / "history.tsv"
    path.write_text("\ufefftask\tscore\tloss\r\n7\t.5\tNaN\r\n\r\n<b>\t.75\thigh\r\n", newline="")
    read = table.read(path, ["task"])
    assert list(read.words("task")) == ["7", "<b>"] and list(read.numbers("score")) == [0.5, 0.75]
    assert read.columns["loss"].filled == 1 and not read.numeric("loss")
    with pytest.raises(UserError, match="line 4: loss is 'high', expected a number"):
        read.numbers("loss")


def test_rows_of_a_parquet_file_are_counted_from_one(tmp_path):
    import pandas as pd

    pd.DataFrame({"task": ["a", "b"], "score": [0.5, np.inf]}).to_parquet(tmp_path / "h.parquet")
    with pytest.raises(UserError, match="row 2: score is infinite"):
        table.read(tmp_path / "h.parquet", ["task"]).numbers("score")


def test_a_column_is_one_thing_and_one_that_there_may_not_be_is_refused():
    names = ("task", "score", "step")
    with pytest.raises(ValueError, match="column score cannot be both task and score"):
        table.known_fields({"task": "score"}, names)
    with pytest.raises(ValueError, match="loss is no column of a history; there are task, score, step, cluster"):
        table.known_fields({"loss": "x"}, names, beside=("cluster",))
    for fine in ({"task": "score", "score": "task"}, {"cluster": "score"}, {"task": "x"}, {}):
        assert table.known_fields(fine, names, beside=("cluster",)) == fine
