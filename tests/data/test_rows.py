"""Rows as they stand in a file: nulls, whole numbers, nested values and every other column, each at its own row."""

import datetime
import decimal
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from proxylib.data import rows, traces
from proxylib.errors import UserError

TEXTS = {"prompt": ["p0", "p1", "p2"], "solution": ["s0", "s1", "s2"]}


@pytest.fixture
def written(tmp_path):
    """`written(**columns)`: the path of a Parquet file of them, beside prompts and solutions."""

    def write(**columns):
        path = tmp_path / "mine.parquet"
        pq.write_table(pa.table(TEXTS | columns), path, row_group_size=2)
        return path

    return write


def strings(kind):
    return lambda values: pa.array(values, kind)


@pytest.mark.parametrize(
    "column",
    [
        strings(pa.string()),
        strings(pa.large_string()),
        strings(pa.string_view()),
        lambda values: pa.array(values, pa.string()).dictionary_encode(),
        lambda values: pa.chunked_array([values[:1], values[1:]], pa.string()).dictionary_encode(),
    ],
)
def test_text_of_any_column_type_is_read_and_null_is_missing(written, column):
    given = written(answer=column(["a", None, "é 🙂"]), source=column([None, None, "me"]), id=column(["x", None, "z"]))
    assert [trace.answer for trace in traces.read(given)] == ["a", "", "é 🙂"]
    assert [trace.source for trace in traces.read(given)] == ["", "", "me"]
    assert [trace.id for trace in traces.read(given)] == ["x", "2", "z"]


BIG = 2**53 + 1  # the first whole number that a float cannot hold


@pytest.mark.parametrize(
    ("column", "ids"),
    [
        (pa.array([BIG, None, BIG + 1], pa.int64()), [str(BIG), "2", str(BIG + 1)]),
        (pa.array([2**64 - 1, None, 1], pa.uint64()), [str(2**64 - 1), "2", "1"]),
        (pa.array([-7, 8, None], pa.int8()), ["-7", "8", "3"]),
        (pa.array([decimal.Decimal(BIG), None, decimal.Decimal(10**30)], pa.decimal128(38, 0)), [str(BIG), "2", str(10**30)]),
        (pa.array([1.0, None, 3.0], pa.float64()), ["1", "2", "3"]),  # as pandas writes whole numbers beside a null
    ],
)
def test_whole_numbers_stay_whole_beside_a_null(written, column, ids):
    assert [trace.id for trace in traces.read(written(id=column))] == ids


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array(["a", "b", None]), "row 3: solution is null"),
        (pa.array([b"a", b"b", b"c"]), "row 1: solution is bytes, expected text"),
        (
            pa.array([["a"], [], None]),
            "row 1: solution is list, expected text; take what is in it, such as --fields solution=solution.0.$",
        ),
        (pa.array([{"role": "x", "text": "a"}] * 3), "row 1: solution is dict, expected text; .*solution=solution.text"),
        (pa.array([1, None, 3]), "row 1: solution is int"),
        (pa.array([None, None, None]), "row 1: solution is null"),
        (pa.array([decimal.Decimal("1.5")] * 3), "row 1: solution is Decimal"),
        (pa.array([datetime.datetime(2026, 1, 1)] * 3), "row 1: solution is datetime"),
        (pa.array([1, 2, 3], pa.timestamp("ns")), "row 1: solution "),
        (pa.array([1, 2, 3]).dictionary_encode(), "row 1: solution is int"),
        (pa.array([b"a", b"b", b"\xff"]).view(pa.string()), "row 3: solution cannot be read .UnicodeDecodeError"),
        (pa.array(["a", "b", " \n"]), "row 3: the solution is empty"),
    ],
)
def test_what_is_no_text_is_named_by_its_own_row(written, column, said, monkeypatch):
    monkeypatch.setattr(rows, "BATCH", 2)
    with pytest.raises(UserError, match=said):
        traces.read(written(solution=column))


@pytest.mark.parametrize("value", [1.5, 2.0**53, float("inf"), float("nan"), decimal.Decimal("0.5"), True, b"1"])
def test_an_id_that_is_no_whole_number_is_refused(written, value):
    with pytest.raises(UserError, match="row 1: id is "):
        traces.read(written(id=pa.array([value] * 3)))


