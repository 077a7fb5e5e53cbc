"""Readings of files that are made up: right to the last field and count, or one line, exit code 2 and nothing written.

`PROXYLIB_FUZZ=20 pytest tests/data/test_reading.py` tries twenty times as many, and other ones each time.
"""

import contextlib
import gzip
import io
import json
import os
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxylib.cli import main
from proxylib.data import traces

TIMES = int(os.environ.get("PROXYLIB_FUZZ", "1"))


def examples(number):
    return settings(
        max_examples=number * TIMES,
        deadline=None,
        derandomize=TIMES == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


LETTERS = st.text(st.characters(codec="utf-8"), max_size=9)
WORDS = st.sampled_from(
    ["a", "A ", " a\n", "b", "2 + 2", "2+2", "1 23", "12 3", "\u2028", "🙂", "\x00", "", "e\u0301", "\u00e9"]
)
TEXT = WORDS | LETTERS
SOLUTION = (WORDS | LETTERS).filter(str.strip)
IDS = st.none() | st.integers(-(2**62), 2**63 - 1)
ROW = st.fixed_dictionaries(
    {
        "prompt": TEXT,
        "solution": SOLUTION,
        "answer": st.none() | TEXT,
        "source": st.none() | TEXT,
        "id": IDS,
        "other": st.none() | IDS,
    }
)


@st.composite
def sources(draw):
    """Rows, whose ids differ, and a file that holds them in one of the ways in which they are written."""
    rows = draw(st.lists(ROW, min_size=1, max_size=6))
    for number, row in enumerate(rows):  # ids that differ, from one another and from the numbers of rows
        row["id"] = None if row["id"] is None else (row["id"] // 16) * 16 + 8 + number
    shape = draw(st.sampled_from(["flat", "messages", "conversations", "lists"]))
    ending = draw(st.sampled_from(["jsonl", "jsonl.gz", "json", "parquet"]))
    shaped, fields = [_shaped(row, shape) for row in rows], FIELDS[shape]
    content = _parquet(draw, shaped) if ending == "parquet" else _json(draw, shaped, ending)
    return rows, ending, fields, content


FIELDS = {
    "flat": {},
    "messages": {"prompt": "messages[0].content", "solution": "messages[-1].content"},
    "conversations": {"prompt": "c.turns[1].value", "solution": "c.turns[2].value"},
    "lists": {"prompt": "prompt", "solution": "solutions[-1]"},
}


def _shaped(row, shape):
    rest = {name: value for name, value in row.items() if name not in ("prompt", "solution")}
    prompt, solution = row["prompt"], row["solution"]
    if shape == "messages":
        said = [("user", prompt), ("assistant", solution)]
        return rest | {"messages": [{"role": role, "content": text} for role, text in said]}
    if shape == "conversations":
        said = [("system", None), ("human", prompt), ("gpt", solution)]
        return rest | {"c": {"turns": [{"from": role, "value": text} for role, text in said]}}
    return row if shape == "flat" else rest | {"prompt": prompt, "solutions": ["first", solution]}


def _json(draw, rows, ending):
    plain = draw(st.booleans())
    dumped = [json.dumps(row, ensure_ascii=plain) for row in rows]
    mark = "\ufeff" if draw(st.booleans()) else ""
    if ending == "json" and draw(st.booleans()):
        return (mark + "[" + ",\n".join(dumped) + "]").encode()
    end = draw(st.sampled_from(["\n", "\r\n", "\n\n", " \n\t\n"]))
    text = (mark + end.join(dumped) + draw(st.sampled_from(["", end]))).encode()
    return gzip.compress(text) if ending == "jsonl.gz" else text


def _parquet(draw, rows):
    table = pa.Table.from_pylist(rows)
    text = draw(st.sampled_from([pa.string(), pa.large_string(), pa.string_view(), "dictionary"]))
    for place, name in enumerate(table.column_names):
        column = table.column(name)
        if pa.types.is_string(column.type) and draw(st.booleans()):
            column = column.dictionary_encode() if text == "dictionary" else column.cast(text)
        if pa.types.is_null(column.type):
            column = column.cast(draw(st.sampled_from([pa.string(), pa.int64()])))
        table = table.set_column(place, name, column)
    into = io.BytesIO()
    pq.write_table(
        table, into, row_group_size=draw(st.integers(1, 7)), compression=draw(st.sampled_from(["none", "snappy", "zstd"]))
    )
    return into.getvalue()


@given(sources())
@examples(70)
def test_what_was_written_is_what_is_read(source):
    rows, ending, fields, content = source
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"mine.{ending}")
        path.write_bytes(content)
        reading = traces.reading(path, fields)
    expected = [
        (
            "mine",
            str(number if row["id"] is None else row["id"]),
            row["prompt"],
            row["solution"],
            row["answer"] or "",
            row["source"] or "",
        )
        for number, row in enumerate(rows, 1)
    ]
    assert [tuple(vars(trace).values()) for trace in reading.traces] == expected
    assert reading.counts.rows == len(rows) and reading.expert is None
    texts = [(row["prompt"], row["solution"]) for row in rows]
    assert reading.counts.copies >= len(rows) - len(set(texts))
    assert len(reading.without_copies().traces) == len(rows) - reading.counts.copies
    assert 1 <= reading.counts.problems <= len(rows) - reading.counts.copies
    again = traces.reading_of(reading.traces * 1)
    assert again.problems == reading.problems


WRONG = st.sampled_from([None, 3, 2.5, True, [], ["a", 1], {"a": {"b": "c"}}, "", " \n", "\ud800"])


@given(sources().filter(lambda source: source[1] != "parquet" and not source[2]), st.data())
@examples(30)
def test_a_wrong_row_is_named_and_no_other(source, data):
    rows, *_ = source
    place = data.draw(st.integers(0, len(rows) - 1))
    wrong = rows[place] | {"solution": data.draw(WRONG)}
    text = "\n\n".join(json.dumps(row) for row in [*rows[:place], wrong, *rows[place + 1 :]])
    assert f"mine.jsonl, line {2 * place + 1}: " in refused("jsonl", {}, text.encode())


JUNK = st.sampled_from(
    [
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"{",
        b"}",
        b"[",
        b'"',
        b"\n",
        b"\r",
        b"NaN",
        b"1e999",
        b"\\u",
        b'"prompt": 3, ',
        b"\xef\xbb\xbf",
    ]
) | st.binary(min_size=1, max_size=4)


@given(sources(), st.data())
@examples(60)
def test_a_damaged_file_is_read_or_is_one_line(source, data):
    """Whatever is cut out, put in, written twice or changed; where it can still be read, the model is what is not there."""
    _, ending, fields, content = source
    for _ in range(data.draw(st.integers(1, 3))):
        start, length = data.draw(st.integers(0, len(content))), data.draw(st.integers(0, 40))
        how = data.draw(st.sampled_from(["cut off", "cut out", "put in", "again", "flip"]))
        if how == "cut off":
            content = content[:start]
        elif how == "cut out":
            content = content[:start] + content[start + length :]
        elif how == "put in":
            content = content[:start] + data.draw(JUNK) + content[start:]
        elif how == "again":
            content = content[: start + length] + content[start:]
        elif content[start : start + 1]:
            content = content[:start] + bytes([content[start] ^ 1 << data.draw(st.integers(0, 7))]) + content[start + 1 :]
    said = refused(ending, fields, content)
    assert f"mine.{ending}" in said or "no-such-model" in said or "fields" in said


def refused(ending, fields, content):
    """The one line with which `extract` ends on a file of such content."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"mine.{ending}")
        path.write_bytes(content)
        words = ["extract", "--model", f"{folder}/no-such-model", "--traces", str(path), "--out", f"{folder}/out"]
        words += ["--fields", *(f"{ours}={theirs}" for ours, theirs in fields.items())] if fields else []
        said, printed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
            assert main(words) == 2
        assert list(Path(folder).iterdir()) == [path] and not printed.getvalue()
    (line,) = said.getvalue().splitlines()
    return line
