"""Reading traces, our own tables and files as people bring them: what is wrong is named with its file and row.

More than sixty bad files; through the command line, each ends in one line and exit code 2.
"""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from proxylib.cli import main
from proxylib.data import traces
from proxylib.data.trace import Trace
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
        (changed(1, "prompt", None), "row 2: prompt is null, expected text"),
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


# ---- files that people bring -----------------------------------------------------------------------------------------

OK = {"prompt": "2+2\n", "solution": "4\n"}


def line(**changes):
    return json.dumps({name: value for name, value in (OK | changes).items() if value is not ...}).encode() + b"\n"


FINE = line()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (FINE, [("mine", "1", "2+2\n", "4\n", "", "")]),
        (FINE.rstrip(), [("mine", "1", "2+2\n", "4\n", "", "")]),
        (b"\xef\xbb\xbf" + FINE, [("mine", "1", "2+2\n", "4\n", "", "")]),
        (FINE.replace(b"\n", b"\r\n"), [("mine", "1", "2+2\n", "4\n", "", "")]),
        (
            b"\n" + FINE + b"\n\n" + FINE,
            [("mine", "1", "2+2\n", "4\n", "", ""), ("mine", "2", "2+2\n", "4\n", "", "")],
        ),
        (line(id=7, task="sums", answer="4", source="me", other=[1]), [("sums", "7", "2+2\n", "4\n", "4", "me")]),
        (line(prompt=""), [("mine", "1", "", "4\n", "", "")]),
        (line(answer=None, id=None), [("mine", "1", "2+2\n", "4\n", "", "")]),
        (line(solution="é 你好 🙂"), [("mine", "1", "2+2\n", "é 你好 🙂", "", "")]),
        (line(solution="a\u0000b"), [("mine", "1", "2+2\n", "a\u0000b", "", "")]),
        (line(solution="\ud83d\ude42"), [("mine", "1", "2+2\n", "🙂", "", "")]),
    ],
)
def test_what_is_read(tmp_path, content, expected):
    (tmp_path / "mine.jsonl").write_bytes(content)
    assert [tuple(vars(trace).values()) for trace in traces.read(tmp_path / "mine.jsonl")] == expected


def test_fields_may_have_other_names(tmp_path):
    (tmp_path / "mine.jsonl").write_text('{"question": "q", "answer": "worked #### 4"}\n')
    (trace,) = traces.read(tmp_path / "mine.jsonl", {"prompt": "question", "solution": "answer"})
    assert (trace.prompt, trace.solution, trace.answer) == ("q", "worked #### 4", "worked #### 4")


EXPERT = {"solution": "4 ok", "expert_tokens": ["4", " ok"], "expert_logprobs": [-0.5, -1.25]}


def test_an_experts_own_probabilities_become_rows(tmp_path):
    (tmp_path / "mine.jsonl").write_bytes(line(**EXPERT))
    rows = traces.reading(tmp_path / "mine.jsonl").expert
    assert rows.to_dict("records") == [
        {"task": "mine", "id": "1", "position": 0, "offset": 0, "n_bytes": 1, "nll": 0.5},
        {"task": "mine", "id": "1", "position": 1, "offset": 1, "n_bytes": 3, "nll": 1.25},
    ]
    (tmp_path / "mine.jsonl").write_bytes(FINE)
    assert traces.reading(tmp_path / "mine.jsonl").expert is None