def test_columns_that_nobody_asks_for_may_hold_anything(written):
    given = written(
        far=pa.array([2**62, 1, None], pa.timestamp("us")),  # beyond Python's years
        near=pa.array([1, 2, 3], pa.timestamp("ns")),
        torn=pa.array([b"\xff", b"a", None]).view(pa.string()),
        deep=pa.array([[[{"a": None}]], None, []]),
        map=pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    )
    assert [trace.solution for trace in traces.read(given)] == TEXTS["solution"]


def test_two_columns_of_one_name_are_refused_only_where_the_name_is_asked_for(tmp_path):
    columns = [pa.array(["a"]), pa.array(["b"]), pa.array(["c"]), pa.array(["d"])]
    pq.write_table(pa.table(columns, names=["prompt", "solution", "note", "note"]), tmp_path / "a.parquet")
    assert traces.read(tmp_path / "a.parquet")[0].solution == "b"
    pq.write_table(pa.table(columns, names=["prompt", "solution", "note", "solution"]), tmp_path / "b.parquet")
    with pytest.raises(UserError, match="row 1: solution is the name of 2 columns"):
        traces.read(tmp_path / "b.parquet")


def test_a_struct_that_names_a_field_twice_is_one_line(tmp_path):
    twice = pa.StructArray.from_arrays([pa.array(["a"]), pa.array(["b"])], fields=[pa.field("text", pa.string())] * 2)
    pq.write_table(pa.table({"prompt": ["p"], "m": twice}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="row 1: m cannot be read"):
        traces.read(tmp_path / "a.parquet", {"solution": "m.text"})


@pytest.mark.parametrize("cut", [8, 100, 400, -20, -4])
def test_a_cut_parquet_file_is_one_line(written, cut):
    path = written(answer=["a" * 100, "b" * 100, "c"])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UserError, match=r"mine\.parquet: (not|a damaged) "):
        traces.read(path)


def test_a_file_without_rows_or_columns_has_no_traces(tmp_path):
    for number, table in enumerate((pa.table({"prompt": pa.array([], pa.string())}), pa.table({}))):
        pq.write_table(table, tmp_path / f"{number}.parquet")
        with pytest.raises(UserError, match="no traces"):
            traces.read(tmp_path / f"{number}.parquet")


def test_a_list_of_objects_is_read_and_lines_under_its_name_too(tmp_path):
    given = [{"prompt": "p", "solution": "a"}, {"prompt": "q", "solution": "b"}]
    for number, text in enumerate((json.dumps(given, indent=1), " \n" + json.dumps(given), "\ufeff" + json.dumps(given))):
        (tmp_path / f"{number}.json").write_text(text)
        assert [trace.solution for trace in traces.read(tmp_path / f"{number}.json")] == ["a", "b"]
    (tmp_path / "lines.json").write_text("\n".join(map(json.dumps, given)))
    assert [trace.prompt for trace in traces.read(tmp_path / "lines.json")] == ["p", "q"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "not JSON"),
        ("[]", "no traces"),
        ("", "no traces"),
        ('[{"prompt": "p", "solution": "s"}, 3]', "row 2: int, expected an object"),
        ('[{"prompt": "p", "solution": "s"}] {}', "not JSON"),
        ('{"data": [{"prompt": "p", "solution": "s"}]}', r"line 1: prompt is missing.*data\[0\].prompt"),
        ('{\n"prompt": "p"}', "line 1: not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[" + "9" * 5000 + "]", "a number of 5000 digits"),
    ],
)
def test_a_json_file_that_holds_something_else_is_one_line(tmp_path, text, said):
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(UserError, match=said):
        traces.read(tmp_path / "mine.json")


def test_marks_line_ends_and_parts_put_together_change_nothing(tmp_path):
    line = b'{"prompt": "p\\u2028", "solution": "s"}'
    for number, content in enumerate((b"\xef\xbb\xbf" + line, line + b"\r\n", b"\r\n" + line, line + b"\n\xef\xbb\xbf" + line)):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(content)
        assert {(trace.prompt, trace.solution) for trace in traces.read(path)} == {("p\u2028", "s")}


def test_a_line_that_no_model_could_read_is_one_line_long_before_it_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "LONGEST", 2**20)
    with (tmp_path / "mine.jsonl").open("wb") as file:
        file.write(b'{"prompt": "p", "solution": "s"}\n{"prompt": "p", "solution": "')
        file.truncate(2**30)  # a hole, which takes no room
    with pytest.raises(UserError, match="line 2: longer than 1 MB"):
        traces.read(tmp_path / "mine.jsonl")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "mine.jsonl").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        traces.read(tmp_path / "mine.jsonl")
