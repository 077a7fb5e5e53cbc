"""Reading traces: what is wrong is named with its file and row."""

import pytest

from proxylib.data import traces
from proxylib.data.traces import Trace
from proxylib.errors import UserError

GOOD = [Trace("sums", "1", "2+2\n", "answer 4\n", "4", "me"), Trace("sums", "2", "ü\n", "é 🙂\n", "", "me")]


@pytest.fixture
def written(tmp_path):
    """`written(frame)`: the path of a Parquet file that holds it."""

    def write(frame):
        path = tmp_path / "mine.parquet"
        frame.to_parquet(path, index=False)
        return path

    return write


def changed(row, column, value):
    frame = traces.to_frame(GOOD).astype(object)
    frame.loc[row, column] = value
    return frame


def test_what_is_written_is_read(written):
    assert traces.read(written(traces.to_frame(GOOD))) == GOOD


def test_other_columns_and_their_order_do_not_matter(written):
    frame = traces.to_frame(GOOD).assign(note="x")
    assert traces.read(written(frame[frame.columns[::-1]])) == GOOD


def test_the_same_id_may_occur_in_two_tasks():
    frame = traces.to_frame([GOOD[0], Trace("words", "1", "p", "s", "", "me")])
    assert len(traces.from_frame(frame, "here")) == 2


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (changed(1, "solution", ""), "row 2: the solution is empty"),
        (changed(1, "prompt", None), "row 2: prompt is (NoneType|float), expected text"),
        (changed(0, "answer", float("nan")), "row 1: answer is float, expected text"),
        (changed(1, "id", "1"), "row 2: id 1 occurs twice in task sums"),
        (traces.to_frame(GOOD).drop(columns="solution"), "column solution is missing; a trace has task, id, prompt"),
        (traces.to_frame([]), "no traces"),
    ],
)
def test_an_error_names_the_place_and_the_row(frame, message):
    with pytest.raises(UserError, match=f"my file.*{message}"):
        traces.from_frame(frame, "my file")


def test_a_number_is_no_text():
    with pytest.raises(UserError, match="row 1: answer is int"):
        traces.from_frame(traces.to_frame(GOOD[:1]).assign(answer=[7]), "my file")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.parquet: no such file"):
        traces.read(tmp_path / "gone.parquet")


@pytest.mark.parametrize("content", [b"", b"not parquet", b"PAR1 cut off"])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "bad.parquet"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.parquet: not a Parquet file"):
        traces.read(path)


def test_an_error_inside_a_file_names_the_file(written):
    with pytest.raises(UserError, match=r"mine\.parquet, row 1: the solution is empty"):
        traces.read(written(changed(0, "solution", "")))


def test_messages_are_one_line(written):
    with pytest.raises(UserError) as caught:
        traces.read(written(changed(1, "id", "1").assign(task="a\nb")))
    assert "\n" not in str(caught.value)