BAD_JSONL = {
    "empty file": (b"", "no traces"),
    "blank lines only": (b"\n \n\n", "no traces"),
    "no JSON": (FINE + b"hello\n", "line 2: not JSON"),
    "cut off": (FINE + FINE[:-6], "line 2: not JSON"),
    "cut inside a string": (b'{"prompt": "a', "line 1: not JSON"),
    "two objects on a line": (FINE.rstrip() + b" " + FINE, "line 1: not JSON"),
    "a comma after the object": (FINE.rstrip() + b",\n", "line 1: not JSON"),
    "single quotes": (b"{'prompt': 'a', 'solution': 'b'}\n", "line 1: not JSON"),
    "a trailing comma": (b'{"prompt": "a", "solution": "b",}\n', "line 1: not JSON"),
    "a comment": (b"# traces\n" + FINE, "line 1: not JSON"),
    "a pretty-printed object": (json.dumps(OK, indent=1).encode(), "line 1: not JSON"),
    "a list": (b"[1, 2]\n", "line 1: list, expected an object"),
    "all traces in a list": (json.dumps([OK, OK]).encode(), "line 1: list, expected an object"),
    "a string": (b'"text"\n', "line 1: str, expected an object"),
    "a number": (b"7\n", "line 1: int, expected an object"),
    "null": (b"null\n", "line 1: NoneType, expected an object"),
    "true": (b"true\n", "line 1: bool, expected an object"),
    "NaN": (b'{"prompt": "a", "solution": "b", "x": NaN}\n', "line 1: NaN is not JSON"),
    "Infinity": (b'{"prompt": "a", "solution": "b", "x": -Infinity}\n', "line 1: -Infinity is not JSON"),
    "a raw line break in a string": (b'{"prompt": "a\nb", "solution": "b"}\n', "line 1: not JSON"),
    "a raw tab in a string": (b'{"prompt": "a\tb", "solution": "b"}\n', "line 1: not JSON"),
    "an unknown escape": (b'{"prompt": "\\q", "solution": "b"}\n', "line 1: not JSON"),
    "half an escape": (b'{"prompt": "\\u12", "solution": "b"}\n', "line 1: not JSON"),
    "a field twice": (b'{"prompt": "a", "solution": "b", "prompt": "c"}\n', "line 1: prompt occurs twice in one object"),
    "nested too deeply": (b'{"prompt": "a", "solution": "b", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", "line 1: "),
    "Latin-1": ('{"prompt": "é", "solution": "b"}\n'.encode("latin-1"), "line 1: byte 13 is not UTF-8"),
    "UTF-16": (FINE.decode().encode("utf-16"), "line 1: byte 1 is not UTF-8"),
    "UTF-16 without a mark": (FINE.decode().encode("utf-16-le"), "line 1: not JSON"),
    "bytes of an image": (b"\x89PNG\r\n\x1a\n\x00\x00", "line 1: byte 1 is not UTF-8"),
    "a compressed file": (b"\x1f\x8b\x08\x00\x00", "line 1: byte 2 is not UTF-8"),
    "an overlong code": (b'{"prompt": "\xc0\xaf", "solution": "b"}\n', "line 1: byte 13 is not UTF-8"),
    "half a character": (line(solution="\ud83d"), "line 1: solution holds half a character"),
    "no prompt": (line(prompt=...), "line 1: prompt is missing"),
    "no solution": (FINE + line(solution=...), "line 2: solution is missing"),
    "other names": (
        b'{"question": "a", "answer": "b"}\n',
        "source; found question, answer: name it with --fields prompt=THEIRS",
    ),
    "an empty object": (b"{}\n", "line 1: prompt is missing"),
    "capitals": (b'{"Prompt": "a", "Solution": "b"}\n', "line 1: prompt is missing"),
    "prompt null": (line(prompt=None), "line 1: prompt is null, expected text"),
    "solution null": (line(solution=None), "line 1: solution is null, expected text"),
    "prompt a number": (line(prompt=3), "line 1: prompt is int, expected text"),
    "solution a number": (line(solution=3.5), "line 1: solution is float, expected text"),
    "solution a list": (line(solution=["a"]), "line 1: solution is list, expected text"),
    "prompt messages": (line(prompt=[{"role": "user", "content": "a"}]), "line 1: prompt is list, expected text"),
    "solution an object": (line(solution={"text": "a"}), "line 1: solution is dict, expected text"),
    "solution true": (line(solution=True), "line 1: solution is bool, expected text"),
    "answer a number": (line(answer=4), "line 1: answer is int, expected text"),
    "source a list": (line(source=[]), "line 1: source is list, expected text"),
    "id a fraction": (line(id=1.5), "line 1: id is float, expected text"),
    "id true": (line(id=True), "line 1: id is bool, expected text"),
    "id empty": (line(id=""), "line 1: id is empty"),
    "task empty": (line(task=""), "line 1: task is empty"),
    "task a number": (line(task=3), "line 1: task is int, expected text"),
    "solution empty": (FINE + FINE + line(solution=""), "line 3: the solution is empty"),
    "solution of spaces": (line(solution=" \n\t"), "line 1: the solution is empty"),
    "id twice": (line(id="a") + line(id="a", solution="5"), "line 2: id a occurs twice in task mine; give each its own"),
    "id twice as number and text": (line(id=5) + line(id="5", prompt="q"), "line 2: id 5 occurs twice in task mine"),
    "id like a missing one": (line(id="2") + line(solution="5"), "line 2: id 2 occurs twice in task mine"),
    "expert tokens that do not spell": (line(**EXPERT | {"expert_tokens": ["4", "ok"]}), "line 1: expert_tokens, joined"),
    "expert tokens none": (line(**EXPERT | {"expert_tokens": [], "expert_logprobs": []}), "line 1: expert_tokens, joined"),
    "expert tokens as ids": (line(**EXPERT | {"expert_tokens": [4, 5]}), "line 1: expert_tokens, joined"),
    "expert tokens as text": (line(**EXPERT | {"expert_tokens": 7}), "line 1: expert_tokens is int, expected a list"),
    "too few log-probabilities": (line(**EXPERT | {"expert_logprobs": [-1.0]}), "line 1: 1 expert_logprobs for 2"),
    "a positive log-probability": (line(**EXPERT | {"expert_logprobs": [-1.0, 0.5]}), "line 1: expert_logprobs holds"),
    "a log-probability as text": (line(**EXPERT | {"expert_logprobs": [-1.0, "x"]}), "line 1: expert_logprobs holds"),
    "a log-probability of null": (line(**EXPERT | {"expert_logprobs": [None, -1]}), "line 1: expert_logprobs holds"),
    "a log-probability of true": (line(**EXPERT | {"expert_logprobs": [True, -1]}), "line 1: expert_logprobs holds"),
    "a huge negative number": (line(**EXPERT).replace(b"-1.25", b"-1e999"), "line 1: expert_logprobs holds"),
    "only some with an expert": (line(**EXPERT) + FINE, "line 2: expert_tokens or expert_logprobs is missing"),
    "tokens without log-probabilities": (
        line(**EXPERT) + line(**EXPERT | {"expert_logprobs": None}),
        "line 2: expert_tokens or",
    ),
}


def test_a_compressed_file_is_read_and_a_cut_one_is_named(tmp_path, capsys):
    packed = gzip.compress(FINE * 50)
    (tmp_path / "mine.jsonl.gz").write_bytes(packed)
    assert len(traces.read(tmp_path / "mine.jsonl.gz")) == 50
    for number, content in enumerate((packed[:-9], FINE, packed[:20] + b"x" * 9 + packed[29:])):
        (tmp_path / f"bad{number}.jsonl.gz").write_bytes(content)
        line = refused(tmp_path / f"bad{number}.jsonl.gz", tmp_path / "out", capsys)
        assert "not a whole gzip file" in line or "not JSON" in line or "not UTF-8" in line


def parquet(path, **columns):
    pd.DataFrame(columns).to_parquet(path)


BAD_PARQUET = {
    "no bytes": (lambda path: path.write_bytes(b""), "not a Parquet file"),
    "text": (lambda path: path.write_bytes(FINE), "not a Parquet file"),
    "cut off": (lambda path: path.write_bytes(b"PAR1\x15\x04\x15"), "not a Parquet file"),
    "no rows": (lambda path: parquet(path, prompt=[], solution=[]), "no traces"),
    "no prompt": (lambda path: parquet(path, solution=["a"]), "row 1: prompt is missing"),
    "solution missing in a row": (lambda path: parquet(path, prompt=["a", "b"], solution=["x", None]), "row 2: solution is"),
    "numbers": (lambda path: parquet(path, prompt=["a"], solution=[1.5]), "row 1: solution is float, expected text"),
    "lists": (
        lambda path: parquet(path, prompt=["a"], solution=[np.array(["x"])]),
        "row 1: solution is list, expected text; take what is in it, such as --fields solution=solution[0]",
    ),
    "bytes": (lambda path: parquet(path, prompt=["a"], solution=[b"x"]), "row 1: solution is bytes, expected text"),
    "dates": (
        lambda path: parquet(path, prompt=["a"], solution=pd.to_datetime(["2026-01-01"])),
        "row 1: solution is datetime",
    ),
}
BAD_PATHS = {
    "traces.csv": "traces are read from .jsonl, .json and .parquet files",
    "gone.json": "no such file",
    "traces": "traces are read from .jsonl, .json and .parquet files",
    "gone.jsonl": "no such file",
    "gone.parquet": "no such file",
    "set:gsm9k": "unknown; there are set:gsm8k, set:math500, set:humaneval, set:mbpp",
    "gone.jsonl.gz": "no such file",
    "hub:": "expected hub:NAME:SPLIT",
    "hub:name": "expected hub:NAME:SPLIT",
    "hub:a:b:c:d": "expected hub:NAME:SPLIT",
}


def refused(source, out, capsys, *more):
    """The one line on stderr of `proxylib extract`, which must leave no trace of itself."""
    given = ["extract", "--model", str(out.parent / "model"), "--traces", str(source), "--out", str(out)]
    assert main([*given, *more]) == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("proxylib: error: ") and captured.out == ""
    assert not out.exists()
    return lines[0]


@pytest.mark.parametrize("name", BAD_JSONL)
def test_a_malformed_jsonl_file_is_one_line(name, tmp_path, capsys):
    content, message = BAD_JSONL[name]
    (tmp_path / "mine.jsonl").write_bytes(content)
    assert message in refused(tmp_path / "mine.jsonl", tmp_path / "out", capsys)


@pytest.mark.parametrize("name", BAD_PARQUET)
def test_a_malformed_parquet_file_is_one_line(name, tmp_path, capsys):
    make, message = BAD_PARQUET[name]
    make(tmp_path / "mine.parquet")
    assert message in refused(tmp_path / "mine.parquet", tmp_path / "out", capsys)


@pytest.mark.parametrize("name", BAD_PATHS)
def test_a_path_that_leads_nowhere_is_one_line(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasets", object())
    source = name if name.startswith(("hub:", "set:")) else tmp_path / name
    assert BAD_PATHS[name] in refused(source, tmp_path / "out", capsys)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (["prompt"], "'prompt' is not OURS=THEIRS"),
        (["=question"], "'=question' is not OURS=THEIRS"),
        (["prompt="], "'prompt=' is not OURS=THEIRS"),
        (["question=prompt"], "a trace has no field question"),
        (["prompt=question"], "line 1: question is missing, which --fields takes for prompt"),
    ],
)
def test_a_mapping_that_does_not_fit_is_one_line(fields, message, tmp_path, capsys):
    (tmp_path / "mine.jsonl").write_bytes(FINE)
    assert message in refused(tmp_path / "mine.jsonl", tmp_path / "out", capsys, "--fields", *fields)


def test_there_are_more_than_sixty():
    assert len(BAD_JSONL) + len(BAD_PARQUET) + len(BAD_PATHS) > 60


def test_the_package_for_the_hub_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(UserError, match="needs the package datasets"):
        traces.read("hub:openai/gsm8k:main:test")


def test_rows_of_the_hub_are_read_under_their_own_names(monkeypatch):
    asked = []
    fake = type(
        "datasets", (), {"load_dataset": staticmethod(lambda *a, **k: asked.append((a, k)) or [{"q": "2+2", "a": "4"}])}
    )
    monkeypatch.setitem(__import__("sys").modules, "datasets", fake)
    (trace,) = traces.read("hub:openai/gsm8k:main:test", {"prompt": "q", "solution": "a"})
    assert asked == [(("openai/gsm8k", "main"), {"split": "test"})] and (trace.prompt, trace.solution) == ("2+2", "4")
